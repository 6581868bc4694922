//! Who gets which permission set in which account: what the rules come to in this organization.

mod bindings;
mod check;
mod claim;
mod crowding;
mod desired;
mod obstacle;
mod outstanding;
mod plan;
mod recorded;
mod review;

pub use bindings::Bindings;
pub use check::check;
pub use crowding::{MOST_GROUPS, crowded};
pub use desired::{DesiredAssignments, HeldBecause, desired_assignments, desired_of_group};
pub use obstacle::{Obstacle, SkippedAssignment};
pub use outstanding::{AssignmentRequest, MOST_OUTSTANDING, Outstanding, RequestKind};
pub use plan::{AssignmentChange, AssignmentPlan, Caller, Circumstances, HeldAssignment, plan_assignments};
pub use recorded::AccessRecord;
pub use review::{GroupToLookAt, Review, review};

use crate::EntraObjectId;
use crate::digest::Digest;
use crate::ids::{AccountId, InvalidId, PermissionSetArn};
use crate::organization::AccountTree;
use crate::permission_sets::PermissionSets;
use crate::rules::Rules;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A permission set in an account, given to a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountAssignment {
    /// `PermissionSetArn`.
    pub permission_set: PermissionSetArn,
    /// `TargetId`.
    pub account: AccountId,
}

/// Groups of Entra ID by object id, with their display names.
pub type GroupNames = BTreeMap<EntraObjectId, String>;

/// All that access depends on, but for the groups.
#[derive(Debug, Clone)]
pub struct Access<'a> {
    rules: &'a Rules,
    accounts: &'a AccountTree,
    permission_sets: &'a PermissionSets,
    /// What a group's name may call an account.
    account_words: BTreeSet<&'a str>,
    /// What a group's name may call a permission set.
    permission_set_words: BTreeSet<&'a str>,
}

impl<'a> Access<'a> {
    /// Puts the three together.
    pub fn new(rules: &'a Rules, accounts: &'a AccountTree, permission_sets: &'a PermissionSets) -> Self {
        let ids = accounts.accounts().map(|account| account.id.as_str());
        Self {
            rules,
            accounts,
            permission_sets,
            account_words: ids.chain(accounts.names()).collect(),
            permission_set_words: permission_sets.names().collect(),
        }
    }

    /// The organization.
    pub fn accounts(&self) -> &'a AccountTree {
        self.accounts
    }

    /// Tells whether anything changed that access depends on.
    pub fn digest(&self) -> Digest {
        Digest::of(&(self.rules, self.accounts, self.permission_sets))
    }
}

/// The groups that have other access after a change of rules, accounts or permission sets than before it.
pub fn affected_groups(
    before: &Access<'_>,
    after: &Access<'_>,
    groups: &GroupNames,
    bindings: &Bindings,
) -> BTreeSet<EntraObjectId> {
    let (before, _) = desired_assignments(before, groups, bindings);
    let (after, _) = desired_assignments(after, groups, bindings);
    let changed = after.into_iter().filter(|(group, desired)| {
        !before.get(group).is_some_and(|before| before.leads_to_the_same_as(desired))
    });
    changed.map(|(group, _)| group).collect()
}

impl AccountAssignment {
    /// As it is stored: the account, a blank, and the permission set.
    pub fn stored(&self) -> String {
        format!("{} {}", self.account, self.permission_set)
    }

    /// Reads what [`AccountAssignment::stored`] wrote.
    ///
    /// # Errors
    /// [`InvalidId`] if it is something else.
    pub fn read(text: &str) -> Result<Self, InvalidId> {
        let (account, permission_set) = text.split_once(' ').unwrap_or((text, ""));
        Ok(Self {
            permission_set: PermissionSetArn::parse(permission_set)?,
            account: AccountId::parse(account)?,
        })
    }
}

impl fmt::Display for AccountAssignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in account {}", self.permission_set, self.account)
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
pub(crate) mod tests;
