//! The operator's command as a library: what the playground is made of also serves the end-to-end tests.

pub mod adopt_command;
pub mod apply_command;
pub mod certificate_command;
pub mod doctor_command;
pub mod explain_command;
mod following;
pub mod holds_command;
pub mod plan_command;
pub mod playground;
pub mod rules_command;
pub mod sandbox_command;
pub mod setup_command;
pub mod sign_in;
pub mod snapshot_command;
pub mod start_command;
