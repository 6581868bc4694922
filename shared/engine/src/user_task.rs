//! A user whose plan is approved: how urgent it is, and what became of it so far.

use crate::agenda::Priority;
use crate::apply::Effect;
use crate::ports::{CallError, Cause};
use crate::urgency::Urgency;
use crate::work::Work;
use planning::GroupId;
use planning::desired::{AssignedGroups, DesiredUser};
use planning::guard_rail::ApprovedPlan;
use planning::hold;
use planning::plan::Change;
use planning::record::{Record, UserRecord};
use planning::skipped::{SkipReason, Skipped};
use planning::user_plan::{self, IdentityUser};
use std::collections::BTreeSet;

/// A user whose plan is approved, and whose record says so.
pub(crate) struct UserTask {
    pub(crate) work: Work,
    pub(crate) record: Record<UserRecord>,
    pub(crate) desired: DesiredUser,
    pub(crate) assigned_groups: AssignedGroups,
    pub(crate) approved: ApprovedPlan,
    pub(crate) object: Option<IdentityUser>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) errors: Vec<CallError>,
    pub(crate) revoked: bool,
    /// A membership was granted, or taken away.
    pub(crate) changed_access: bool,
}

impl UserTask {
    /// The memberships to revoke that count as bulk if many people lose some.
    pub(crate) fn counted_revocations(&self) -> BTreeSet<GroupId> {
        let deletes = |change: &Change| matches!(change, Change::DeleteUser { .. });
        if self.work.approved || self.approved.plan().changes.iter().any(deletes) {
            return BTreeSet::new();
        }
        hold::counted(&self.record, &self.desired, self.approved.plan())
    }

    /// How urgent it is to take away what the plan takes away.
    pub(crate) fn urgency_of_revocations(&self) -> Urgency {
        if self.work.is_urgent() { Urgency::Revocation } else { Urgency::Bulk }
    }

    /// Among what the rest has to wait if it steps back to the agenda after the revocations.
    pub(crate) fn priority(&self) -> Priority {
        if user_plan::may_revoke(&self.record, &self.desired) {
            self.work.list_of_revocations()
        } else {
            Priority::Ordinary
        }
    }

    /// Leaves these memberships alone until an operator decides.
    pub(crate) fn withhold(&mut self, groups: BTreeSet<GroupId>) {
        self.approved = self.approved.clone().withholding(&groups);
        self.record.marks.held.extend(groups);
    }

    /// Books the outcome of a change: on the record what took effect, as skipped what AWS will never take.
    pub(crate) fn note(&mut self, change: &Change, result: Result<Effect, CallError>) {
        let user = &mut self.record.principal;
        self.changed_access |= matches!(result, Ok(Effect::Revoked(_) | Effect::Granted(..)));
        match result {
            Ok(Effect::Revoked(group)) => {
                user.memberships.remove(&group);
                user.granting.remove(&group);
            }
            Ok(Effect::Granted(group, membership)) => {
                user.granting.remove(&group);
                user.memberships.insert(group, membership);
            }
            Ok(Effect::Deleted) => user.object_is_gone(),
            Ok(Effect::UserCreated(user_id)) => {
                if let Change::CreateUser { attributes } = change {
                    user.is_created(user_id, attributes);
                }
            }
            Ok(_) => {}
            Err(CallError { operation, cause: Cause::Refused { .. }, .. })
                if !matches!(change, Change::RevokeMembership { .. }) =>
            {
                if let Change::GrantMembership { group } = change {
                    user.granting.remove(group);
                }
                self.skipped.push(Skipped::Principal { why: SkipReason::RefusedByAws { operation } });
            }
            Err(error) => {
                if error.is_throttle() {
                    match change {
                        Change::CreateUser { .. } => user.creating = None,
                        Change::GrantMembership { group } => {
                            user.granting.remove(group);
                        }
                        _ => {}
                    }
                }
                self.errors.push(error);
            }
        }
    }
}
