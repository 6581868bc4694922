//! The plan for one group's account assignments: what is taken away first, then what is given.

use super::{
    AccountAssignment, DesiredAssignments, HeldBecause, MOST_GROUPS, Obstacle, RequestKind, SkippedAssignment,
};
use crate::EntraObjectId;
use crate::digest::Digest;
use crate::organization::{AccountState, AccountTree};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One request to sso-admin. The order of the variants is the order of application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum AssignmentChange {
    /// Take the permission set in the account away from the plan's group (`DeleteAccountAssignment`).
    Revoke(AccountAssignment),
    /// Give the permission set in the account to the plan's group (`CreateAccountAssignment`).
    Grant(AccountAssignment),
}

/// In whose name sso-admin is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// The organization's management account, which may change everything.
    ManagementAccount,
    /// The delegated administrator, which may not change access to the management account.
    DelegatedAdministrator,
}

/// What a group's plan depends on besides the group.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The organization.
    pub accounts: &'a AccountTree,
    /// Who calls.
    pub caller: Caller,
    /// How many groups, whoever's, have an assignment now; what is missing here is far from any limit.
    pub groups: &'a BTreeMap<AccountAssignment, usize>,
}

/// What is done about one group's account assignments. It cannot be applied before the guard rail has approved it.
#[must_use = "a plan does nothing until it is approved and applied"]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssignmentPlan {
    /// Whose assignments.
    pub group: EntraObjectId,
    /// What to do, in this order.
    pub changes: Vec<AssignmentChange>,
    /// What somebody else made and the rules call for, too: it becomes ours, so that it goes when they say so.
    pub claimed: BTreeSet<AccountAssignment>,
    /// What the group's name calls for and an operator has to approve.
    pub held: BTreeSet<HeldAssignment>,
    /// What is not made, or not taken away.
    pub skipped: BTreeSet<SkippedAssignment>,
}

/// An assignment that waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HeldAssignment {
    /// Which.
    pub assignment: AccountAssignment,
    /// Why.
    #[serde(flatten)]
    pub because: HeldBecause,
}

/// Plans one group. `actual` is all that the group has in Identity Center; `recorded` is what of it the ledger
/// proves that we made, or began to make.
pub fn plan_assignments(
    group: &EntraObjectId,
    desired: &DesiredAssignments,
    actual: &BTreeSet<AccountAssignment>,
    recorded: &BTreeSet<AccountAssignment>,
    circumstances: Circumstances<'_>,
) -> AssignmentPlan {
    let mut skipped = desired.skipped.clone();
    let in_doubt = desired.skipped.iter().filter(|skipped| skipped.why.is_doubt());
    let in_doubt: BTreeSet<_> = in_doubt.filter_map(|skipped| skipped.assignment.as_ref()).collect();
    let is_wanted = |assignment: &AccountAssignment| desired.granted.contains_key(assignment);
    let may_go = |assignment: &AccountAssignment| {
        recorded.contains(assignment) || desired.excluded.contains(assignment)
    };
    let mut changes = Vec::new();
    let surplus = actual
        .iter()
        .filter(|assignment| may_go(assignment) && !is_wanted(assignment) && !in_doubt.contains(assignment));
    for assignment in surplus {
        match circumstances.obstacle(assignment) {
            None => changes.push(AssignmentChange::Revoke(assignment.clone())),
            Some(why) => drop(skipped.insert(skip(assignment, why))),
        }
    }
    for assignment in desired.granted.keys().filter(|assignment| !actual.contains(assignment)) {
        match circumstances.obstacle(assignment).or_else(|| circumstances.no_room(assignment)) {
            None => changes.push(AssignmentChange::Grant(assignment.clone())),
            Some(why) => drop(skipped.insert(skip(assignment, why))),
        }
    }
    let claimed = actual.iter().filter(|assignment| is_wanted(assignment) && !recorded.contains(assignment));
    let held = desired.held.clone().into_iter();
    AssignmentPlan {
        group: group.clone(),
        changes,
        claimed: claimed.cloned().collect(),
        held: held.map(|(assignment, because)| HeldAssignment { assignment, because }).collect(),
        skipped,
    }
}

fn skip(assignment: &AccountAssignment, why: Obstacle) -> SkippedAssignment {
    SkippedAssignment { assignment: Some(assignment.clone()), why }
}

impl Circumstances<'_> {
    /// Why AWS would refuse to change this assignment.
    fn obstacle(&self, assignment: &AccountAssignment) -> Option<Obstacle> {
        let Some(account) = self.accounts.get(&assignment.account) else {
            return Some(Obstacle::NotInOrganization { account: assignment.account.clone() });
        };
        if account.state != AccountState::Active {
            return Some(Obstacle::AccountNotActive { state: account.state });
        }
        let is_barred =
            self.caller == Caller::DelegatedAdministrator && account.id == *self.accounts.management();
        is_barred.then_some(Obstacle::NotFromDelegatedAdministrator)
    }

    fn no_room(&self, assignment: &AccountAssignment) -> Option<Obstacle> {
        let is_full = self.groups.get(assignment).is_some_and(|groups| *groups >= MOST_GROUPS);
        is_full.then_some(Obstacle::TooManyGroups)
    }
}

impl AssignmentChange {
    /// The assignment.
    pub fn assignment(&self) -> &AccountAssignment {
        self.request().1
    }

    /// What is asked of sso-admin.
    pub fn request(&self) -> (RequestKind, &AccountAssignment) {
        match self {
            AssignmentChange::Revoke(assignment) => (RequestKind::Deletion, assignment),
            AssignmentChange::Grant(assignment) => (RequestKind::Creation, assignment),
        }
    }

    /// A short name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            AssignmentChange::Revoke(_) => "revoke_account_assignment",
            AssignmentChange::Grant(_) => "grant_account_assignment",
        }
    }
}

impl AssignmentPlan {
    /// What is taken away.
    pub fn revocations(&self) -> impl Iterator<Item = &AccountAssignment> {
        self.changes.iter().filter_map(|change| match change {
            AssignmentChange::Revoke(assignment) => Some(assignment),
            AssignmentChange::Grant(_) => None,
        })
    }

    /// What is given.
    pub fn grants(&self) -> impl Iterator<Item = &AccountAssignment> {
        self.changes.iter().filter_map(|change| match change {
            AssignmentChange::Grant(assignment) => Some(assignment),
            AssignmentChange::Revoke(_) => None,
        })
    }

    /// The same plan without the changes of these assignments: they wait for an operator, or for an earlier change of
    /// theirs.
    pub fn without(mut self, waiting: &BTreeSet<AccountAssignment>) -> Self {
        self.changes.retain(|change| !waiting.contains(change.assignment()));
        self
    }

    /// Identifies what the plan does, for logs and reviews.
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }
}

impl fmt::Display for AssignmentChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AssignmentChange::Revoke(assignment) => write!(f, "- {assignment}"),
            AssignmentChange::Grant(assignment) => write!(f, "+ {assignment}"),
        }
    }
}

impl fmt::Display for AssignmentPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.group)?;
        for change in &self.changes {
            writeln!(f, "  {change}")?;
        }
        for skipped in &self.skipped {
            writeln!(f, "  {skipped}")?;
        }
        for HeldAssignment { assignment, because } in &self.held {
            writeln!(f, "  held: {assignment}, until an operator approves: {because}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
