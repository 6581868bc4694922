//! What an end-to-end test is made of: the built functions behind a stand-in for Lambda, moto for SQS, DynamoDB
//! and Secrets Manager, and the sandbox for Entra ID and Identity Center. Everything is real HTTP on the loopback.

pub mod access;
pub mod account;
pub mod binaries;
pub mod certificate_world;
pub mod event_source;
pub mod federation;
pub mod function;
pub mod function_url;
pub mod identity_store;
pub mod lambda_api;
pub mod load;
pub mod logs;
pub mod moto;
pub mod organisation;
pub mod own_process;
pub mod rotation;
pub mod runtime_api;
pub mod served_sandbox;
pub mod setup_world;
pub mod simulation;
pub mod snapshot;
pub mod terminal;
pub mod waiting;
pub mod world;
