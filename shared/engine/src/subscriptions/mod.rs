//! The subscriptions to Microsoft Graph's change notifications: looks at them, lets `planning` decide, carries that out, and
//! remembers.
//!
//! One run at a time: the ledger has a lease. A run may die anywhere. That a sweep is owed is written down together with the
//! subscription that was made; one whose creation was not written down has an unknown clientState, and is made anew.

pub mod ports;
pub mod telemetry;

mod patience;
mod report;
mod run;

pub use report::{Report, SubscriptionError};
pub use run::{Ran, Subscriber};
