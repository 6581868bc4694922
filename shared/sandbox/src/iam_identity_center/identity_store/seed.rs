//! Fills the store at once, as if another tool had done it: with what this API cannot set.

use super::request::Request;
use super::{IdentityStore, inputs};
use crate::iam_identity_center::answer::Failure;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl IdentityStore {
    /// Adds `users` (members of CreateUser, and `UserStatus`, `ExternalIds`), `groups` (members of CreateGroup,
    /// and `ExternalIds`) and `memberships` (`UserName`, `GroupDisplayName`); answers the ids by name.
    pub fn seed(&mut self, now: Timestamp, seed: &Value) -> Result<Value, String> {
        self.seeded(now, seed).map_err(|failure| failure.to_string())
    }

    fn seeded(&mut self, now: Timestamp, seed: &Value) -> Result<Value, Failure> {
        let (mut users, mut groups) = (BTreeMap::new(), BTreeMap::new());
        let list = |name: &str| seed[name].as_array().cloned().unwrap_or_default();
        for mut user in list("users") {
            let (status, external_ids) = (taken(&mut user, "UserStatus"), taken(&mut user, "ExternalIds"));
            let answer = self.create_user(now, &self.request("CreateUser", user.clone())?)?;
            let id = answer["UserId"].as_str().unwrap_or_default().to_owned();
            if let Some(held) = self.users.get_mut(&id) {
                held.external_ids = external_ids;
                held.status = status
                    .and_then(|status| status.as_str().map(str::to_owned))
                    .unwrap_or(held.status.clone());
            }
            users.insert(user["UserName"].as_str().unwrap_or_default().to_owned(), id);
        }
        for mut group in list("groups") {
            let external_ids = taken(&mut group, "ExternalIds");
            let answer = self.create_group(now, &self.request("CreateGroup", group.clone())?)?;
            let id = answer["GroupId"].as_str().unwrap_or_default().to_owned();
            if let Some(held) = self.groups.get_mut(&id) {
                held.external_ids = external_ids;
            }
            groups.insert(group["DisplayName"].as_str().unwrap_or_default().to_owned(), id);
        }
        for membership in list("memberships") {
            let named = |name: &str| membership[name].as_str().unwrap_or_default().to_lowercase();
            let user = self.user_names.get(&named("UserName")).cloned();
            let group = self.group_names.get(&named("GroupDisplayName")).cloned();
            let (Some(user), Some(group)) = (user, group) else {
                return Err(Failure::invalid(
                    "memberships",
                    "UserName and GroupDisplayName must name what is there",
                ));
            };
            self.join(&user, &group, now)?;
        }
        Ok(json!({"users": users, "groups": groups}))
    }

    /// The body of a create operation, checked like one that came over the wire.
    fn request(&self, operation: &str, mut members: Value) -> Result<Request, Failure> {
        if let Some(members) = members.as_object_mut() {
            members.insert("IdentityStoreId".to_owned(), json!(self.id));
        }
        let request = Request::parse(&serde_json::to_vec(&members).unwrap_or_default())?;
        inputs::check(operation, &request)?;
        Ok(request)
    }
}

fn taken(object: &mut Value, name: &str) -> Option<Value> {
    object.as_object_mut()?.remove(name)
}
