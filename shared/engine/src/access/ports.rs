//! Ports of account assignments. Readers and writers are different traits.

use crate::ports::CallError;
use async_trait::async_trait;
use planning::access::{AccountAssignment, AssignmentChange, Caller, Outstanding, RequestKind};
use planning::digest::Digest;
use planning::ids::AssignmentRequestId;
use planning::organization::AccountTree;
use planning::permission_sets::PermissionSets;
use planning::{EntraObjectId, GroupId};
use std::collections::{BTreeMap, BTreeSet};

/// Where the rules are kept.
#[async_trait]
pub trait RulesReader: Send + Sync {
    /// The document of grants as it is now, right or wrong.
    async fn text(&self) -> Result<String, CallError>;
}

/// AWS Organizations, read only. Every answer is complete or an error.
#[async_trait]
pub trait OrganizationReader: Send + Sync {
    /// All accounts and units.
    async fn accounts(&self) -> Result<AccountTree, CallError>;
}

/// The permission sets of the instance, read only.
#[async_trait]
pub trait PermissionSetReader: Send + Sync {
    /// All of them.
    async fn permission_sets(&self) -> Result<PermissionSets, CallError>;
}

/// What a group has in Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldAssignments {
    /// In whose name it was read.
    pub caller: Caller,
    /// Its account assignments.
    pub assignments: BTreeSet<AccountAssignment>,
}

/// What many groups have in Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldByGroups {
    /// In whose name it was read.
    pub caller: Caller,
    /// Their account assignments.
    pub assignments: BTreeMap<GroupId, BTreeSet<AccountAssignment>>,
}

/// How a request stands, or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestStatus {
    /// It is under way.
    InProgress,
    /// It took effect.
    Succeeded,
    /// It did not: what AWS says about it, which may name accounts and roles.
    Failed(String),
}

/// A request that AWS took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunRequest {
    /// Its id.
    pub id: AssignmentRequestId,
    /// How it stands: mostly in progress.
    pub status: RequestStatus,
}

/// Account assignments, read only. Every answer is complete or an error.
#[async_trait]
pub trait AccountAssignmentReader: Send + Sync {
    /// What a group has. From the delegated administrator only `relevant` ones are asked for, pair by pair: the answer
    /// holds no others then.
    async fn of_group(
        &self,
        group: &GroupId,
        relevant: &BTreeSet<AccountAssignment>,
    ) -> Result<HeldAssignments, CallError>;
    /// What each of these groups has, one call for each where that is possible, else one for each account and
    /// permission set. Every group asked for is in the answer.
    async fn of_groups(&self, groups: &BTreeSet<GroupId>) -> Result<HeldByGroups, CallError>;
    /// Every request that is under way, whoever made it.
    async fn in_progress(&self) -> Result<BTreeSet<AssignmentRequestId>, CallError>;
    /// How one request stands; `None` if AWS does not know it any more.
    async fn status(
        &self,
        kind: RequestKind,
        request: &AssignmentRequestId,
    ) -> Result<Option<RequestStatus>, CallError>;
}

/// The writes of account assignments. Only the engine holds one. Neither has a token against being done twice: what
/// is there is read first.
#[async_trait]
pub trait AccountAssignmentWriter: Send + Sync {
    /// Asks for an assignment. [`crate::ports::Cause::Conflict`] if an earlier change has not ended.
    async fn create(
        &self,
        group: &GroupId,
        assignment: &AccountAssignment,
    ) -> Result<BegunRequest, CallError>;
    /// Asks for its deletion. [`crate::ports::Cause::NotFound`] if it does not exist.
    async fn delete(
        &self,
        group: &GroupId,
        assignment: &AccountAssignment,
    ) -> Result<BegunRequest, CallError>;
}

/// What every group was last weighed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// The digest of rules, accounts and permission sets.
    pub digest: Digest,
    /// How many account assignments of all groups were ours then.
    pub assignments: u64,
}

/// What the ledger keeps for all groups together. All reads are strongly consistent.
#[async_trait]
pub trait AccessLedger: Send + Sync {
    /// What every group was last weighed by; `None` before the first time.
    async fn weighed(&self) -> Result<Option<Weighed>, CallError>;
    /// Every group was weighed by this.
    async fn store_weighed(&self, weighed: &Weighed) -> Result<(), CallError>;
    /// The groups that the names in rules mean.
    async fn bound_names(&self) -> Result<BTreeMap<String, EntraObjectId>, CallError>;
    /// The name means this group from now on, unless it means another one. Answers whom it means.
    async fn bind_name(&self, name: &str, group: &EntraObjectId) -> Result<EntraObjectId, CallError>;
    /// The name means this group from now on: an operator says so.
    async fn rebind_name(&self, name: &str, group: &EntraObjectId) -> Result<(), CallError>;
    /// The names that mean this group are free.
    async fn release_names(&self, group: &EntraObjectId) -> Result<(), CallError>;
    /// The requests that are under way, with the version of that list.
    async fn outstanding(&self) -> Result<(Outstanding, u64), CallError>;
    /// Replaces the list of this version; [`crate::ports::Cause::Concurrent`] if somebody was faster.
    async fn store_outstanding(&self, outstanding: &Outstanding, version: u64) -> Result<(), CallError>;
}

/// A change that AWS did not carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedChange {
    /// The change.
    pub change: AssignmentChange,
    /// What AWS says about it.
    pub reason: String,
}
