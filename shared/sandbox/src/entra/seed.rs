//! Fills a tenant at once, without notifications.

use super::directory::Kind;
use super::query::is_guid;
use super::{Tenant, schema};
use crate::entra::answer::GraphError;
use crate::entra::assignments::USER_ROLE;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A tenant of a given size.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Size {
    users: usize,
    groups: usize,
    members_per_group: usize,
    /// All of them if left out.
    assigned_groups: Option<usize>,
}

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
        if let Some(size) = seed.get("size") {
            self.seed_size(size, &mut ids, now)?;
        }
        {
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

    /// Users `user-1@contoso.example`.. in groups `Group 1`.., of which the first ones are assigned. Groups
    /// overlap: each takes its members from where the one before it ended, around the users.
    fn seed_size(
        &mut self,
        size: &Value,
        ids: &mut BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<(), GraphError> {
        let size: Size = serde_json::from_value(size.clone())
            .map_err(|error| GraphError::bad_request(format!("size: {error}")))?;
        let mut users = Vec::with_capacity(size.users);
        for number in 1..=size.users {
            let name = format!("user-{number}@contoso.example");
            let user = json!({"userPrincipalName": name, "mail": name, "displayName": format!("User {number}"),
                              "givenName": "User", "surname": format!("Number {number}")});
            let (name, id) = self.seed_user(&user, now)?;
            users.push(id.clone());
            ids.insert(name, id);
        }
        for number in 1..=size.groups {
            let assigned = size.assigned_groups.is_none_or(|groups| number <= groups);
            let group = json!({"displayName": format!("Group {number}"), "assigned": assigned});
            let (name, id) = self.seed_group(&group, ids, now)?;
            let first = (number - 1) * size.members_per_group;
            let members = (0..size.members_per_group.min(users.len()))
                .map(|offset| users[(first + offset) % users.len()].as_str());
            self.directory.fill_group(&id, members);
            ids.insert(name, id);
        }
        Ok(())
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
        check_id(&id)?;
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
        check_id(&id)?;
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
        if !self.has_enterprise() {
            return Err(GraphError::bad_request(
                "there is no enterprise application to assign anybody to yet",
            ));
        }
        self.application.assign(&self.directory, true, &body, row, now).map(|_| ())
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

fn check_id(id: &str) -> Result<(), GraphError> {
    if is_guid(id) { Ok(()) } else { Err(GraphError::bad_request(format!("The id '{id}' is no GUID."))) }
}
