//! What a run of the sweep came to.

use crate::ports::CallError;
use planning::sweep::NothingListed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was found and read, from the beginning of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Users that the identity store lists.
    pub users: usize,
    /// Groups that it lists.
    pub groups: usize,
    /// Memberships of managed groups that it lists.
    pub memberships: usize,
    /// Reads of the identity store.
    pub identity_store_calls: usize,
    /// Entries that were put on the agenda.
    pub planned: usize,
    /// Differences, by their metric's name.
    pub differences: BTreeMap<String, usize>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swept {
    /// Everything was compared.
    Finished(SweepReport),
    /// The time was up. The next run goes on where this one stopped.
    Unfinished(SweepReport),
    /// Another invocation is at it.
    SomebodyElse,
    /// No run is unfinished.
    NothingToDo,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A call failed, or its answer was not complete.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A list cannot be believed.
    #[error(transparent)]
    NothingListed(#[from] NothingListed),
    /// Nobody knows who is assigned.
    #[error(
        "the assignments were never read, so that nobody is known to be in scope: the minute run reads them \
         first; look at its log"
    )]
    NoAssignments,
}
