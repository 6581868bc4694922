//! Ports: what the engine needs of the outside world. Readers and writers are different traits.

use crate::agenda::{AgendaEntry, AgendaKey};
use crate::trigger::{Subject, Trigger};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use planning::assigned::{AssignedHeader, AssignedSet, Principals};
use planning::attributes::{UserAttribute, UserAttributes};
use planning::group_plan::IdentityGroup;
use planning::record::{GroupRecord, Record, UserRecord};
use planning::scope::{Gone, UserReading};
use planning::user_plan::IdentityUser;
use planning::{EntraObjectId, GroupId, MembershipId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// What went wrong in a call, as far as a handler branches on it. `Display` says what failed, on which
/// object, and what to do; it never holds a payload, a name or an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} {object}: {cause}")]
pub struct CallError {
    /// The API operation.
    pub operation: String,
    /// The object's id, or what else the call was about.
    pub object: String,
    /// What went wrong.
    pub cause: Cause,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The service is busy: step back and come again. No failure.
    #[error("throttled; it is tried again by itself")]
    Throttled {
        /// What the service asked for (`Retry-After`, `RetryAfterSeconds`).
        retry_after: Option<SignedDuration>,
    },
    /// A unique name or address is taken, or the membership exists already.
    #[error("conflicts with another object")]
    Conflict,
    /// The object was changed by somebody else meanwhile: read again.
    #[error("changed by somebody else meanwhile; it is tried again by itself")]
    Concurrent,
    /// The object is not there.
    #[error("not found")]
    NotFound,
    /// The service refuses the content; trying again changes nothing.
    #[error("refused by the service ({code}, request id {request_id}): correct the object in Entra ID")]
    Refused {
        /// The service's error code.
        code: String,
        /// For a support case.
        request_id: String,
    },
    /// A permission is missing.
    #[error("not permitted: {remedy}")]
    Denied {
        /// Which permission to grant, and where.
        remedy: String,
    },
    /// The delta link is no longer good: read in full.
    #[error("the delta link is no longer valid; the group is read in full")]
    LinkExpired,
    /// The answer lacks what it must have; nothing is concluded from it.
    #[error("incomplete answer: {missing}")]
    Incomplete {
        /// What is missing, and what to do.
        missing: String,
    },
    /// Microsoft Graph did not get its validation request answered by the webhook.
    #[error("Microsoft Graph cannot reach the webhook: {0}")]
    Unreachable(HandshakeFailure),
    /// A server error, a broken connection, a time-out: a write may or may not have taken effect.
    #[error("no usable answer ({detail}); it is tried again by itself")]
    Unanswered {
        /// A status or kind of failure.
        detail: String,
    },
}

/// What became of Graph's validation request to the webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeFailure {
    /// Graph says that it waited in vain. Often it has never asked.
    #[error(
        "its validation request timed out, and did so again when it was repeated: check that WEBHOOK_URL is the stack's \
         output WebhookUrl, and look at the log of the webhook function"
    )]
    TimedOut,
    /// Something answered with another status than 200.
    #[error(
        "its validation request was answered with {0}: nothing that asks for a sign-in or filters requests (authorizer, \
         WAF, proxy) may stand in front of the webhook; check that WEBHOOK_URL is the stack's output WebhookUrl"
    )]
    Status(String),
    /// Graph says no more than that it failed.
    #[error(
        "its validation request failed: check that WEBHOOK_URL is the stack's output WebhookUrl, an https address with a \
         certificate that everybody trusts"
    )]
    Failed,
}

/// What to read of a group in Entra ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRead {
    /// The group.
    pub id: EntraObjectId,
    /// Where the last read ended; without one every member is read.
    pub delta_link: Option<String>,
    /// Read the groups above it, too.
    pub ancestors: bool,
}

