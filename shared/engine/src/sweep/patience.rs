//! A sweep has time: it asks again where a service is busy.

use super::FullSweep;
use crate::patience;
use crate::ports::CallError;
use planning::EntraObjectId;
use std::collections::{BTreeMap, BTreeSet};

impl FullSweep {
    /// As [`patience::patiently`].
    pub(super) async fn patiently<T, F>(&self, call: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        patience::patiently(self.pace.as_ref(), call).await
    }

    /// As [`patience::ask_of_all`].
    pub(super) async fn ask_of_all<T, F>(
        &self,
        open: BTreeSet<EntraObjectId>,
        ask: impl Fn(BTreeSet<EntraObjectId>) -> F,
    ) -> Result<BTreeMap<EntraObjectId, T>, CallError>
    where
        F: Future<Output = BTreeMap<EntraObjectId, Result<T, CallError>>>,
    {
        patience::ask_of_all(self.pace.as_ref(), open, ask).await
    }
}
