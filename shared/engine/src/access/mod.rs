//! Account assignments: what they depend on, how a group's handling brings them to what the rules call for, and who
//! notices that rules, accounts or permission sets changed.

pub mod ports;

mod apply;
mod breaker;
mod desired;
mod group;
mod requests;
mod rules;
mod snapshot;
mod sweep;
mod watch;
mod world;

pub use ports::FailedChange;
pub use snapshot::AccessOfSnapshot;
pub use sweep::{AccessSweep, AccessSwept};
pub use watch::{AccessWatch, Watched};
pub use world::{AccessWorld, Worlds};

use ports::{AccessLedger, AccountAssignmentReader, AccountAssignmentWriter};
use std::sync::Arc;

/// What the mirror reads and writes account assignments with.
#[derive(Clone)]
pub struct AccessPorts {
    /// Rules, accounts and permission sets.
    pub worlds: Arc<Worlds>,
    /// Reads account assignments.
    pub reader: Arc<dyn AccountAssignmentReader>,
    /// Writes them.
    pub writer: Arc<dyn AccountAssignmentWriter>,
    /// What is remembered of all groups together.
    pub ledger: Arc<dyn AccessLedger>,
}
