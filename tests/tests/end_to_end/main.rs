//! Facts through the built binaries: Graph and Identity Center in the sandbox, SQS, DynamoDB and Secrets Manager in
//! moto, and what Lambda does in between. Every fact has a world of its own; tests/run sets up what they need.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod access;
mod assignments;
mod configuration;
mod doctor;
mod groups;
mod logs;
mod names;
mod notifications;
mod plan;
mod playground;
mod queue;
mod review;
mod setup;
mod sign_in;
mod start;
mod subscriptions;
mod team;
mod trouble;
mod users;
