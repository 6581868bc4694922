//! The organisation's ledger, which a sweep of two sides in step only reads.

use super::{Organisation, group_record};
use async_trait::async_trait;
use engine::agenda::{AgendaEntry, AgendaKey};
use engine::ports::{Agenda, CallError, DueWork, Ledger};
use engine::sweep::ports::{PartOfRecords, SweepLease, SweepLedger, SweepProgress, SweepState};
use jiff::Timestamp;
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::record::{GroupRecord, Record, UserRecord};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};

#[async_trait]
impl Ledger for Organisation {
    async fn users(
        &self,
        _: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError> {
        Ok(BTreeMap::new())
    }
    async fn groups(
        &self,
        _: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        Ok(BTreeMap::new())
    }
    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError> {
        panic!("{} is written", record.id);
    }
    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError> {
        panic!("{} is written", record.id);
    }
    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError> {
        panic!("{id} is written");
    }
    async fn owners_of_users(
        &self,
        _: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
        Ok(BTreeMap::new())
    }
    async fn owner_of_group(&self, _: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
        Ok(None)
    }
    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError> {
        let set = AssignedSet { principals: self.assigned(), ..AssignedSet::default() };
        Ok(Some(set.header(1)))
    }
    async fn assigned_set(&self, _: &AssignedHeader) -> Result<AssignedSet, CallError> {
        Ok(AssignedSet { principals: self.assigned(), ..AssignedSet::default() })
    }
    async fn set_assigned(&self, _: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        panic!("{} is written", entry.subject);
    }
    async fn store_assigned_set(
        &self,
        _: Option<&AssignedHeader>,
        _: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        panic!("the assigned set is written");
    }
}

#[async_trait]
impl SweepLedger for Organisation {
    async fn part_of_records(&self, first_byte: u8) -> Result<PartOfRecords, CallError> {
        let starts = |number: &usize| {
            let spread = u32::try_from(*number).unwrap().wrapping_mul(2_654_435_761);
            spread >> 24 == u32::from(first_byte)
        };
        Ok(PartOfRecords {
            users: (0..self.size.users).filter(starts).map(|number| self.size.user_record(number)).collect(),
            groups: (0..self.size.groups).filter(starts).map(group_record).collect(),
        })
    }
    async fn sweep_state(&self) -> Result<SweepState, CallError> {
        self.kept.sweep_state().await
    }
    async fn answer_sweep_request(&self, begun: Timestamp) -> Result<(), CallError> {
        self.kept.answer_sweep_request(begun).await
    }
    async fn take_sweep_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SweepLease>, CallError> {
        self.kept.take_sweep_lease(now, until).await
    }
    async fn store_sweep_progress(
        &self,
        lease: &SweepLease,
        progress: Option<&SweepProgress>,
    ) -> Result<(), CallError> {
        self.kept.store_sweep_progress(lease, progress).await
    }
    async fn store_managed_users(&self, _: u64) -> Result<(), CallError> {
        Ok(())
    }

    async fn return_sweep_lease(&self, lease: &SweepLease) -> Result<(), CallError> {
        self.kept.return_sweep_lease(lease).await
    }
}

#[async_trait]
impl Agenda for Organisation {
    async fn put(&self, entries: &[AgendaEntry]) -> Result<(), CallError> {
        panic!("nothing differs, and {} entries are planned", entries.len());
    }
    async fn done(&self, _: &BTreeSet<AgendaKey>) -> Result<(), CallError> {
        Ok(())
    }
    async fn due(&self, _: Timestamp, _: usize) -> Result<DueWork, CallError> {
        Ok(DueWork::default())
    }
    async fn set_in_flight(&self, _: &AgendaKey, _: Timestamp, _: Timestamp) -> Result<bool, CallError> {
        Ok(false)
    }
}
