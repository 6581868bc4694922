//! The ledger with its agenda in DynamoDB, the queues in SQS, and both in the memory of one process.
//!
//! All implementations keep the same promises; `tests/` runs one suite of facts against each of them.

pub mod memory;

mod item;
