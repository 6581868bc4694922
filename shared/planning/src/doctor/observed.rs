//! What is observed of a deployed system.

use crate::mapping::UserNameSource;
use crate::rotation::Verdict;
use jiff::{SignedDuration, Timestamp};

/// Why something could not be looked at. The text says what to do, where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// In words for a person.
    pub why: String,
    /// A service said no, and will say so again.
    pub is_refused: bool,
}

/// What a look showed.
pub type Seen<T> = Result<T, Unseen>;

/// Everything that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Whose AWS credentials these are.
    pub account: Seen<AccountReading>,
    /// The organization's management account.
    pub management_account: Seen<String>,
    /// The Region that is looked at.
    pub region: String,
    /// The instance of the identity store, if this Region shows one.
    pub instance: Seen<Option<InstanceReading>>,
    /// How the sign-in to Entra ID went.
    pub sign_in: Seen<SignIn>,
    /// A harmless call for each permission.
    pub permissions: Vec<PermissionReading>,
    /// The enterprise application, if there is one.
    pub application: Seen<Option<ApplicationReading>>,
    /// The attribute that a claims mapping policy sends as NameID; none if no policy says so.
    pub name_id: Seen<Option<String>>,
    /// What user names are mirrored from.
    pub user_name_source: UserNameSource,
    /// A sample of user names on both sides.
    pub user_names: Seen<UserNames>,
    /// Entra ID's own provisioning of the enterprise application.
    pub provisioning: Seen<Vec<ProvisioningJob>>,
    /// The subscriptions of this app registration.
    pub subscriptions: Seen<Vec<SubscriptionReading>>,
    /// How long the webhook took for a validation handshake; none without an address.
    pub webhook: Option<Result<SignedDuration, String>>,
    /// The queues.
    pub queues: Vec<QueueReading>,
    /// The full sweep.
    pub sweep: Seen<SweepReading>,
    /// How many holds wait for an operator.
    pub holds: Seen<usize>,
    /// What the certificate function saw last.
    pub certificate: Seen<Option<CertificateReading>>,
    /// How much there is.
    pub usage: Seen<Usage>,
}

/// Whose AWS credentials are in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountReading {
    /// The account.
    pub account: String,
    /// Who calls.
    pub arn: String,
}

/// An instance of Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceReading {
    /// The account that owns it.
    pub owner: Option<String>,
    /// Its primary Region, where AWS says so.
    pub primary_region: Option<String>,
}

/// How one signed in to Entra ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// AWS said which role calls.
    Federated,
    /// With what Secrets Manager holds.
    Secret,
    /// With a token that the operator brought.
    Given,
}

/// A permission of Microsoft Graph, and whether a call that needs it went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionReading {
    /// `User.Read.All`, for example.
    pub permission: &'static str,
    /// The call.
    pub answer: Seen<()>,
}

/// The enterprise application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationReading {
    /// Users may sign in to it.
    pub is_enabled: bool,
    /// `preferredSingleSignOnMode`.
    pub sign_on_mode: Option<String>,
    /// `appRoleAssignmentRequired`.
    pub needs_assignment: bool,
}

/// A sample of the users who are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserNames {
    /// How many were compared.
    pub compared: usize,
    /// How many have another name in Entra ID than in Identity Center.
    pub different: usize,
}

/// A job of Entra ID's own provisioning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisioningJob {
    /// `id`.
    pub id: String,
    /// `schedule.state`.
    pub state: String,
}

/// A subscription to changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionReading {
    /// `users` or `groups`, for example, without slashes.
    pub resource: String,
    /// When it ends.
    pub expires: Timestamp,
    /// Where it sends to.
    pub notification_url: String,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueReading {
    /// What it is for.
    pub name: &'static str,
    /// How full it is.
    pub state: Seen<QueueState>,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// Messages that nobody works on.
    pub waiting: u64,
    /// Messages that somebody works on.
    pub in_flight: u64,
    /// Messages in its dead letter queue; none if it has none.
    pub dead: Option<u64>,
}

/// The full sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepReading {
    /// When the last run that was finished began.
    pub finished: Option<Timestamp>,
    /// When the run began that is not finished, if there is one.
    pub unfinished: Option<Timestamp>,
}

/// What the certificate function saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateReading {
    /// When.
    pub at: Timestamp,
    /// How it was.
    pub verdict: Verdict,
}

/// How much there is of what has a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Users of ours in Identity Center.
    pub users: u64,
    /// Principals that are assigned to the enterprise application; none before the first poll.
    pub assigned: Option<u64>,
}
