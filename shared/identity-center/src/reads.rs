//! The reading port: every page of every list, and "not found" only where AWS says so of the object itself.

use crate::calls::Call;
use crate::operations;
use crate::pages::{Asked, Pages};
use crate::store::IdentityStoreReadOnly;
use crate::user_paths::{ENTERPRISE, path};
use crate::user_read;
use async_trait::async_trait;
use aws_sdk_identitystore::error::BuildError;
use aws_sdk_identitystore::types::{
    AlternateIdentifier, GroupMembership, MemberId, UniqueAttribute, UserStatus,
};
use engine::ports::{CallError, IdentityStoreReader};
use planning::attributes::UserAttribute;
use planning::group_plan::IdentityGroup;
use planning::user_plan::IdentityUser;
use planning::{GroupId, MembershipId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// The most entries that a page may have (API model, `MaxResults`).
pub(crate) const PAGE: i32 = 100;

#[async_trait]
impl IdentityStoreReader for IdentityStoreReadOnly {
    async fn user(&self, id: &UserId) -> Result<Option<IdentityUser>, CallError> {
        let call = self.0.call(operations::DESCRIBE_USER, id);
        let request = self.0.client().describe_user();
        let request = request.identity_store_id(self.0.id()).user_id(id.as_str());
        let request = request.extensions(ENTERPRISE);
        let Some(user) = call.found(|| request.clone().send()).await? else {
            return Ok(None);
        };
        Ok(Some(IdentityUser {
            user_id: call.id(user.user_id())?,
            attributes: user_read::attributes(&user),
            revision: revision(user.revision()),
            is_disabled: user.user_status() == Some(&UserStatus::Disabled),
        }))
    }

    async fn find_user(&self, attribute: UserAttribute, value: &str) -> Result<Option<UserId>, CallError> {
        let call = self.0.call(operations::GET_USER_ID, format!("user by {attribute}"));
        // The path of one address, not of the whole list (API reference, GetUserId).
        let path = match attribute {
            UserAttribute::Email => "emails.value",
            other => path(other),
        };
        let identifier = call.built(unique(path, value))?;
        let request = self.0.client().get_user_id();
        let request = request.identity_store_id(self.0.id());
        let request = request.alternate_identifier(identifier);
        let found = call.found(|| request.clone().send()).await?;
        found.map(|user| call.id(user.user_id())).transpose()
    }

    async fn memberships_of(&self, user: &UserId) -> Result<BTreeMap<GroupId, MembershipId>, CallError> {
        let call = self.0.call(operations::MEMBERSHIPS_OF_USER, user);
        let mut pages = Pages::default();
        let mut memberships = BTreeMap::new();
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_group_memberships_for_member();
            let request = request.identity_store_id(self.0.id()).max_results(PAGE);
            let request = request.member_id(member(user)).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            for membership in page.group_memberships() {
                let group = membership.group_id().ok_or_else(|| call.lacks("GroupId"))?;
                memberships.insert(call.id(group)?, call.id(membership.membership_id())?);
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(memberships)
    }

    async fn find_membership(
        &self,
        user: &UserId,
        group: &GroupId,
    ) -> Result<Option<MembershipId>, CallError> {
        let object = format!("user {user} in group {group}");
        let call = self.0.call(operations::GET_MEMBERSHIP_ID, object);
        let request = self.0.client().get_group_membership_id();
        let request = request.identity_store_id(self.0.id());
        let request = request.group_id(group.as_str()).member_id(member(user));
        let found = call.found(|| request.clone().send()).await?;
        found.map(|found| call.id(found.membership_id())).transpose()
    }

    async fn group(&self, id: &GroupId) -> Result<Option<IdentityGroup>, CallError> {
        let call = self.0.call(operations::DESCRIBE_GROUP, id);
        let request = self.0.client().describe_group();
        let request = request.identity_store_id(self.0.id()).group_id(id.as_str());
        let Some(group) = call.found(|| request.clone().send()).await? else {
            return Ok(None);
        };
        let name = group.display_name().ok_or_else(|| call.lacks("DisplayName"))?;
        Ok(Some(IdentityGroup {
            group_id: call.id(group.group_id())?,
            name: name.to_owned(),
            revision: revision(group.revision()),
        }))
    }

    async fn find_group(&self, name: &str) -> Result<Option<GroupId>, CallError> {
        let call = self.0.call(operations::GET_GROUP_ID, "group by name");
        let identifier = call.built(unique("displayName", name))?;
        let request = self.0.client().get_group_id();
        let request = request.identity_store_id(self.0.id());
        let request = request.alternate_identifier(identifier);
        let found = call.found(|| request.clone().send()).await?;
        found.map(|group| call.id(group.group_id())).transpose()
    }

    async fn members_of(&self, group: &GroupId) -> Result<BTreeSet<UserId>, CallError> {
        let call = self.0.call(operations::MEMBERS_OF_GROUP, group);
        let mut pages = Pages::default();
        let mut members = BTreeSet::new();
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_group_memberships();
            let request = request.identity_store_id(self.0.id()).max_results(PAGE);
            let request = request.group_id(group.as_str()).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            for membership in page.group_memberships() {
                members.insert(member_of(&call, membership)?);
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(members)
    }
}

fn unique(path: &str, value: &str) -> Result<AlternateIdentifier, BuildError> {
    UniqueAttribute::builder()
        .attribute_path(path)
        .attribute_value(value.into())
        .build()
        .map(AlternateIdentifier::UniqueAttribute)
}

/// A user as a member: the API knows no other kind.
pub(crate) fn member(user: &UserId) -> MemberId {
    MemberId::UserId(user.to_string())
}

pub(crate) fn member_of(call: &Call, membership: &GroupMembership) -> Result<UserId, CallError> {
    match membership.member_id() {
        Some(MemberId::UserId(user)) => call.id(user),
        _ => Err(call.lacks("MemberId.UserId")),
    }
}

/// The SDK fills an absent revision with `""`, which must never be sent back.
pub(crate) fn revision(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
