//! The ledger, misremembered: dirty marks are lost, grants begun are forgotten, flags follow the assigned set.

use super::Bug;
use async_trait::async_trait;
use engine::agenda::AgendaEntry;
use engine::ports::{CallError, Ledger};
use engine::sweep::ports::{PartOfRecords, SweepLease, SweepLedger, SweepProgress, SweepState};
use jiff::Timestamp;
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::record::{GroupRecord, Record, UserRecord};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Versions of group records that were stored too soon: what the engine read, and what is stored.
pub(super) type SavedTooSoon = Arc<Mutex<BTreeMap<EntraObjectId, (u64, u64)>>>;

pub(super) struct Misremembered {
    inner: Arc<dyn SweepLedger>,
    bug: Bug,
    saved: SavedTooSoon,
    held_back: Mutex<Vec<(bool, AgendaEntry)>>,
}

impl Misremembered {
    pub(super) fn new(inner: Arc<dyn SweepLedger>, bug: Bug, saved: SavedTooSoon) -> Self {
        Self { inner, bug, saved, held_back: Mutex::default() }
    }

    fn clean<P>(&self, record: Record<P>) -> Record<P> {
        Record { dirty: record.dirty && self.bug != Bug::IgnoreTheDirtyMark, ..record }
    }

    fn all_clean<P>(
        &self,
        records: BTreeMap<EntraObjectId, Record<P>>,
    ) -> BTreeMap<EntraObjectId, Record<P>> {
        records.into_iter().map(|(id, record)| (id, self.clean(record))).collect()
    }

    fn held_back(&self) -> Vec<(bool, AgendaEntry)> {
        std::mem::take(&mut *self.held_back.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Ledger for Misremembered {
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError> {
        self.inner.users(ids).await.map(|records| self.all_clean(records))
    }

    async fn groups(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        self.inner.groups(ids).await.map(|records| self.all_clean(records))
    }

    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError> {
        let mut record = record.clone();
        if self.bug == Bug::ForgetGrantsBegun {
            record.principal.granting.clear();
        }
        self.inner.put_user(&record).await
    }

    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError> {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner).get(&record.id).copied();
        let version = match saved {
            Some((read, stored)) if read == record.version => stored,
            _ => record.version,
        };
        self.inner.put_group(&Record { version, ..record.clone() }).await
    }

    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError> {
        self.inner.mark_dirty(id).await
    }

    async fn owners_of_users(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
        self.inner.owners_of_users(users).await
    }

    async fn owner_of_group(&self, group: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
        self.inner.owner_of_group(group).await
    }

    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError> {
        self.inner.assigned_header().await
    }

    async fn assigned_set(&self, header: &AssignedHeader) -> Result<AssignedSet, CallError> {
        self.inner.assigned_set(header).await
    }

    async fn set_assigned(&self, assigned: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        if self.bug == Bug::StoreTheAssignedSetBeforeTheAgenda {
            let mut held_back = self.held_back.lock().unwrap_or_else(PoisonError::into_inner);
            held_back.push((assigned, entry.clone()));
            return Ok(());
        }
        self.inner.set_assigned(assigned, entry).await
    }

    async fn store_assigned_set(
        &self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        let held_back = self.held_back();
        let header = self.inner.store_assigned_set(previous, set).await?;
        for (assigned, entry) in held_back {
            self.inner.set_assigned(assigned, &entry).await?;
        }
        Ok(header)
    }
}

#[async_trait]
impl SweepLedger for Misremembered {
    async fn part_of_records(&self, first_byte: u8) -> Result<PartOfRecords, CallError> {
        let PartOfRecords { users, groups } = self.inner.part_of_records(first_byte).await?;
        Ok(PartOfRecords {
            users: users.into_iter().map(|record| self.clean(record)).collect(),
            groups: groups.into_iter().map(|record| self.clean(record)).collect(),
        })
    }

    async fn sweep_state(&self) -> Result<SweepState, CallError> {
        self.inner.sweep_state().await
    }

    async fn answer_sweep_request(&self, begun: Timestamp) -> Result<(), CallError> {
        self.inner.answer_sweep_request(begun).await
    }

    async fn take_sweep_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SweepLease>, CallError> {
        self.inner.take_sweep_lease(now, until).await
    }

    async fn store_sweep_progress(
        &self,
        lease: &SweepLease,
        progress: Option<&SweepProgress>,
    ) -> Result<(), CallError> {
        self.inner.store_sweep_progress(lease, progress).await
    }

    async fn store_managed_users(&self, count: u64) -> Result<(), CallError> {
        self.inner.store_managed_users(count).await
    }

    async fn return_sweep_lease(&self, lease: &SweepLease) -> Result<(), CallError> {
        self.inner.return_sweep_lease(lease).await
    }
}
