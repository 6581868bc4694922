//! Ports: subscriptions in Microsoft Graph, and what the ledger keeps of them.

use crate::ports::CallError;
use async_trait::async_trait;
use jiff::Timestamp;
use planning::SubscriptionId;
use planning::digest::Digest;
use planning::subscriptions::{Observed, Remembered, Resource, WebhookAddress};

/// A subscription that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: SubscriptionId,
    /// When it ends.
    pub expires: Timestamp,
    /// The digest of the clientState that it was made with.
    pub client_state: Digest,
}

/// The subscriptions of our app registration. clientState itself never leaves the adapter.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// All of them, somebody else's included; complete, or an error.
    async fn list(&self) -> Result<Vec<Observed>, CallError>;

    /// Makes one that ends then. [`crate::ports::Cause::Conflict`] if there is one to the same resource,
    /// [`crate::ports::Cause::Unreachable`] if the webhook did not answer the validation request.
    async fn create(
        &self,
        resource: Resource,
        webhook: &WebhookAddress,
        until: Timestamp,
    ) -> Result<Created, CallError>;

    /// Gives one a new end and a new token; answers the end. [`crate::ports::Cause::NotFound`] if it is gone.
    async fn renew(&self, id: &SubscriptionId, until: Timestamp) -> Result<Timestamp, CallError>;

    /// Takes one away. [`crate::ports::Cause::NotFound`] if it is gone.
    async fn delete(&self, id: &SubscriptionId) -> Result<(), CallError>;

    /// The digest of the clientState that one would be made with now.
    async fn client_state(&self) -> Result<Digest, CallError>;
}

/// The right to change subscriptions, until it expires or is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionLease {
    /// Tells one holder from another.
    pub holder: String,
}

/// What the ledger keeps of the subscriptions.
#[async_trait]
pub trait SubscriptionLedger: Send + Sync {
    /// Takes the lease until then, and reads what is remembered. `None` if somebody else holds it at `now`.
    async fn begin(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(SubscriptionLease, Remembered)>, CallError>;

    /// Stores what to remember. [`crate::ports::Cause::Concurrent`] if the lease is somebody else's by now.
    async fn store(&self, lease: &SubscriptionLease, remembered: &Remembered) -> Result<(), CallError>;

    /// Gives the lease back.
    async fn end(&self, lease: &SubscriptionLease) -> Result<(), CallError>;
}

/// Where a full sweep is asked for.
#[async_trait]
pub trait SweepRequests: Send + Sync {
    /// Asks for a full sweep that begins at this time or later. The sweep's function finds that within minutes.
    async fn want_everything(&self, at: Timestamp) -> Result<(), CallError>;
}
