//! The subscriptions to Microsoft Graph's change notifications: which there should be, and which steps lead there.
//!
//! [`plan`] decides from what Graph shows, what the ledger remembers, and what lifecycle notifications tell. Graph never
//! shows clientState again, so what a subscription carries is known from its digest in the ledger alone; one whose digest
//! is unknown is made anew.
//!
//! A subscription is renewed and reauthorized by the same step, a PATCH. `reauthorize` is no step, so that it can never
//! come within ten minutes of a PATCH, which would leave the subscription in an inconsistent state.

mod lifecycle;
mod observed;
mod plan;
mod remembered;
mod wanted;

pub use lifecycle::{LifecycleEvent, LifecycleNotification, Told};
pub use observed::Observed;
pub use plan::{Step, SubscriptionPlan, Why, plan};
pub use remembered::{Known, Remembered};
pub use wanted::{LIFETIME, Resource, Wanted, WebhookAddress};

#[cfg(test)]
mod plan_tests;
