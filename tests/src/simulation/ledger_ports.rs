//! The ledger, with its holds and what the full sweep keeps in it, on which any call can fail, take effect without an
//! answer, or be the function's last.

use super::ports::Unreliable;
use async_trait::async_trait;
use engine::access::ports::{AccessLedger, Weighed};
use engine::agenda::AgendaEntry;
use engine::holds::{Holds, Loss, Mark};
use engine::ports::{CallError, Ledger};
use engine::sweep::ports::{PartOfRecords, SweepLease, SweepLedger, SweepProgress, SweepState};
use jiff::Timestamp;
use planning::access::{AccountAssignment, Outstanding};
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::hold::{Held, Hold, HoldId};
use planning::record::{GroupRecord, Record, UserRecord};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};

#[async_trait]
impl<L: Ledger + ?Sized> Ledger for Unreliable<L> {
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError> {
        self.perils.port("read users", self.inner.users(ids)).await
    }

    async fn groups(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        self.perils.port("read groups", self.inner.groups(ids)).await
    }

    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError> {
        self.perils.port("put user", self.inner.put_user(record)).await
    }

    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError> {
        self.perils.port("put group", self.inner.put_group(record)).await
    }

    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError> {
        self.perils.port("mark dirty", self.inner.mark_dirty(id)).await
    }

    async fn owners_of_users(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
        self.perils.port("read owners", self.inner.owners_of_users(users)).await
    }

    async fn owner_of_group(&self, group: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
        self.perils.port("read owner", self.inner.owner_of_group(group)).await
    }

    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError> {
        self.perils.port("read header", self.inner.assigned_header()).await
    }

    async fn assigned_set(&self, header: &AssignedHeader) -> Result<AssignedSet, CallError> {
        self.perils.port("read assigned set", self.inner.assigned_set(header)).await
    }

    async fn set_assigned(&self, assigned: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        self.perils.port("set assigned", self.inner.set_assigned(assigned, entry)).await
    }

    async fn store_assigned_set(
        &self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        self.perils.port("store assigned set", self.inner.store_assigned_set(previous, set)).await
    }
}

#[async_trait]
impl SweepLedger for Unreliable<dyn SweepLedger> {
    async fn part_of_records(&self, first_byte: u8) -> Result<PartOfRecords, CallError> {
        // 256 of these in a row: in peril as one.
        match first_byte {
            0 => self.perils.port("read all records", self.inner.part_of_records(first_byte)).await,
            _ => self.inner.part_of_records(first_byte).await,
        }
    }

    async fn sweep_state(&self) -> Result<SweepState, CallError> {
        self.perils.port("read progress", self.inner.sweep_state()).await
    }

    async fn answer_sweep_request(&self, begun: Timestamp) -> Result<(), CallError> {
        self.perils.port("answer sweep request", self.inner.answer_sweep_request(begun)).await
    }

    async fn take_sweep_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SweepLease>, CallError> {
        self.perils.port("take lease", self.inner.take_sweep_lease(now, until)).await
    }

    async fn store_sweep_progress(
        &self,
        lease: &SweepLease,
        progress: Option<&SweepProgress>,
    ) -> Result<(), CallError> {
        self.perils.port("store progress", self.inner.store_sweep_progress(lease, progress)).await
    }

    async fn store_managed_users(&self, count: u64) -> Result<(), CallError> {
        self.perils.port("store managed users", self.inner.store_managed_users(count)).await
    }

    async fn return_sweep_lease(&self, lease: &SweepLease) -> Result<(), CallError> {
        self.perils.port("return lease", self.inner.return_sweep_lease(lease)).await
    }
}

#[async_trait]
impl Holds for Unreliable<dyn Holds> {
    async fn open_holds(&self) -> Result<Vec<Hold>, CallError> {
        self.perils.port("read holds", self.inner.open_holds()).await
    }

    async fn hold(&self, hold: &Hold, held: &[Held]) -> Result<(), CallError> {
        self.perils.port("hold", self.inner.hold(hold, held)).await
    }

    async fn held(
        &self,
        hold: &HoldId,
        after: Option<&EntraObjectId>,
        limit: usize,
    ) -> Result<Vec<Held>, CallError> {
        self.perils.port("read hold", self.inner.held(hold, after, limit)).await
    }

    async fn approve_assignment(&self, hold: &HoldId, principal: &EntraObjectId) -> Result<(), CallError> {
        self.perils.port("approve assignment", self.inner.approve_assignment(hold, principal)).await
    }

    async fn strike(&self, hold: &HoldId, principals: &BTreeSet<EntraObjectId>) -> Result<(), CallError> {
        self.perils.port("strike", self.inner.strike(hold, principals)).await
    }

    async fn mark(
        &self,
        user: &EntraObjectId,
        groups: &BTreeSet<GroupId>,
        mark: Mark,
    ) -> Result<(), CallError> {
        self.perils.port("mark", self.inner.mark(user, groups, mark)).await
    }

    async fn mark_access(
        &self,
        group: &EntraObjectId,
        assignments: &BTreeSet<AccountAssignment>,
        mark: Mark,
    ) -> Result<(), CallError> {
        self.perils.port("mark access", self.inner.mark_access(group, assignments, mark)).await
    }

    async fn note_losses(&self, loss: Loss, now: Timestamp, principals: u64) -> Result<(), CallError> {
        self.perils.port("note losses", self.inner.note_losses(loss, now, principals)).await
    }

    async fn recent_losses(&self, loss: Loss, now: Timestamp) -> Result<u64, CallError> {
        self.perils.port("read losses", self.inner.recent_losses(loss, now)).await
    }

    async fn managed_users(&self) -> Result<u64, CallError> {
        self.perils.port("read managed users", self.inner.managed_users()).await
    }
}

#[async_trait]
impl AccessLedger for Unreliable<dyn AccessLedger> {
    async fn weighed(&self) -> Result<Option<Weighed>, CallError> {
        self.perils.port("read weighed", self.inner.weighed()).await
    }

    async fn store_weighed(&self, weighed: &Weighed) -> Result<(), CallError> {
        self.perils.port("store weighed", self.inner.store_weighed(weighed)).await
    }

    async fn bound_names(&self) -> Result<BTreeMap<String, EntraObjectId>, CallError> {
        self.perils.port("read names", self.inner.bound_names()).await
    }

    async fn bind_name(&self, name: &str, group: &EntraObjectId) -> Result<EntraObjectId, CallError> {
        self.perils.port("bind name", self.inner.bind_name(name, group)).await
    }

    async fn rebind_name(&self, name: &str, group: &EntraObjectId) -> Result<(), CallError> {
        self.perils.port("bind name", self.inner.rebind_name(name, group)).await
    }

    async fn release_names(&self, group: &EntraObjectId) -> Result<(), CallError> {
        self.perils.port("release names", self.inner.release_names(group)).await
    }

    async fn outstanding(&self) -> Result<(Outstanding, u64), CallError> {
        self.perils.port("read outstanding", self.inner.outstanding()).await
    }

    async fn store_outstanding(&self, outstanding: &Outstanding, version: u64) -> Result<(), CallError> {
        self.perils.port("store outstanding", self.inner.store_outstanding(outstanding, version)).await
    }
}
