//! The port of the holds, in front of the table.

use super::{DynamoLedger, holds};
use async_trait::async_trait;
use engine::holds::{Holds, Loss, Mark};
use engine::ports::CallError;
use jiff::Timestamp;
use planning::access::AccountAssignment;
use planning::hold::{Held, Hold, HoldId};
use planning::{EntraObjectId, GroupId};
use std::collections::BTreeSet;

#[async_trait]
impl Holds for DynamoLedger {
    async fn open_holds(&self) -> Result<Vec<Hold>, CallError> {
        holds::open(&self.table).await
    }

    async fn hold(&self, hold: &Hold, held: &[Held]) -> Result<(), CallError> {
        holds::hold(&self.table, hold, held).await
    }

    async fn held(
        &self,
        hold: &HoldId,
        after: Option<&EntraObjectId>,
        limit: usize,
    ) -> Result<Vec<Held>, CallError> {
        holds::held(&self.table, hold, after, limit).await
    }

    async fn approve_assignment(&self, hold: &HoldId, principal: &EntraObjectId) -> Result<(), CallError> {
        holds::approve_assignment(&self.table, hold, principal).await
    }

    async fn strike(&self, hold: &HoldId, principals: &BTreeSet<EntraObjectId>) -> Result<(), CallError> {
        holds::strike(&self.table, hold, principals).await
    }

    async fn mark(
        &self,
        user: &EntraObjectId,
        groups: &BTreeSet<GroupId>,
        mark: Mark,
    ) -> Result<(), CallError> {
        holds::mark(&self.table, user, groups, mark).await
    }

    async fn mark_access(
        &self,
        group: &EntraObjectId,
        assignments: &BTreeSet<AccountAssignment>,
        mark: Mark,
    ) -> Result<(), CallError> {
        holds::mark_access(&self.table, group, assignments, mark).await
    }

    async fn note_losses(&self, loss: Loss, now: Timestamp, principals: u64) -> Result<(), CallError> {
        holds::note_losses(&self.table, loss, now, principals).await
    }

    async fn recent_losses(&self, loss: Loss, now: Timestamp) -> Result<u64, CallError> {
        holds::recent_losses(&self.table, loss, now).await
    }

    async fn managed_users(&self) -> Result<u64, CallError> {
        holds::managed_users(&self.table).await
    }
}
