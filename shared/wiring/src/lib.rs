//! Puts the parts together: configuration, telemetry, credentials, clients. The only crate that reads the
//! environment.

pub mod access;
pub mod aws;
pub mod budgets;
pub mod certificate;
pub mod certificate_configuration;
pub mod clock;
pub mod configuration;
pub mod deployment;
pub mod doctor;
pub mod full_sweep;
pub mod functions;
pub mod http;
pub mod mirror;
pub mod operator;
pub mod pace;
pub mod rules;
pub mod secrets;
pub mod setup;
pub mod subscriptions;
pub mod sweep;
pub mod telemetry;
pub mod web_identity;
pub mod webhook;

mod graph;
mod rotation_telemetry;
mod variables;
