//! Orchestrates: reads both sides through ports, lets `planning` decide, applies, and remembers.
//!
//! No SDK, HTTP or Lambda type appears here; the adapters (`entra`, `identity-center`, `ledger`) implement
//! the ports of [`ports`].

pub mod access;
pub mod adoption;
pub mod agenda;
pub mod assignments;
pub mod budget;
pub mod doctor;
pub mod holds;
pub mod mirror;
pub mod moving;
pub mod ports;
pub mod reviewed;
pub mod rotation;
pub mod setup;
pub mod snapshot;
pub mod subscriptions;
pub mod sweep;
pub mod telemetry;
pub mod trigger;
pub mod urgency;

mod apply;
mod breaker;
mod drift;
mod fan_out;
mod group;
mod group_reading;
mod group_weight;
mod holders;
mod patience;
mod recheck;
mod user;
mod user_actual;
mod user_facts;
mod user_task;
mod users;
mod work;
