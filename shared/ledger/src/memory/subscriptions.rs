//! What the ledger in memory keeps of the subscriptions to change notifications.

use super::MemoryLedger;
use async_trait::async_trait;
use engine::ports::{CallError, Cause};
use engine::subscriptions::ports::{SubscriptionLease, SubscriptionLedger, SweepRequests};
use jiff::Timestamp;
use planning::subscriptions::Remembered;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct SubscriptionItem {
    remembered: Remembered,
    /// Counts those who took the lease.
    holders: u64,
    holder: Option<SubscriptionLease>,
    leased_until: Option<Timestamp>,
}

#[async_trait]
impl SubscriptionLedger for MemoryLedger {
    async fn begin(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(SubscriptionLease, Remembered)>, CallError> {
        let item = &mut self.store().subscriptions;
        if item.leased_until.is_some_and(|until| until > now) {
            return Ok(None);
        }
        item.holders += 1;
        let lease = SubscriptionLease { holder: item.holders.to_string() };
        (item.holder, item.leased_until) = (Some(lease.clone()), Some(until));
        Ok(Some((lease, item.remembered.clone())))
    }

    async fn store(&self, lease: &SubscriptionLease, remembered: &Remembered) -> Result<(), CallError> {
        let item = &mut self.store().subscriptions;
        if item.holder.as_ref() != Some(lease) {
            return Err(CallError::new("store", "the subscriptions", Cause::Concurrent));
        }
        item.remembered = remembered.clone();
        Ok(())
    }

    async fn end(&self, lease: &SubscriptionLease) -> Result<(), CallError> {
        let item = &mut self.store().subscriptions;
        if item.holder.as_ref() == Some(lease) {
            item.leased_until = None;
        }
        Ok(())
    }
}

#[async_trait]
impl SweepRequests for MemoryLedger {
    async fn want_everything(&self, at: Timestamp) -> Result<(), CallError> {
        self.store().sweep.wanted_at = Some(at);
        Ok(())
    }
}
