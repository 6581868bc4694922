//! Facts about the rotation of the signing certificate: real adapters over real HTTP against the sandbox in virtual days, and
//! the built function with moto. A sign-in is tried before and after everything.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod built;
mod operators;
mod story;
mod surprises;
mod trouble;
mod whole;
