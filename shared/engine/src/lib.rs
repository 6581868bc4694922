//! Orchestrates: reads both sides through ports, lets `planning` decide, applies, and remembers.
//!
//! No SDK, HTTP or Lambda type appears here; the adapters (`entra`, `identity-center`, `ledger`) implement
//! the ports of [`ports`].

pub mod agenda;
pub mod ports;
pub mod telemetry;
pub mod trigger;
