//! Ledger and queues in the memory of one process: the same promises as DynamoDB and SQS, in a fixed order.
//!
//! For the playground, simulations and tests. Values are cheap to clone; clones share their content.

mod access;
mod holds;
mod ledger;
mod lifecycle;
mod publication;
mod queue;
mod rotation;
mod store;
mod subscriptions;
mod sweep;

pub use ledger::MemoryLedger;
pub use lifecycle::MemoryLifecycleQueue;
pub use publication::{MemoryPeople, MemoryPublication};
pub use queue::{InvalidReceipt, MemoryQueue, Receipt, Received};
