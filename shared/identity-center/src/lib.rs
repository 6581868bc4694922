//! AWS IAM Identity Center behind the engine's ports: the identity store, permission sets and account assignments, the
//! accounts that AWS Organizations knows, and what trusts Entra ID's signing certificates ([`trust`]).
//!
//! Reading and writing are different types, so what only plans cannot write. Every answer is complete or an
//! error; every error is a [`engine::ports::CallError`] that holds ids and AWS's codes only, never a name, an
//! address or AWS's own message (which may quote one).
//!
//! Every call waits for the budget of its API. What AWS throttles is tried again here, three times in all, when
//! AWS said (`RetryAfterSeconds`); the SDK must leave it alone ([`ThrottlesAreOurs`]), for it would not wait that
//! long. All else is left to the client, which is expected to retry as the SDK's standard mode does (three
//! attempts; server errors and broken connections), with operation and attempt time-outs. Two consequences for callers, since a first attempt may have taken effect before its answer was
//! lost: [`engine::ports::Cause::Conflict`] on a creation may mean our own object, and
//! [`engine::ports::Cause::NotFound`] on a deletion our own deletion.

pub mod trust;

mod admin_calls;
mod assignment_reads;
mod assignment_writes;
mod calls;
mod failure;
mod instance;
mod lists;
mod operations;
mod organization;
mod pages;
mod permission_sets;
mod probe;
mod reads;
mod store;
mod throttles;
mod user_create;
mod user_paths;
mod user_read;
mod user_update;
mod writes;

pub use instance::{Instance, InstanceReadOnly, InstanceWrite};
pub use organization::Organization;
pub use store::{IdentityStore, IdentityStoreReadOnly, IdentityStoreWrite};
pub use throttles::ThrottlesAreOurs;
