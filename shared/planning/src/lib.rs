//! Decides: what Identity Center should hold, and which changes lead there. No I/O, no clock, no SDK types.
//!
//! Facts go in (what Entra ID says, what the ledger remembers, what Identity Center holds, `now`);
//! an ordered, printable [`plan::Plan`] comes out. Only [`guard_rail::approve`] turns a plan into something
//! that may be applied.

pub mod access;
pub mod assigned;
pub mod attributes;
pub mod desired;
pub mod digest;
pub mod doctor;
pub mod group_plan;
pub mod guard_rail;
pub mod hold;
pub mod ids;
pub mod mapping;
pub mod names;
pub mod organization;
pub mod permission_sets;
pub mod plan;
pub mod record;
pub mod rotation;
pub mod rules;
pub mod scope;
pub mod setup;
pub mod skipped;
pub mod snapshot;
pub mod subscriptions;
pub mod sweep;
pub mod user_plan;

pub use ids::{
    AccountId, EntraObjectId, GroupId, MembershipId, OrganizationalUnitId, PermissionSetArn, SubscriptionId,
    UserId,
};
