//! The ledger and the queue as a function reaches them: in memory, but every call takes as long as one to DynamoDB
//! or SQS.

use async_trait::async_trait;
use engine::agenda::{AgendaEntry, AgendaKey};
use engine::holds::{Holds, Loss, Mark};
use engine::ports::{Agenda, CallError, DueWork, Ledger, Redelivery, TriggerQueue};
use engine::trigger::Trigger;
use jiff::Timestamp;
use ledger::memory::{MemoryLedger, MemoryQueue};
use planning::access::AccountAssignment;
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::hold::{Held, Hold, HoldId};
use planning::record::{GroupRecord, Record, UserRecord};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A single-digit number of milliseconds, as DynamoDB promises; SQS takes about as long.
const LATENCY: Duration = Duration::from_millis(8);
/// As `ledger` has it.
const WRITES_AT_ONCE: usize = 16;

/// Something in memory that seems further away.
#[derive(Clone)]
pub(super) struct Remote<T>(pub T);

impl<T> Remote<T> {
    async fn reach(&self) -> &T {
        tokio::time::sleep(LATENCY).await;
        &self.0
    }
}

type Answer<T> = Result<T, CallError>;
type Ids = BTreeSet<EntraObjectId>;

#[async_trait]
impl Ledger for Remote<MemoryLedger> {
    async fn users(&self, ids: &Ids) -> Answer<BTreeMap<EntraObjectId, Record<UserRecord>>> {
        // Nothing is asked where nobody is asked for.
        if ids.is_empty() { Ok(BTreeMap::new()) } else { self.reach().await.users(ids).await }
    }
    async fn groups(&self, ids: &Ids) -> Answer<BTreeMap<EntraObjectId, Record<GroupRecord>>> {
        if ids.is_empty() { Ok(BTreeMap::new()) } else { self.reach().await.groups(ids).await }
    }
    async fn put_user(&self, record: &Record<UserRecord>) -> Answer<u64> {
        self.reach().await.put_user(record).await
    }
    async fn put_group(&self, record: &Record<GroupRecord>) -> Answer<u64> {
        self.reach().await.put_group(record).await
    }
    async fn mark_dirty(&self, id: &EntraObjectId) -> Answer<()> {
        self.reach().await.mark_dirty(id).await
    }
    async fn owners_of_users(&self, users: &BTreeSet<UserId>) -> Answer<BTreeMap<UserId, EntraObjectId>> {
        self.reach().await.owners_of_users(users).await
    }
    async fn owner_of_group(&self, group: &GroupId) -> Answer<Option<EntraObjectId>> {
        self.reach().await.owner_of_group(group).await
    }
    async fn assigned_header(&self) -> Answer<Option<AssignedHeader>> {
        self.reach().await.assigned_header().await
    }
    async fn assigned_set(&self, header: &AssignedHeader) -> Answer<AssignedSet> {
        self.reach().await.assigned_set(header).await
    }
    async fn set_assigned(&self, assigned: bool, entry: &AgendaEntry) -> Answer<()> {
        self.reach().await.set_assigned(assigned, entry).await
    }
    async fn store_assigned_set(
        &self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Answer<AssignedHeader> {
        self.reach().await.store_assigned_set(previous, set).await
    }
}

#[async_trait]
impl Agenda for Remote<MemoryLedger> {
    async fn put(&self, entries: &[AgendaEntry]) -> Answer<()> {
        // Of many, so many are written at a time.
        for _ in 1..entries.len().div_ceil(WRITES_AT_ONCE) {
            tokio::time::sleep(LATENCY).await;
        }
        if entries.is_empty() { Ok(()) } else { self.reach().await.put(entries).await }
    }
    async fn done(&self, keys: &BTreeSet<AgendaKey>) -> Answer<()> {
        if keys.is_empty() { Ok(()) } else { self.reach().await.done(keys).await }
    }
    async fn due(&self, now: Timestamp, limit: usize) -> Answer<DueWork> {
        self.reach().await.due(now, limit).await
    }
    async fn set_in_flight(&self, key: &AgendaKey, now: Timestamp, until: Timestamp) -> Answer<bool> {
        self.reach().await.set_in_flight(key, now, until).await
    }
}

#[async_trait]
impl Holds for Remote<MemoryLedger> {
    async fn open_holds(&self) -> Answer<Vec<Hold>> {
        self.reach().await.open_holds().await
    }
    async fn hold(&self, hold: &Hold, held: &[Held]) -> Answer<()> {
        self.reach().await.hold(hold, held).await
    }
    async fn held(&self, hold: &HoldId, after: Option<&EntraObjectId>, limit: usize) -> Answer<Vec<Held>> {
        self.reach().await.held(hold, after, limit).await
    }
    async fn approve_assignment(&self, hold: &HoldId, principal: &EntraObjectId) -> Answer<()> {
        self.reach().await.approve_assignment(hold, principal).await
    }
    async fn strike(&self, hold: &HoldId, principals: &Ids) -> Answer<()> {
        self.reach().await.strike(hold, principals).await
    }
    async fn mark(&self, user: &EntraObjectId, groups: &BTreeSet<GroupId>, mark: Mark) -> Answer<()> {
        self.reach().await.mark(user, groups, mark).await
    }
    async fn mark_access(
        &self,
        group: &EntraObjectId,
        assignments: &BTreeSet<AccountAssignment>,
        mark: Mark,
    ) -> Answer<()> {
        self.reach().await.mark_access(group, assignments, mark).await
    }
    async fn note_losses(&self, loss: Loss, now: Timestamp, principals: u64) -> Answer<()> {
        self.reach().await.note_losses(loss, now, principals).await
    }
    async fn recent_losses(&self, loss: Loss, now: Timestamp) -> Answer<u64> {
        self.reach().await.recent_losses(loss, now).await
    }
    async fn managed_users(&self) -> Answer<u64> {
        self.reach().await.managed_users().await
    }
}

#[async_trait]
impl TriggerQueue for Remote<MemoryQueue> {
    async fn send(&self, triggers: &[Trigger]) -> Answer<()> {
        self.reach().await.send(triggers).await
    }
}

#[async_trait]
impl Redelivery for Remote<MemoryQueue> {
    async fn retry_after(&self, receipt_handle: &str, seconds: u32) -> Answer<()> {
        self.reach().await.retry_after(receipt_handle, seconds).await
    }
}
