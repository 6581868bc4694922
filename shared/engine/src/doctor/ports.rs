//! What the doctor looks at. Everything here only reads.

use crate::ports::CallError;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use planning::doctor::{
    AccountReading, ApplicationReading, InstanceReading, ProvisioningJob, QueueState, SubscriptionReading,
};

/// A permission of Microsoft Graph that can be tried without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphPermission {
    /// `User.Read.All`.
    Users,
    /// `Group.Read.All`.
    Groups,
    /// `Application.Read.All`.
    Applications,
    /// `Directory.Read.All`.
    Directory,
}

/// Entra ID, as far as a person would look.
#[async_trait]
pub trait EntraProbe: Send + Sync {
    /// Signs in.
    async fn sign_in(&self) -> Result<(), CallError>;
    /// A call that needs this permission.
    async fn try_permission(&self, permission: GraphPermission) -> Result<(), CallError>;
    /// The enterprise application; `None` if there is none.
    async fn application(&self) -> Result<Option<ApplicationReading>, CallError>;
    /// The attribute that a claims mapping policy sends as NameID, if one does.
    async fn name_id(&self) -> Result<Option<String>, CallError>;
    /// The jobs of Entra ID's own provisioning.
    async fn provisioning(&self) -> Result<Vec<ProvisioningJob>, CallError>;
    /// The subscriptions of this app registration.
    async fn subscriptions(&self) -> Result<Vec<SubscriptionReading>, CallError>;
}

/// The webhook, as Graph sees it.
#[async_trait]
pub trait WebhookProbe: Send + Sync {
    /// Does the validation handshake; how long it took, or in words what was wrong.
    async fn handshake(&self, url: &str) -> Result<SignedDuration, String>;
}

/// AWS, as far as a person would look.
#[async_trait]
pub trait AwsProbe: Send + Sync {
    /// Whose credentials are in use.
    async fn account(&self) -> Result<AccountReading, CallError>;
    /// The organization's management account.
    async fn management_account(&self) -> Result<String, CallError>;
    /// The instance of the identity store; `None` if this account and Region show none.
    async fn instance(&self) -> Result<Option<InstanceReading>, CallError>;
}

/// A queue.
#[async_trait]
pub trait QueueProbe: Send + Sync {
    /// What it is for.
    fn name(&self) -> &'static str;
    /// How full it is, and its dead letter queue.
    async fn state(&self) -> Result<QueueState, CallError>;
}

/// What the ledger remembers of full sweeps.
#[async_trait]
pub trait SweepHistory: Send + Sync {
    /// When the last run that was finished began.
    async fn last_finished(&self) -> Result<Option<Timestamp>, CallError>;
}
