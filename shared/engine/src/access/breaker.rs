//! What of a group's plan waits for an operator: revocations that are too many, and what only a new name calls for.

use crate::holds::{Loss, Mark, hold_for};
use crate::mirror::Mirror;
use crate::ports::CallError;
use crate::telemetry::Count;
use planning::access::{AccountAssignment, AssignmentPlan};
use planning::hold::{Held, HoldCause, most_at_once};
use planning::record::{GroupRecord, PrincipalKind, Record};
use std::collections::BTreeSet;

impl Mirror {
    /// The revocations of the plan that wait. Those of a group that is gone, or that lost its assignment, do not: the
    /// poll has weighed them. Nor do those that were counted before.
    pub(super) async fn withheld(
        &self,
        record: &Record<GroupRecord>,
        plan: &AssignmentPlan,
        managed: Option<u64>,
    ) -> Result<BTreeSet<AccountAssignment>, CallError> {
        self.hold_name(record, plan).await?;
        let Some(managed) = managed else { return Ok(BTreeSet::new()) };
        let marks = &record.marks;
        let revoked: BTreeSet<AccountAssignment> = plan.revocations().cloned().collect();
        let mut withheld: BTreeSet<AccountAssignment> =
            revoked.intersection(&marks.held_access).cloned().collect();
        let counted = |assignment: &&AccountAssignment| {
            let known = &record.principal.access.revoking;
            !withheld.contains(*assignment)
                && !marks.approved_access.contains(*assignment)
                && !known.contains(*assignment)
        };
        let mut counted: Vec<AccountAssignment> = revoked.iter().filter(counted).cloned().collect();
        if counted.is_empty() {
            return Ok(withheld);
        }
        let now = self.clock.now();
        let recent = self.holds.recent_losses(Loss::Access, now).await?;
        let room = usize::try_from(most_at_once(managed).saturating_sub(recent)).unwrap_or(usize::MAX);
        let excess: BTreeSet<AccountAssignment> =
            counted.split_off(room.min(counted.len())).into_iter().collect();
        if !counted.is_empty() {
            self.holds.note_losses(Loss::Access, now, counted.len() as u64).await?;
        }
        if !excess.is_empty() {
            self.hold_access(HoldCause::Access, record, excess.clone()).await?;
            withheld.extend(excess);
        }
        Ok(withheld)
    }

    /// Names can be forged: what a group gets by another name than it was known by waits for an operator.
    async fn hold_name(&self, record: &Record<GroupRecord>, plan: &AssignmentPlan) -> Result<(), CallError> {
        let waits: BTreeSet<AccountAssignment> =
            plan.held.iter().map(|held| held.assignment.clone()).collect();
        if waits.is_subset(&record.marks.held_access) {
            return Ok(());
        }
        self.hold_access(HoldCause::Name { group: record.id.clone() }, record, waits).await
    }

    async fn hold_access(
        &self,
        cause: HoldCause,
        record: &Record<GroupRecord>,
        access: BTreeSet<AccountAssignment>,
    ) -> Result<(), CallError> {
        let hold = hold_for(self.holds.as_ref(), cause, self.clock.now()).await?;
        let count = access.len();
        let held = Held {
            principal: record.id.clone(),
            kind: PrincipalKind::Group,
            groups: BTreeSet::new(),
            access,
            approved: false,
        };
        self.holds.hold(&hold, &[held]).await?;
        self.telemetry.count(Count::Held, 1);
        tracing::error!(
            hold.id = %hold.id,
            principal.id = %record.id,
            hold.assignments = count,
            "account assignments wait for an operator ({}): look at them with `entra-mirror holds {}`, then approve or \
             discard them",
            hold.cause,
            hold.id
        );
        Ok(())
    }

    /// Marks that have nothing left to say go, and so does the group's place in the hold of its name.
    pub(super) async fn spend_access_marks(
        &self,
        record: &Record<GroupRecord>,
        waiting: &BTreeSet<AccountAssignment>,
    ) -> Result<(), CallError> {
        let marks = record.marks.held_access.union(&record.marks.approved_access);
        let spent: BTreeSet<AccountAssignment> =
            marks.filter(|assignment| !waiting.contains(*assignment)).cloned().collect();
        if spent.is_empty() {
            return Ok(());
        }
        self.holds.mark_access(&record.id, &spent, Mark::None).await?;
        if !waiting.is_empty() {
            return Ok(());
        }
        for hold in self.holds.open_holds().await? {
            if matches!(hold.cause, HoldCause::Name { .. } | HoldCause::Access) {
                self.holds.strike(&hold.id, &[record.id.clone()].into()).await?;
            }
        }
        Ok(())
    }
}
