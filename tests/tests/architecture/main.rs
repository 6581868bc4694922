//! What docs/architecture.md says of the code and of the deployment, asserted.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod dependencies;
mod policies;
mod sources;
mod template;
mod variables;
mod workspace;
