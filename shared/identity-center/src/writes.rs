//! The writing port: one API call for each write.

use crate::operations;
use crate::reads::member;
use crate::store::IdentityStoreWrite;
use crate::{user_create, user_update};
use async_trait::async_trait;
use aws_sdk_identitystore::types::AttributeOperation;
use engine::ports::{CallError, IdentityStoreWriter};
use planning::attributes::{UserAttribute, UserAttributes};
use planning::{GroupId, MembershipId, UserId};
use std::collections::BTreeSet;

#[async_trait]
impl IdentityStoreWriter for IdentityStoreWrite {
    async fn create_user(&self, attributes: &UserAttributes) -> Result<UserId, CallError> {
        let call = self.0.call(operations::CREATE_USER, "a new user");
        let request = self.0.client().create_user();
        let request = request.identity_store_id(self.0.id());
        let request = user_create::request(request, attributes);
        call.id(call.answered(|| request.clone().send()).await?.user_id())
    }

    async fn update_user(
        &self,
        user: &UserId,
        attributes: &UserAttributes,
        changed: &BTreeSet<UserAttribute>,
        revision: Option<&str>,
    ) -> Result<(), CallError> {
        if changed.is_empty() {
            return Ok(()); // The API refuses a request without operations.
        }
        let call = self.0.call(operations::UPDATE_USER, user);
        let operations = call.built(user_update::operations(attributes, changed))?;
        let request = self.0.client().update_user();
        let request = request.identity_store_id(self.0.id()).user_id(user.as_str());
        let request = request.set_operations(Some(operations));
        let request = request.set_revision(known(revision));
        call.answered(|| request.clone().send()).await.map(drop)
    }

    async fn create_group(&self, name: &str) -> Result<GroupId, CallError> {
        let call = self.0.call(operations::CREATE_GROUP, "a new group");
        let request = self.0.client().create_group();
        let request = request.identity_store_id(self.0.id()).display_name(name);
        call.id(call.answered(|| request.clone().send()).await?.group_id())
    }

    async fn rename_group(
        &self,
        group: &GroupId,
        name: &str,
        revision: Option<&str>,
    ) -> Result<(), CallError> {
        let call = self.0.call(operations::UPDATE_GROUP, group);
        let rename = AttributeOperation::builder().attribute_path("displayName").attribute_value(name.into());
        let rename = call.built(rename.build())?;
        let request = self.0.client().update_group();
        let request = request.identity_store_id(self.0.id()).group_id(group.as_str());
        let request = request.operations(rename).set_revision(known(revision));
        call.answered(|| request.clone().send()).await.map(drop)
    }

    async fn create_membership(&self, user: &UserId, group: &GroupId) -> Result<MembershipId, CallError> {
        let object = format!("user {user} in group {group}");
        let call = self.0.call(operations::CREATE_MEMBERSHIP, object);
        let request = self.0.client().create_group_membership();
        let request = request.identity_store_id(self.0.id());
        let request = request.group_id(group.as_str()).member_id(member(user));
        call.id(call.answered(|| request.clone().send()).await?.membership_id())
    }

    async fn delete_membership(&self, membership: &MembershipId) -> Result<(), CallError> {
        let call = self.0.call(operations::DELETE_MEMBERSHIP, membership);
        let request = self.0.client().delete_group_membership();
        let request = request.identity_store_id(self.0.id());
        let request = request.membership_id(membership.as_str());
        call.answered(|| request.clone().send()).await.map(drop)
    }

    async fn delete_user(&self, user: &UserId, revision: Option<&str>) -> Result<(), CallError> {
        let call = self.0.call(operations::DELETE_USER, user);
        let request = self.0.client().delete_user();
        let request = request.identity_store_id(self.0.id()).user_id(user.as_str());
        let request = request.set_revision(known(revision));
        call.answered(|| request.clone().send()).await.map(drop)
    }

    async fn delete_group(&self, group: &GroupId, revision: Option<&str>) -> Result<(), CallError> {
        let call = self.0.call(operations::DELETE_GROUP, group);
        let request = self.0.client().delete_group();
        let request = request.identity_store_id(self.0.id()).group_id(group.as_str());
        let request = request.set_revision(known(revision));
        call.answered(|| request.clone().send()).await.map(drop)
    }
}

/// The API refuses `""` as a revision.
fn known(revision: Option<&str>) -> Option<String> {
    revision.filter(|text| !text.is_empty()).map(str::to_owned)
}
