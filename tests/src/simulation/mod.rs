//! Simulated histories: the real engine and the real adapters over the sandbox, without sockets, in virtual time.
//!
//! Every history follows from its seed: what happens in Entra ID, what people do in Identity Center by hand, which
//! calls fail, which notifications get lost, and when a function dies. What must hold is looked at after every
//! event, and at the end both sides must agree.

pub mod bugs;
pub mod history;
pub mod many;

mod access;
mod access_watch;
mod by_hand;
mod chaos;
mod choices;
mod clients;
pub(crate) mod clock;
mod clouds;
mod delivery;
mod ending;
pub(crate) mod event_sources;
mod events;
mod foreign_watch;
mod journal;
mod ledger_ports;
mod losses;
mod network;
mod operator;
mod ports;
mod product;
mod storms;
mod truth;
mod upheavals;
mod watch;
pub(crate) mod weather;
pub(crate) mod world;