/// A complete read of one group: its changes since the delta link, or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReading {
    /// The display name, if the answer holds one (a delta answer does only if it changed).
    pub name: Option<String>,
    /// Members that joined; without a delta link every member.
    pub joined: BTreeSet<Subject>,
    /// Members that left.
    pub left: BTreeSet<Subject>,
    /// Set if the group is gone from Entra ID.
    pub gone: Option<Gone>,
    /// Where the next read goes on. To be saved only after the fan-out.
    pub delta_link: Option<String>,
    /// The groups of which this one is a member, directly or not; empty unless asked for.
    pub ancestors: BTreeSet<EntraObjectId>,
}

/// What the first look at a user came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstLook {
    /// The user is there, and was read completely.
    Present(Box<UserReading>),
    /// Not found. One read is no proof: see [`Directory::confirm_absence`].
    NotFound,
}

/// Entra ID, read only. Every answer is complete (all pages) or an error.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Every user and group with an appRoleAssignment to the servicePrincipal.
    async fn assigned_principals(&self) -> Result<Principals, CallError>;

    /// Users with their groups (with nested groups flattened: all groups above them), in as few round
    /// trips as `$batch` allows. Every id asked for is answered.
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<FirstLook, CallError>>;

    /// A second read of users that were not found: `None` means that the user is there after all.
    async fn confirm_absence(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<Gone>, CallError>>;

    /// Groups, in as few round trips as `$batch` allows. Every group asked for is answered.
    async fn groups(&self, reads: &[GroupRead]) -> BTreeMap<EntraObjectId, Result<GroupReading, CallError>>;

    /// The display name of a group, `None` if it is not found.
    async fn group_name(&self, id: &EntraObjectId) -> Result<Option<String>, CallError>;
}

/// The identity store, read only. `None` means that the service says "not found".
#[async_trait]
pub trait IdentityStoreReader: Send + Sync {
    /// A user by id.
    async fn user(&self, id: &UserId) -> Result<Option<IdentityUser>, CallError>;
    /// The user that holds a unique attribute: user name or e-mail.
    async fn find_user(&self, attribute: UserAttribute, value: &str) -> Result<Option<UserId>, CallError>;
    /// Every membership of a user.
    async fn memberships_of(&self, user: &UserId) -> Result<BTreeMap<GroupId, MembershipId>, CallError>;
    /// The membership of a user in a group.
    async fn find_membership(
        &self,
        user: &UserId,
        group: &GroupId,
    ) -> Result<Option<MembershipId>, CallError>;
    /// A group by id.
    async fn group(&self, id: &GroupId) -> Result<Option<IdentityGroup>, CallError>;
    /// The group of this name.
    async fn find_group(&self, name: &str) -> Result<Option<GroupId>, CallError>;
    /// Every member of a group.
    async fn members_of(&self, group: &GroupId) -> Result<BTreeSet<UserId>, CallError>;
}

/// The identity store's writes. Only the engine's `apply` holds one.
#[async_trait]
pub trait IdentityStoreWriter: Send + Sync {
    /// Creates a user.
    async fn create_user(&self, attributes: &UserAttributes) -> Result<UserId, CallError>;
    /// Sets the changed attributes to what `attributes` holds, removing those it does not hold.
    async fn update_user(
        &self,
        user: &UserId,
        attributes: &UserAttributes,
        changed: &BTreeSet<UserAttribute>,
        revision: Option<&str>,
    ) -> Result<(), CallError>;
    /// Creates a group.
    async fn create_group(&self, name: &str) -> Result<GroupId, CallError>;
    /// Renames a group.
    async fn rename_group(
        &self,
        group: &GroupId,
        name: &str,
        revision: Option<&str>,
    ) -> Result<(), CallError>;
    /// Creates a membership. [`Cause::Conflict`] if it exists.
    async fn create_membership(&self, user: &UserId, group: &GroupId) -> Result<MembershipId, CallError>;
    /// Deletes a membership. [`Cause::NotFound`] if it does not exist.
    async fn delete_membership(&self, membership: &MembershipId) -> Result<(), CallError>;
    /// Deletes a user. [`Cause::NotFound`] if it does not exist.
    async fn delete_user(&self, user: &UserId, revision: Option<&str>) -> Result<(), CallError>;
    /// Deletes a group. [`Cause::NotFound`] if it does not exist.
    async fn delete_group(&self, group: &GroupId, revision: Option<&str>) -> Result<(), CallError>;
}

