//! The facts about ledger, agenda and queues, in DynamoDB and SQS as moto has them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[macro_use]
mod facts;
#[path = "aws/lost_answers.rs"]
mod lost_answers;
#[path = "aws/spoilt_items.rs"]
mod spoilt_items;
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

every_fact!(crate::world::aws::world);
