//! Histories of a signing certificate: Entra ID, targets that trust lists of certificates, people, and a rotation that
//! is run over them. Truth stands beside what can be read, which lags, and is compared after every event.

pub mod bugs;
pub mod history;
pub mod many;

mod entra;
mod events;
mod naive;
mod people;
mod runs;
mod target;
mod watch;
mod world;
