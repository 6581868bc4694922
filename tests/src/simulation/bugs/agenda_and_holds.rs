//! An agenda that takes no re-checks, and holds that do not count what people lose.

use async_trait::async_trait;
use engine::agenda::{AgendaEntry, AgendaKey, Reason};
use engine::holds::{Holds, Loss, Mark};
use engine::ports::{Agenda, CallError, DueWork};
use jiff::Timestamp;
use planning::access::AccountAssignment;
use planning::hold::{Held, Hold, HoldId};
use planning::{EntraObjectId, GroupId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// An agenda that takes no re-checks.
pub(super) struct Forgetful(pub(super) Arc<dyn Agenda>);

#[async_trait]
impl Agenda for Forgetful {
    async fn put(&self, entries: &[AgendaEntry]) -> Result<(), CallError> {
        let recheck =
            |entry: &&AgendaEntry| matches!(entry.reason, Reason::RevocationCheck | Reason::Contradiction);
        let kept: Vec<AgendaEntry> = entries.iter().filter(|entry| !recheck(entry)).cloned().collect();
        if kept.is_empty() { Ok(()) } else { self.0.put(&kept).await }
    }

    async fn done(&self, keys: &BTreeSet<AgendaKey>) -> Result<(), CallError> {
        self.0.done(keys).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<DueWork, CallError> {
        self.0.due(now, limit).await
    }

    async fn set_in_flight(
        &self,
        key: &AgendaKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, CallError> {
        self.0.set_in_flight(key, now, until).await
    }
}

/// Holds that count no lost membership.
pub(super) struct Unweighed(pub(super) Arc<dyn Holds>);

#[async_trait]
impl Holds for Unweighed {
    async fn open_holds(&self) -> Result<Vec<Hold>, CallError> {
        self.0.open_holds().await
    }

    async fn hold(&self, hold: &Hold, held: &[Held]) -> Result<(), CallError> {
        self.0.hold(hold, held).await
    }

    async fn held(
        &self,
        hold: &HoldId,
        after: Option<&EntraObjectId>,
        limit: usize,
    ) -> Result<Vec<Held>, CallError> {
        self.0.held(hold, after, limit).await
    }

    async fn approve_assignment(&self, hold: &HoldId, principal: &EntraObjectId) -> Result<(), CallError> {
        self.0.approve_assignment(hold, principal).await
    }

    async fn strike(&self, hold: &HoldId, principals: &BTreeSet<EntraObjectId>) -> Result<(), CallError> {
        self.0.strike(hold, principals).await
    }

    async fn mark(
        &self,
        user: &EntraObjectId,
        groups: &BTreeSet<GroupId>,
        mark: Mark,
    ) -> Result<(), CallError> {
        self.0.mark(user, groups, mark).await
    }

    async fn mark_access(
        &self,
        group: &EntraObjectId,
        assignments: &BTreeSet<AccountAssignment>,
        mark: Mark,
    ) -> Result<(), CallError> {
        self.0.mark_access(group, assignments, mark).await
    }

    async fn note_losses(&self, loss: Loss, now: Timestamp, principals: u64) -> Result<(), CallError> {
        if loss == Loss::Membership { Ok(()) } else { self.0.note_losses(loss, now, principals).await }
    }

    async fn recent_losses(&self, loss: Loss, now: Timestamp) -> Result<u64, CallError> {
        self.0.recent_losses(loss, now).await
    }

    async fn managed_users(&self) -> Result<u64, CallError> {
        self.0.managed_users().await
    }
}
