//! The product under load, at any size, in virtual time: five mirrors as they are deployed, at one queue.
//!
//! Engine, mirror function, budgets, agenda and queue are the product's own. Entra ID and the identity store stand
//! behind the engine's ports: they are computed where nothing changed, take 100 ms a call, and refuse what exceeds the
//! documented quotas (20 calls a second of each API; 350 resource units a second). Budgets and attempts are those of the
//! adapters, which are not run here, nor is the sandbox: at full size they would take minutes. Ledger and queue are the
//! ones in memory, each call delayed as one to DynamoDB or SQS is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement stops where its world is not as it should be"
)]

mod graph;
mod identity_store;
mod probes;
mod quota;
mod remote;
mod scenarios;
mod tenant;
mod world;

pub use scenarios::{Backlog, InitialLoad, Lag, backlog, initial_load, unassigned, updates};
