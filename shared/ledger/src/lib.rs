//! The ledger with its agenda in DynamoDB, the queues in SQS, and both in the memory of one process.
//!
//! All implementations keep the same promises; `tests/` runs one suite of facts against each of them.
//!
//! The clients that this crate is given are expected to retry as the SDK's standard mode does. What the SDK
//! does not retry is retried here, briefly: parts of a batch that were not done, and conflicts between
//! transactions. A write whose first answer was lost recognises its own effect when it is retried.

pub mod memory;

mod backoff;
mod dynamo;
mod failure;
mod item;
mod people;
mod publication;
mod queue_state;
mod sqs;

pub use dynamo::DynamoLedger;
pub use people::SnsPeople;
pub use publication::SecretPublication;
pub use queue_state::SqsQueueState;
pub use sqs::{SqsLifecycleQueue, SqsReceipts, SqsTriggerQueue};
