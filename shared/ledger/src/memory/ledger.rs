//! The ledger and its agenda in memory, behind the ports.

use super::store::Store;
use async_trait::async_trait;
use engine::agenda::{AgendaEntry, AgendaKey};
use engine::ports::{Agenda, CallError, DueWork, Ledger};
use engine::reviewed::AgendaWatch;
use jiff::Timestamp;
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::record::{GroupRecord, PrincipalKind, Record, UserRecord};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A ledger without a table. Clones share their content.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    store: Arc<Mutex<Store>>,
}

impl MemoryLedger {
    /// Everything that stands on the agenda, due or not, in its order.
    pub fn open_agenda(&self) -> Vec<AgendaEntry> {
        self.store().open_agenda()
    }

    /// A step either happens or not, so what a panicking thread leaves behind is in order.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError> {
        self.store().records(ids)
    }

    async fn groups(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        self.store().records(ids)
    }

    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError> {
        self.store().put_record(record)
    }

    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError> {
        self.store().put_record(record)
    }

    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError> {
        self.store().mark_dirty(id);
        Ok(())
    }

    async fn owners_of_users(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
        let store = self.store();
        let owner = |user: &UserId| {
            let owner = store.owner(PrincipalKind::User, user.as_str())?;
            Some((user.clone(), owner))
        };
        Ok(users.iter().filter_map(owner).collect())
    }

    async fn owner_of_group(&self, group: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
        Ok(self.store().owner(PrincipalKind::Group, group.as_str()))
    }

    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError> {
        Ok(self.store().assigned_header())
    }

    async fn assigned_set(&self, header: &AssignedHeader) -> Result<AssignedSet, CallError> {
        self.store().assigned_set(header)
    }

    async fn set_assigned(&self, assigned: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        self.store().set_assigned(assigned, entry)
    }

    async fn store_assigned_set(
        &self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        self.store().store_assigned_set(previous, set)
    }
}

#[async_trait]
impl AgendaWatch for MemoryLedger {
    async fn open(&self, keys: &BTreeSet<AgendaKey>) -> Result<BTreeSet<AgendaKey>, CallError> {
        let open = self.open_agenda().into_iter().map(|entry| entry.key());
        Ok(open.filter(|key| keys.contains(key)).collect())
    }
}

#[async_trait]
impl Agenda for MemoryLedger {
    async fn put(&self, entries: &[AgendaEntry]) -> Result<(), CallError> {
        let mut store = self.store();
        entries.iter().for_each(|entry| store.plan(entry));
        Ok(())
    }

    async fn done(&self, keys: &BTreeSet<AgendaKey>) -> Result<(), CallError> {
        let mut store = self.store();
        keys.iter().for_each(|key| store.tick_off(key));
        Ok(())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<DueWork, CallError> {
        Ok(self.store().due(now, limit))
    }

    async fn set_in_flight(
        &self,
        key: &AgendaKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, CallError> {
        Ok(self.store().set_in_flight(key, now, until))
    }
}
