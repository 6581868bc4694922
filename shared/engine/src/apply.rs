//! Applies one change and says what became of it. The only code that holds the identity store's writer.

use crate::mirror::Mirror;
use crate::ports::{CallError, Cause};
use crate::telemetry::Applied;
use crate::work::Work;
use planning::attributes::{UserAttribute, UserAttributes};
use planning::guard_rail::ApprovedPlan;
use planning::names;
use planning::plan::Change;
use planning::{EntraObjectId, GroupId, MembershipId, UserId};
use std::collections::BTreeSet;

/// What a change led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The membership is gone.
    Revoked(GroupId),
    /// The membership exists.
    Granted(GroupId, MembershipId),
    /// The user exists.
    UserCreated(UserId),
    /// The group exists.
    GroupCreated(GroupId),
    /// The object is as it should be.
    Updated,
    /// The object is gone.
    Deleted,
}

impl Mirror {
    /// Applies one change of an approved plan. `user` is the plan's user, which may be younger than the plan.
    pub(crate) async fn apply(
        &self,
        approved: &ApprovedPlan,
        change: &Change,
        user: Option<&UserId>,
        work: &Work,
    ) -> Result<Effect, CallError> {
        let effect = self.write(change, user).await?;
        let lag = self.clock.now().duration_since(work.noticed_at);
        self.telemetry.applied(&Applied {
            principal: &approved.plan().principal,
            change,
            cause: &work.cause,
            noticed_at: work.noticed_at,
            lag,
        });
        Ok(effect)
    }

    async fn write(&self, change: &Change, user: Option<&UserId>) -> Result<Effect, CallError> {
        match change {
            Change::RevokeMembership { user, group, membership } => {
                self.revoke(user, group, membership.as_ref()).await?;
                Ok(Effect::Revoked(group.clone()))
            }
            Change::GrantMembership { group } => {
                let Some(user) = user else {
                    return Err(no_user(group));
                };
                let membership = self.grant(user, group).await?;
                Ok(Effect::Granted(group.clone(), membership))
            }
            Change::RetireUser { user, owner } => {
                self.retire_user(user, owner).await?;
                Ok(Effect::Updated)
            }
            Change::RetireGroup { group, owner } => {
                self.writer.rename_group(group, &names::retired_name(owner), None).await?;
                Ok(Effect::Updated)
            }
            Change::CreateUser { attributes } => {
                Ok(Effect::UserCreated(self.writer.create_user(attributes).await?))
            }
            Change::UpdateUser { user, attributes, changed, revision } => {
                self.writer.update_user(user, attributes, changed, revision.as_deref()).await?;
                Ok(Effect::Updated)
            }
            Change::CreateGroup { name } => Ok(Effect::GroupCreated(self.writer.create_group(name).await?)),
            Change::DeleteUser { user, revision } => {
                gone(self.writer.delete_user(user, revision.as_deref()).await)?;
                Ok(Effect::Deleted)
            }
            Change::DeleteGroup { group, revision } => {
                gone(self.writer.delete_group(group, revision.as_deref()).await)?;
                Ok(Effect::Deleted)
            }
            Change::RenameGroup { group, name, revision } => {
                self.writer.rename_group(group, name, revision.as_deref()).await?;
                Ok(Effect::Updated)
            }
        }
    }

    async fn revoke(
        &self,
        user: &UserId,
        group: &GroupId,
        membership: Option<&MembershipId>,
    ) -> Result<(), CallError> {
        if let Some(membership) = membership {
            match self.writer.delete_membership(membership).await {
                // Deleted by hand, or by an earlier call whose answer was lost; or made anew by hand.
                Err(error) if error.cause == Cause::NotFound => {}
                other => return other,
            }
        }
        let Some(membership) = self.reader.find_membership(user, group).await? else {
            return Ok(());
        };
        gone(self.writer.delete_membership(&membership).await)
    }

    async fn grant(&self, user: &UserId, group: &GroupId) -> Result<MembershipId, CallError> {
        match self.writer.create_membership(user, group).await {
            // It exists: by hand, or by an earlier call whose answer was lost. Entra ID calls for it.
            Err(error) if error.cause == Cause::Conflict => {
                self.reader.find_membership(user, group).await?.ok_or(error)
            }
            other => other,
        }
    }

    async fn retire_user(&self, user: &UserId, owner: &EntraObjectId) -> Result<(), CallError> {
        let mut aside = UserAttributes::default();
        aside.set(UserAttribute::UserName, names::retired_name(owner));
        aside.set(UserAttribute::Email, names::retired_email(owner));
        let changed = BTreeSet::from([UserAttribute::UserName, UserAttribute::Email]);
        self.writer.update_user(user, &aside, &changed, None).await
    }
}

/// Gone is what was wanted: deleted by hand, or by an earlier call whose answer was lost.
fn gone(deleted: Result<(), CallError>) -> Result<(), CallError> {
    match deleted {
        Err(error) if error.cause == Cause::NotFound => Ok(()),
        other => other,
    }
}

fn no_user(group: &GroupId) -> CallError {
    let missing = "the user was not created, so that the membership waits for it".to_owned();
    CallError::new("CreateGroupMembership", group, Cause::Incomplete { missing })
}

/// The error that decides what becomes of a handling: a failure outweighs being throttled, which is none.
pub(crate) fn weightiest(errors: Vec<CallError>) -> Option<CallError> {
    errors.into_iter().min_by_key(CallError::is_throttle)
}
