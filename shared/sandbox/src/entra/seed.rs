//! Fills a tenant at once, without notifications.

use super::directory::Kind;
use super::{Tenant, schema};
use crate::entra::answer::GraphError;
use crate::entra::assignments::USER_ROLE;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

impl Tenant {
    /// Adds `users` (Graph properties; `id` and what is required may be left out), `groups` (properties,
    /// `members` as user principal names or ids, `assigned`), and `assigned` (user principal names or ids);
    /// or a `size`: `{"users", "groups", "members_per_group", "assigned_groups"}`. Answers the ids by
    /// userPrincipalName and displayName. Subscribers are not told.
    ///
    /// # Errors
    /// Says what Graph would not take.
    pub fn seed(&mut self, seed: &Value, now: Timestamp) -> Result<Value, String> {
        let result = self.seeded(seed, now).map_err(|error| error.message);
        self.directory.take_notices();
        result
    }

    fn seeded(&mut self, seed: &Value, now: Timestamp) -> Result<Value, GraphError> {
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        let generated = seed.get("size").map(of_size);
        for seed in generated.iter().chain([seed]) {
            for user in seed["users"].as_array().into_iter().flatten() {
                let (name, id) = self.seed_user(user, now)?;
                ids.insert(name, id);
            }
            for group in seed["groups"].as_array().into_iter().flatten() {
                let (name, id) = self.seed_group(group, &ids, now)?;
                ids.insert(name, id);
            }
            for principal in seed["assigned"].as_array().into_iter().flatten() {
                let id = self.named(principal, &ids)?;
                self.seed_assignment(&id, now)?;
            }
        }
        Ok(json!(ids))
    }

    fn seed_user(&mut self, user: &Value, now: Timestamp) -> Result<(String, String), GraphError> {
        let (id, mut properties) = self.without_id(user);
        let upn = properties.get("userPrincipalName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let alias = upn.split('@').next().unwrap_or_default().to_owned();
        let manager = properties.remove("manager").and_then(|id| id.as_str().map(str::to_owned));
        for (name, value) in [
            ("accountEnabled", json!(true)),
            ("displayName", json!(alias)),
            ("mailNickname", json!(alias)),
            ("passwordProfile", json!({"password": "correct horse battery staple"})),
        ] {
            properties.entry(name).or_insert(value);
        }
        let properties = schema::checked(Kind::User, &Value::Object(properties))?;
        self.create_as(Kind::User, id.clone(), properties, now)?;
        if manager.is_some() {
            self.directory.set_manager(&id, manager)?;
        }
        Ok((upn, id))
    }

    fn seed_group(
        &mut self,
        group: &Value,
        ids: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<(String, String), GraphError> {
        let (id, mut properties) = self.without_id(group);
        let members = properties.remove("members");
        let assigned = properties.remove("assigned") == Some(json!(true));
        for (name, value) in [
            ("mailEnabled", json!(false)),
            ("mailNickname", json!("group")),
            ("securityEnabled", json!(true)),
        ] {
            properties.entry(name).or_insert(value);
        }
        let name = properties.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let properties = schema::checked(Kind::Group, &Value::Object(properties))?;
        self.create_as(Kind::Group, id.clone(), properties, now)?;
        for member in members.as_ref().and_then(Value::as_array).into_iter().flatten() {
            let member = self.named(member, ids)?;
            self.directory.add_member(&id, &member)?;
        }
        if assigned {
            self.seed_assignment(&id, now)?;
        }
        Ok((name, id))
    }

    fn seed_assignment(&mut self, principal: &str, now: Timestamp) -> Result<(), GraphError> {
        let row = self.ids.uuid().simple().to_string();
        let body =
            json!({"principalId": principal, "resourceId": self.application.id, "appRoleId": USER_ROLE});
        self.application.assign(&self.directory, &body, row, now).map(|_| ())
    }

    fn without_id(&mut self, object: &Value) -> (String, Map<String, Value>) {
        let mut properties = object.as_object().cloned().unwrap_or_default();
        let id = properties.remove("id").and_then(|id| id.as_str().map(str::to_ascii_lowercase));
        (id.unwrap_or_else(|| self.ids.uuid().to_string()), properties)
    }

    fn named(&self, name: &Value, ids: &BTreeMap<String, String>) -> Result<String, GraphError> {
        let name = name.as_str().unwrap_or_default();
        if let Some(id) = ids.get(name) {
            return Ok(id.clone());
        }
        let found = self.directory.any(name).map(|_| name.to_ascii_lowercase());
        found.map_or_else(|| super::id_of(&self.directory, Kind::User, name), Ok)
    }
}

/// Users `user-1@contoso.example`.. in groups `Group 1`.., of which the first ones are assigned.
fn of_size(size: &Value) -> Value {
    let number = |name: &str| size[name].as_u64().unwrap_or(0);
    let (users, members) = (number("users"), number("members_per_group"));
    let name = |number: u64| format!("user-{number}@contoso.example");
    let user = |number: u64| {
        json!({"userPrincipalName": name(number), "mail": name(number), "displayName": format!("User {number}"),
               "givenName": "User", "surname": format!("Number {number}")})
    };
    let group = |number: u64| {
        // Groups overlap: each takes its members from where the one before it ended, around the users.
        let first = number.saturating_sub(1) * members;
        let chosen = (0..members.min(users)).map(|offset| name((first + offset) % users.max(1) + 1));
        json!({"displayName": format!("Group {number}"), "members": chosen.collect::<Vec<_>>(),
               "assigned": number <= size["assigned_groups"].as_u64().unwrap_or(u64::MAX)})
    };
    json!({
        "users": (1..=users).map(user).collect::<Vec<_>>(),
        "groups": (1..=number("groups")).map(group).collect::<Vec<_>>(),
    })
}
