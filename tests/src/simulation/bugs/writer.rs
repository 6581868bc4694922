//! The identity store's writer that gives tombstones to whoever has their name now.

use async_trait::async_trait;
use engine::ports::{CallError, IdentityStoreReader, IdentityStoreWriter};
use planning::attributes::{UserAttribute, UserAttributes};
use planning::{GroupId, MembershipId, UserId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Takes the object that stands under a name for the one that is to be created.
pub(super) struct Rebinding {
    pub(super) writer: Arc<dyn IdentityStoreWriter>,
    pub(super) reader: Arc<dyn IdentityStoreReader>,
}

#[async_trait]
impl IdentityStoreWriter for Rebinding {
    async fn create_user(&self, attributes: &UserAttributes) -> Result<UserId, CallError> {
        let name = attributes.get(UserAttribute::UserName).unwrap_or_default();
        match self.reader.find_user(UserAttribute::UserName, name).await? {
            Some(found) => Ok(found),
            None => self.writer.create_user(attributes).await,
        }
    }

    async fn update_user(
        &self,
        user: &UserId,
        attributes: &UserAttributes,
        changed: &BTreeSet<UserAttribute>,
        revision: Option<&str>,
    ) -> Result<(), CallError> {
        if attributes.get(UserAttribute::UserName).is_some_and(|name| name.starts_with("retired-")) {
            return Ok(());
        }
        self.writer.update_user(user, attributes, changed, revision).await
    }

    async fn create_group(&self, name: &str) -> Result<GroupId, CallError> {
        self.writer.create_group(name).await
    }

    async fn rename_group(
        &self,
        group: &GroupId,
        name: &str,
        revision: Option<&str>,
    ) -> Result<(), CallError> {
        self.writer.rename_group(group, name, revision).await
    }

    async fn create_membership(&self, user: &UserId, group: &GroupId) -> Result<MembershipId, CallError> {
        self.writer.create_membership(user, group).await
    }

    async fn delete_membership(&self, membership: &MembershipId) -> Result<(), CallError> {
        self.writer.delete_membership(membership).await
    }

    async fn delete_user(&self, user: &UserId, revision: Option<&str>) -> Result<(), CallError> {
        self.writer.delete_user(user, revision).await
    }

    async fn delete_group(&self, group: &GroupId, revision: Option<&str>) -> Result<(), CallError> {
        self.writer.delete_group(group, revision).await
    }
}
