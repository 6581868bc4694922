//! What is remembered of all groups' account assignments, in memory, behind its port.

use super::ledger::MemoryLedger;
use async_trait::async_trait;
use engine::access::ports::{AccessLedger, Weighed};
use engine::ports::{CallError, Cause};
use planning::EntraObjectId;
use planning::access::Outstanding;
use std::collections::BTreeMap;

/// The items of the table that are about account assignments.
#[derive(Debug, Default)]
pub(super) struct AccessItems {
    weighed: Option<Weighed>,
    names: BTreeMap<String, EntraObjectId>,
    outstanding: (Outstanding, u64),
}

#[async_trait]
impl AccessLedger for MemoryLedger {
    async fn weighed(&self) -> Result<Option<Weighed>, CallError> {
        Ok(self.store().access.weighed.clone())
    }

    async fn store_weighed(&self, weighed: &Weighed) -> Result<(), CallError> {
        self.store().access.weighed = Some(weighed.clone());
        Ok(())
    }

    async fn bound_names(&self) -> Result<BTreeMap<String, EntraObjectId>, CallError> {
        Ok(self.store().access.names.clone())
    }

    async fn bind_name(&self, name: &str, group: &EntraObjectId) -> Result<EntraObjectId, CallError> {
        let mut store = self.store();
        Ok(store.access.names.entry(name.to_owned()).or_insert_with(|| group.clone()).clone())
    }

    async fn rebind_name(&self, name: &str, group: &EntraObjectId) -> Result<(), CallError> {
        self.store().access.names.insert(name.to_owned(), group.clone());
        Ok(())
    }

    async fn release_names(&self, group: &EntraObjectId) -> Result<(), CallError> {
        self.store().access.names.retain(|_, bound| bound != group);
        Ok(())
    }

    async fn outstanding(&self) -> Result<(Outstanding, u64), CallError> {
        Ok(self.store().access.outstanding.clone())
    }

    async fn store_outstanding(&self, outstanding: &Outstanding, version: u64) -> Result<(), CallError> {
        let mut store = self.store();
        if store.access.outstanding.1 != version {
            return Err(CallError::new("store", "the requests that are under way", Cause::Concurrent));
        }
        store.access.outstanding = (outstanding.clone(), version + 1);
        Ok(())
    }
}
