//! The identity store: users, groups and memberships, as the API model and its reference describe them.

mod groups;
mod inputs;
mod memberships;
mod paging;
mod request;
mod seed;
mod update;
mod users;

use super::IdentityCenterSettings;
use super::answer::{Failure, ResourceType};
use super::external_idp::Users;
use super::throttle::Throttle;
use crate::random::Random;
use jiff::Timestamp;
pub(super) use request::Request;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Users and groups of one store (Identity Center quotas page).
const MOST_USERS: usize = 200_000;
const MOST_GROUPS: usize = 100_000;

/// What `X-Amz-Target` begins with.
pub(super) const TARGET_PREFIX: &str = "AWSIdentityStore";

/// The store of one Identity Center.
#[derive(Debug)]
pub(super) struct IdentityStore {
    id: String,
    users: BTreeMap<String, User>,
    groups: BTreeMap<String, Group>,
    memberships: BTreeMap<String, Membership>,
    /// Unique values in lower case: how they compare is not documented, and SCIM's are not case exact.
    user_names: BTreeMap<String, String>,
    emails: BTreeMap<String, String>,
    group_names: BTreeMap<String, String>,
    throttle: Throttle,
    ids: Random,
}

#[derive(Debug, Clone)]
struct User {
    /// The members that can be written, as the API names them.
    members: Map<String, Value>,
    extensions: Map<String, Value>,
    /// Read-only in this API.
    external_ids: Option<Value>,
    status: String,
    meta: Meta,
    /// Membership ids by group.
    memberships: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Group {
    members: Map<String, Value>,
    external_ids: Option<Value>,
    meta: Meta,
    /// Membership ids by user.
    memberships: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Membership {
    user: String,
    group: String,
    created: Timestamp,
}

#[derive(Debug, Clone)]
struct Meta {
    revision: u64,
    created: Timestamp,
    updated: Timestamp,
}

impl IdentityStore {
    /// A store without users and groups.
    pub fn new(settings: &IdentityCenterSettings) -> Self {
        Self {
            id: settings.identity_store_id.clone(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            memberships: BTreeMap::new(),
            user_names: BTreeMap::new(),
            emails: BTreeMap::new(),
            group_names: BTreeMap::new(),
            throttle: Throttle::new(settings.tps),
            ids: Random::new(settings.rng_seed, "identity store ids"),
        }
    }

    /// Sets the calls per second that each operation takes.
    pub fn set_tps(&mut self, tps: Option<u32>) {
        self.throttle = Throttle::new(tps);
    }

    /// Takes a call's place in the quota of its operation.
    pub fn admit(&mut self, now: Timestamp, operation: &str) -> Result<(), Failure> {
        self.throttle.admit(now, operation)
    }

    /// Answers one call.
    pub fn answer(&mut self, now: Timestamp, operation: &str, body: &[u8]) -> Result<Value, Failure> {
        let request = Request::parse(body)?;
        inputs::check(operation, &request)?;
        request.check_store(&self.id)?;
        match operation {
            "CreateUser" => self.create_user(now, &request),
            "DescribeUser" => self.describe_user(&request),
            "UpdateUser" => self.update_user(now, &request),
            "DeleteUser" => self.delete_user(&request),
            "ListUsers" => self.list_users(&request),
            "GetUserId" => self.user_id(&request),
            "CreateGroup" => self.create_group(now, &request),
            "DescribeGroup" => self.describe_group(&request),
            "UpdateGroup" => self.update_group(now, &request),
            "DeleteGroup" => self.delete_group(&request),
            "ListGroups" => self.list_groups(&request),
            "GetGroupId" => self.group_id(&request),
            "CreateGroupMembership" => self.create_membership(now, &request),
            "DescribeGroupMembership" => self.describe_membership(&request),
            "DeleteGroupMembership" => self.delete_membership(&request),
            "GetGroupMembershipId" => self.membership_id(&request),
            "ListGroupMemberships" => self.memberships_of_group(&request),
            "ListGroupMembershipsForMember" => self.memberships_of_user(&request),
            "IsMemberInGroups" => self.is_member(&request),
            _ => Err(Failure::UnknownOperation),
        }
    }

    /// True if there is such a user (`USER`) or group (`GROUP`).
    pub fn has_principal(&self, kind: &str, id: &str) -> bool {
        match kind {
            "GROUP" => self.groups.contains_key(id),
            _ => self.users.contains_key(id),
        }
    }

    /// Everything that stands here, ordered by id.
    pub fn state(&self) -> Value {
        let users: Vec<Value> = self.users.iter().map(|(id, user)| self.show_user(id, user, true)).collect();
        let groups: Vec<Value> = self.groups.iter().map(|(id, group)| self.show_group(id, group)).collect();
        let memberships: Vec<Value> =
            self.memberships.iter().map(|(id, held)| self.show_membership(id, held)).collect();
        json!({"users": users, "groups": groups, "memberships": memberships})
    }

    fn new_id(&mut self) -> String {
        let prefix = self.id.strip_prefix("d-").unwrap_or("").to_owned();
        if prefix.is_empty() { self.ids.uuid().to_string() } else { format!("{prefix}-{}", self.ids.uuid()) }
    }

    fn arn(kind: &str, id: &str) -> String {
        format!("arn:aws:identitystore:::{kind}/{id}")
    }

    fn user(&self, request: &Request) -> Result<(String, &User), Failure> {
        let id = request.id("UserId")?;
        match self.users.get(&id) {
            Some(user) => Ok((id, user)),
            None => Err(Failure::missing(ResourceType::User, &id)),
        }
    }

    fn group(&self, request: &Request) -> Result<(String, &Group), Failure> {
        let id = request.id("GroupId")?;
        match self.groups.get(&id) {
            Some(group) => Ok((id, group)),
            None => Err(Failure::missing(ResourceType::Group, &id)),
        }
    }
}

impl Users for IdentityStore {
    fn is_enabled(&self, user_name: &str) -> Option<bool> {
        let id = self.user_names.get(&user_name.to_lowercase())?;
        let user = self.users.get(id)?;
        let exact = user.members.get("UserName").and_then(Value::as_str) == Some(user_name);
        exact.then_some(user.status == "ENABLED")
    }
}

impl Meta {
    fn new(now: Timestamp) -> Self {
        Self { revision: 1, created: now, updated: now }
    }

    fn touch(&mut self, now: Timestamp) {
        self.revision += 1;
        self.updated = now;
    }

    /// Adds what every described object has. Times are seconds since 1970 in AWS JSON 1.1.
    fn show(&self, body: &mut Map<String, Value>) {
        body.insert("CreatedAt".to_owned(), seconds(self.created));
        body.insert("UpdatedAt".to_owned(), seconds(self.updated));
        body.insert("CreatedBy".to_owned(), json!("sandbox"));
        body.insert("UpdatedBy".to_owned(), json!("sandbox"));
    }
}

fn seconds(instant: Timestamp) -> Value {
    json!(instant.as_millisecond() as f64 / 1_000.0)
}

#[cfg(test)]
mod tests;
