//! Memberships of users in groups.

use super::request::{Request, id};
use super::{IdentityStore, Membership, paging, seconds};
use crate::iam_identity_center::answer::{Failure, ResourceType};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::ops::Bound;

impl IdentityStore {
    pub(super) fn create_membership(&mut self, now: Timestamp, request: &Request) -> Result<Value, Failure> {
        let (group, _) = self.group(request)?;
        let user = self.member(request)?;
        let id = self.join(&user, &group, now)?;
        Ok(self.membership_written(&id))
    }

    /// Makes a membership of a user and a group that are there.
    pub(super) fn join(&mut self, user: &str, group: &str, now: Timestamp) -> Result<String, Failure> {
        let exists = self.groups.get(group).is_some_and(|group| group.memberships.contains_key(user));
        if exists {
            return Err(Failure::taken("Member and Group relationship already exists"));
        }
        let id = self.new_id();
        if let Some(held) = self.groups.get_mut(group) {
            held.memberships.insert(user.to_owned(), id.clone());
        }
        if let Some(held) = self.users.get_mut(user) {
            held.memberships.insert(group.to_owned(), id.clone());
        }
        let membership = Membership { user: user.to_owned(), group: group.to_owned(), created: now };
        self.memberships.insert(id.clone(), membership);
        Ok(id)
    }

    pub(super) fn describe_membership(&self, request: &Request) -> Result<Value, Failure> {
        let id = request.id("MembershipId")?;
        let membership = self.memberships.get(&id);
        let membership = membership.ok_or_else(|| Failure::missing(ResourceType::GroupMembership, &id))?;
        Ok(self.show_membership(&id, membership))
    }

    pub(super) fn delete_membership(&mut self, request: &Request) -> Result<Value, Failure> {
        let id = request.id("MembershipId")?;
        let membership = self.memberships.remove(&id);
        let membership = membership.ok_or_else(|| Failure::missing(ResourceType::GroupMembership, &id))?;
        if let Some(group) = self.groups.get_mut(&membership.group) {
            group.memberships.remove(&membership.user);
        }
        if let Some(user) = self.users.get_mut(&membership.user) {
            user.memberships.remove(&membership.group);
        }
        Ok(json!({}))
    }

    pub(super) fn membership_id(&self, request: &Request) -> Result<Value, Failure> {
        let (_, group) = self.group(request)?;
        let user = self.member(request)?;
        let id = group.memberships.get(&user);
        let id = id.ok_or(Failure::NotFound { kind: ResourceType::GroupMembership, id: None })?;
        Ok(self.membership_written(id))
    }

    pub(super) fn memberships_of_group(&self, request: &Request) -> Result<Value, Failure> {
        let (_, group) = self.group(request)?;
        self.page_of(request, group.memberships.range((self.after(request)?, Bound::Unbounded)))
    }

    pub(super) fn memberships_of_user(&self, request: &Request) -> Result<Value, Failure> {
        let id = self.member(request)?;
        let user = self.users.get(&id).ok_or_else(|| Failure::missing(ResourceType::User, &id))?;
        self.page_of(request, user.memberships.range((self.after(request)?, Bound::Unbounded)))
    }

    pub(super) fn is_member(&self, request: &Request) -> Result<Value, Failure> {
        let user = self.member(request)?;
        let mut results = Vec::new();
        for group in request.list("GroupIds") {
            let group = id("GroupId", group.as_str().unwrap_or_default())?;
            let held =
                self.groups.get(&group).ok_or_else(|| Failure::missing(ResourceType::Group, &group))?;
            results.push(json!({
                "GroupId": group,
                "MemberId": {"UserId": user},
                "MembershipExists": held.memberships.contains_key(&user),
            }));
        }
        Ok(json!({"Results": results}))
    }

    pub(super) fn show_membership(&self, id: &str, membership: &Membership) -> Value {
        json!({
            "IdentityStoreId": self.id,
            "MembershipId": id,
            "MembershipArn": Self::arn("membership", id),
            "GroupId": membership.group,
            "MemberId": {"UserId": membership.user},
            "CreatedAt": seconds(membership.created),
            "UpdatedAt": seconds(membership.created),
            "CreatedBy": "sandbox",
            "UpdatedBy": "sandbox",
        })
    }

    fn membership_written(&self, id: &str) -> Value {
        json!({"IdentityStoreId": self.id, "MembershipId": id, "MembershipArn": Self::arn("membership", id)})
    }

    fn member(&self, request: &Request) -> Result<String, Failure> {
        let id = request.member_id()?;
        if self.users.contains_key(&id) { Ok(id) } else { Err(Failure::missing(ResourceType::User, &id)) }
    }

    fn after(&self, request: &Request) -> Result<Bound<String>, Failure> {
        Ok(Bound::Excluded(paging::start(request, "GroupMemberships")?))
    }

    fn page_of<'a>(
        &self,
        request: &Request,
        found: impl Iterator<Item = (&'a String, &'a String)>,
    ) -> Result<Value, Failure> {
        let shown = found.filter_map(|(key, id)| {
            let membership = self.memberships.get(id)?;
            Some((key.clone(), self.show_membership(id, membership)))
        });
        paging::page(request, "GroupMemberships", shown)
    }
}
