//! Facts about the client: tokens, refusals, waits, time-outs and odd answers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[path = "client/answers.rs"]
mod answers;
#[path = "client/proofs.rs"]
mod proofs;
#[path = "client/tokens.rs"]
mod tokens;
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;
