//! What the ledger in memory keeps for the full sweep.

use super::MemoryLedger;
use async_trait::async_trait;
use engine::ports::{CallError, Cause};
use engine::sweep::ports::{PartOfRecords, SweepLease, SweepLedger, SweepProgress, SweepState};
use jiff::Timestamp;

/// The run of the full sweep.
#[derive(Debug, Default)]
pub(crate) struct SweepItem {
    progress: Option<SweepProgress>,
    /// When a sweep was asked for.
    pub(super) wanted_at: Option<Timestamp>,
    /// Counts those who took the lease.
    holders: u64,
    lease: Option<(SweepLease, Timestamp)>,
}

#[async_trait]
impl SweepLedger for MemoryLedger {
    async fn part_of_records(&self, first_byte: u8) -> Result<PartOfRecords, CallError> {
        let store = self.store();
        let prefix = format!("{first_byte:02x}");
        let mut part = PartOfRecords::default();
        for (id, item) in store.records.iter().filter(|(id, _)| id.as_str().starts_with(&prefix)) {
            part.users.extend(item.record(id)?);
            part.groups.extend(item.record(id)?);
        }
        Ok(part)
    }

    async fn sweep_state(&self) -> Result<SweepState, CallError> {
        let SweepItem { progress, wanted_at, .. } = &self.store().sweep;
        Ok(SweepState { progress: progress.clone(), wanted_at: *wanted_at })
    }

    async fn answer_sweep_request(&self, begun: Timestamp) -> Result<(), CallError> {
        self.store().sweep.wanted_at.take_if(|wanted| *wanted <= begun);
        Ok(())
    }

    async fn take_sweep_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SweepLease>, CallError> {
        let sweep = &mut self.store().sweep;
        if sweep.lease.as_ref().is_some_and(|(_, until)| *until > now) {
            return Ok(None);
        }
        sweep.holders += 1;
        let lease = SweepLease { holder: sweep.holders.to_string() };
        sweep.lease = Some((lease.clone(), until));
        Ok(Some(lease))
    }

    async fn store_sweep_progress(
        &self,
        lease: &SweepLease,
        progress: Option<&SweepProgress>,
    ) -> Result<(), CallError> {
        let sweep = &mut self.store().sweep;
        if sweep.lease.as_ref().is_none_or(|(held, _)| held != lease) {
            return Err(CallError::new("store", "the sweep's progress", Cause::Concurrent));
        }
        sweep.progress = progress.cloned();
        Ok(())
    }

    /// Counted anew at every look, so that there is nothing to correct.
    async fn store_managed_users(&self, _: u64) -> Result<(), CallError> {
        Ok(())
    }

    async fn return_sweep_lease(&self, lease: &SweepLease) -> Result<(), CallError> {
        let sweep = &mut self.store().sweep;
        sweep.lease.take_if(|(held, _)| held == lease);
        Ok(())
    }
}
