//! Puts the parts together: configuration, telemetry, credentials, clients. The only crate that reads the
//! environment.

pub mod clock;
pub mod configuration;
pub mod http;
pub mod secrets;
pub mod telemetry;

mod variables;