/// Records and the assigned set. All reads are strongly consistent.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Records of users; ids without one are absent from the answer.
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError>;
    /// Records of groups; ids without one are absent from the answer.
    async fn groups(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError>;
    /// Stores a user's record (all but `assigned`) if its version is still the stored one, with its dirty
    /// mark, and notes whose object `user_id` is. Answers the new version; [`Cause::Concurrent`] if
    /// somebody was faster.
    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError>;
    /// As [`Ledger::put_user`], for groups.
    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError>;
    /// Marks a record dirty, if there is one. The version stays.
    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError>;
    /// Whose objects these users of the identity store are; those that are not ours are absent.
    async fn owners_of_users(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError>;
    /// Whose object this group of the identity store is, if it is ours.
    async fn owner_of_group(&self, group: &GroupId) -> Result<Option<EntraObjectId>, CallError>;

    /// The header of the assigned set; `None` before the first complete read was stored.
    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError>;
    /// The assigned set of this header.
    async fn assigned_set(&self, header: &AssignedHeader) -> Result<AssignedSet, CallError>;
    /// Changes the assigned flag of a record (making one if need be) and puts the entry on the agenda, in
    /// one transaction.
    async fn set_assigned(&self, assigned: bool, entry: &AgendaEntry) -> Result<(), CallError>;
    /// Stores the set that follows on `previous`; [`Cause::Concurrent`] if somebody was faster.
    async fn store_assigned_set(
        &self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Result<AssignedHeader, CallError>;
}

/// The agenda's store.
#[async_trait]
pub trait Agenda: Send + Sync {
    /// Puts entries on the agenda. An entry that is there already stays as it is, but is not in flight any
    /// more: who works on it may have looked before what is put now came about.
    async fn put(&self, entries: &[AgendaEntry]) -> Result<(), CallError>;
    /// Ticks entries off that were moved, and not put again since.
    async fn done(&self, keys: &BTreeSet<AgendaKey>) -> Result<(), CallError>;
    /// What is due at `now`: of each priority at most `limit` entries that are not in flight, in the agenda's
    /// order, and those before them that are.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<DueWork, CallError>;
    /// Notes that an entry was moved to the queue and counts as in flight until then. False if somebody
    /// else moved it, or it is done.
    async fn set_in_flight(
        &self,
        key: &AgendaKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, CallError>;
}

/// What of the agenda is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueWork {
    /// Ready to be moved to the queue.
    pub ready: Vec<AgendaEntry>,
    /// Moved already, and not done yet.
    pub in_flight: Vec<AgendaKey>,
}

/// The changes queue: one FIFO per principal.
#[async_trait]
pub trait TriggerQueue: Send + Sync {
    /// Queues triggers, retrying partial failures. An error means that some were not queued.
    async fn send(&self, triggers: &[Trigger]) -> Result<(), CallError>;
}

/// Decides when a message that was not handled comes again.
#[async_trait]
pub trait Redelivery: Send + Sync {
    /// Has the message of this receipt handle delivered again after so many seconds.
    async fn retry_after(&self, receipt_handle: &str, seconds: u32) -> Result<(), CallError>;
}

/// The lifecycle queue.
#[async_trait]
pub trait LifecycleQueue: Send + Sync {
    /// Queues lifecycle events, each a JSON text. An error means that some were not queued.
    async fn send(&self, events: &[String]) -> Result<(), CallError>;
}

/// The time of day; in simulations virtual.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

impl CallError {
    /// An error of one operation on one object.
    pub fn new(operation: impl Into<String>, object: impl ToString, cause: Cause) -> Self {
        Self { operation: operation.into(), object: object.to_string(), cause }
    }

    /// True if the service, or our own budget, put the call off: it has had no effect.
    pub fn is_throttle(&self) -> bool {
        matches!(self.cause, Cause::Throttled { .. })
    }
}
