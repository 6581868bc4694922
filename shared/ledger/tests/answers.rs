//! Facts about what AWS may answer: busy services, answers in part, refusals, and what becomes of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[path = "answers/assigned_set.rs"]
mod assigned_set;
#[path = "answers/busy.rs"]
mod busy;
#[path = "answers/refused.rs"]
mod refused;
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;
