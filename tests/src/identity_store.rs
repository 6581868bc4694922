//! What Identity Center holds, as the sandbox's control face shows it.

use serde_json::Value;
use std::collections::BTreeSet;

/// The identity store at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldState(Value);

impl HeldState {
    /// Of `GET /control/state`.
    pub fn new(mut state: Value) -> Self {
        Self(state["identity_center"].take())
    }

    /// The user of this user name.
    pub fn user(&self, name: &str) -> Option<&Value> {
        self.list("users").find(|user| user["UserName"] == name)
    }

    /// The id of the user of this user name.
    pub fn user_id(&self, name: &str) -> Option<&str> {
        self.user(name)?["UserId"].as_str()
    }

    /// The user of this id.
    pub fn user_of(&self, id: &str) -> Option<&Value> {
        self.list("users").find(|user| user["UserId"] == id)
    }

    /// The id of the group of this name.
    pub fn group_id(&self, name: &str) -> Option<&str> {
        self.list("groups").find(|group| group["DisplayName"] == name)?["GroupId"].as_str()
    }

    /// The user names of a group's members; `None` if there is no such group.
    pub fn members(&self, group: &str) -> Option<BTreeSet<String>> {
        let group = self.group_id(group)?;
        let members = self.list("memberships").filter(|held| held["GroupId"] == group);
        let names = members.filter_map(|held| self.user_of(held["MemberId"]["UserId"].as_str()?));
        Some(names.filter_map(|user| user["UserName"].as_str().map(str::to_owned)).collect())
    }

    /// How many users, groups and memberships there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.list("users").count(), self.list("groups").count(), self.list("memberships").count())
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0[name].as_array().into_iter().flatten()
    }
}
