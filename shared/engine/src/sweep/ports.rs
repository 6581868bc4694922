//! Ports of the full sweep: readers of whole sides, and what the ledger keeps of a run.

use super::SweepReport;
use crate::ports::{CallError, Directory, Ledger};
use crate::telemetry::Telemetry;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use planning::group_plan::IdentityGroup;
use planning::mapping::EntraUser;
use planning::record::{GroupRecord, Record, UserRecord};
use planning::sweep::ForeignMember;
use planning::user_plan::IdentityUser;
use planning::{EntraObjectId, GroupId, MembershipId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A group's users in Entra ID: direct members, with nested groups flattened all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMembers {
    /// The display name.
    pub name: Option<String>,
    /// The users; never other groups, devices or contacts.
    pub users: Vec<EntraObjectId>,
}

/// Entra ID, many objects at a time: twenty requests in a round trip. `None` means "not found" by this one
/// read. Every id asked for is answered, completely or with an error.
#[async_trait]
pub trait BulkDirectory: Directory {
    /// Users' attributes, without their groups: one request each.
    async fn accounts(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<EntraUser>, CallError>>;

    /// Groups' names and users: two requests each, and one for every further page.
    async fn members(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<GroupMembers>, CallError>>;
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage<T> {
    /// At most 100 objects.
    pub items: Vec<T>,
    /// Asks for the next page; `None` after the last one.
    pub next: Option<String>,
}

/// The members of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memberships {
    /// Every member, with the membership's id.
    pub members: Vec<(UserId, MembershipId)>,
    /// Calls that it took.
    pub calls: usize,
}

/// The identity store's lists.
#[async_trait]
pub trait IdentityStoreLister: Send + Sync {
    /// A page of all users, with the mirrored attributes; the first one without a token.
    async fn users_page(&self, token: Option<String>) -> Result<ListPage<IdentityUser>, CallError>;
    /// A page of all groups.
    async fn groups_page(&self, token: Option<String>) -> Result<ListPage<IdentityGroup>, CallError>;
    /// All members of a group; `None` if there is no such group.
    async fn memberships_in(&self, group: &GroupId) -> Result<Option<Memberships>, CallError>;
}

/// How many parts the ledger's records are read in: one for each first byte of an id.
pub const PARTS: u16 = 256;

/// Records of one part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartOfRecords {
    /// Users.
    pub users: Vec<Record<UserRecord>>,
    /// Groups.
    pub groups: Vec<Record<GroupRecord>>,
}

/// How far a run has come. What is done is not done again when it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepProgress {
    /// When the run began.
    pub started_at: Timestamp,
    /// The assigned flags of the records were compared with the assigned set.
    pub assignments_done: bool,
    /// The identity store's lists of users and groups were compared with the ledger.
    pub lists_done: bool,
    /// The last group that was compared.
    pub groups_up_to: Option<EntraObjectId>,
    /// All were.
    pub groups_done: bool,
    /// The last user who was compared.
    pub users_up_to: Option<EntraObjectId>,
    /// All were.
    pub users_done: bool,
    /// What was found and read so far.
    pub report: SweepReport,
}

/// What is kept of sweeps between runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepState {
    /// The progress of the run that is not finished, if there is one.
    pub progress: Option<SweepProgress>,
    /// When somebody asked for a sweep that begins then or later, and none did yet.
    pub wanted_at: Option<Timestamp>,
}

/// The right to run the sweep, until it expires or is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepLease {
    /// Tells one holder from another.
    pub holder: String,
}

/// What the ledger keeps for the sweep. All reads are strongly consistent.
#[async_trait]
pub trait SweepLedger: Ledger {
    /// All records whose id begins with this byte.
    async fn part_of_records(&self, first_byte: u8) -> Result<PartOfRecords, CallError>;

    /// The run that is not finished, and whether another is asked for.
    async fn sweep_state(&self) -> Result<SweepState, CallError>;

    /// Takes the lease until then, if nobody holds it at `now`.
    async fn take_sweep_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SweepLease>, CallError>;

    /// Stores how far the run has come, `None` when it is finished. [`crate::ports::Cause::Concurrent`] if the
    /// lease is somebody else's by now.
    async fn store_sweep_progress(
        &self,
        lease: &SweepLease,
        progress: Option<&SweepProgress>,
    ) -> Result<(), CallError>;

    /// Forgets that a sweep was asked for, unless that was after `begun`: a run that began then has answered it.
    async fn answer_sweep_request(&self, begun: Timestamp) -> Result<(), CallError>;

    /// Corrects how many users of ours stand in Identity Center, by which bulk revocations are measured.
    async fn store_managed_users(&self, count: u64) -> Result<(), CallError>;

    /// Gives the lease back.
    async fn return_sweep_lease(&self, lease: &SweepLease) -> Result<(), CallError>;
}

/// When reads of the identity store may begin, and how to wait.
#[async_trait]
pub trait Pace: Send + Sync {
    /// Waits until members of another group may be asked for.
    async fn turn(&self);
    /// Waits as long as a busy service asks for.
    async fn rest(&self, time: SignedDuration);
}

/// Where a sweep's reports go.
pub trait SweepTelemetry: Telemetry {
    /// A membership of a managed group that somebody else wrote.
    fn foreign_member(&self, member: &ForeignMember, repaired: bool);
    /// A run is finished, after so much time.
    fn swept(&self, report: &SweepReport, took: SignedDuration);
}
