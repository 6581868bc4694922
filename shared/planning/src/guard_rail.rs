//! The only road from a plan to its application: nothing that is not ours is ever changed.

use crate::access::{AccountAssignment, AssignmentChange, AssignmentPlan};
use crate::plan::{Change, ChangeKind, Plan};
use crate::record::{GroupRecord, UserRecord};
use crate::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// What the ledger proves to be ours, as far as one plan may touch it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ours {
    /// The plan's own user.
    pub user: Option<UserId>,
    /// The plan's own group.
    pub group: Option<GroupId>,
    /// Groups that hold a membership of the plan's user which we wrote or began to write.
    pub memberships: BTreeSet<GroupId>,
    /// The plan's own object is a tombstone whose grace period is over.
    pub past_grace: bool,
    /// Tombstones, by the principal whose they are.
    pub retired_users: BTreeMap<UserId, EntraObjectId>,
    /// As above, for groups.
    pub retired_groups: BTreeMap<GroupId, EntraObjectId>,
    /// Members of the plan's own group who are nobody's of ours, and whom the operator wants out.
    pub strangers: BTreeSet<UserId>,
}

impl Ours {
    /// What a user's record proves.
    pub fn of_user(record: &UserRecord) -> Self {
        Self {
            user: record.user_id.clone(),
            memberships: record.memberships.keys().chain(&record.granting).cloned().collect(),
            ..Self::default()
        }
    }

    /// What a group's record proves.
    pub fn of_group(record: &GroupRecord) -> Self {
        Self { group: record.group_id.clone(), ..Self::default() }
    }
}

/// A plan would change something that the ledger does not prove to be ours. This is a fault of planning:
/// nothing of the plan is applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the plan for {principal} would change something that is not ours ({change}); nothing of it was applied: report this as a bug"
)]
pub struct NotOurs {
    principal: EntraObjectId,
    change: String,
}

/// A plan that may be applied. There is no other way to make one than [`approve`].
#[must_use = "an approved plan does nothing until it is applied"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedPlan(Plan);

impl ApprovedPlan {
    /// The plan that was approved.
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// The same plan without the revocations of these memberships: they wait for an operator.
    pub fn withholding(self, groups: &BTreeSet<GroupId>) -> Self {
        let mut plan = self.0;
        plan.changes.retain(
            |change| !matches!(change, Change::RevokeMembership { group, .. } if groups.contains(group)),
        );
        plan.held.extend(groups.iter().cloned());
        Self(plan)
    }

    /// The changes that take access away; they come before any other change of any principal.
    pub fn revocations(&self) -> impl Iterator<Item = &Change> {
        self.0.changes.iter().filter(|change| change.kind() == ChangeKind::Revoke)
    }

    /// Every other change, in the plan's order.
    pub fn updates_and_grants(&self) -> impl Iterator<Item = &Change> {
        self.0.changes.iter().filter(|change| change.kind() != ChangeKind::Revoke)
    }
}

/// Approves a plan that touches only what is ours.
///
/// # Errors
/// [`NotOurs`] names the first change that would touch something else.
pub fn approve(plan: Plan, ours: &Ours) -> Result<ApprovedPlan, NotOurs> {
    let foreign =
        plan.changes.iter().find(|change| !is_ours(change, ours) && !goes_along(change, &plan, ours));
    match foreign {
        None => Ok(ApprovedPlan(plan)),
        Some(change) => Err(NotOurs { principal: plan.principal.clone(), change: change.name().to_owned() }),
    }
}

fn is_ours(change: &Change, ours: &Ours) -> bool {
    match change {
        Change::RevokeMembership { user, group, .. } => {
            ours.user.as_ref() == Some(user) && ours.memberships.contains(group)
                || ours.group.as_ref() == Some(group) && ours.strangers.contains(user)
        }
        Change::RetireUser { user, owner } => ours.retired_users.get(user) == Some(owner),
        Change::RetireGroup { group, owner } => ours.retired_groups.get(group) == Some(owner),
        Change::UpdateUser { user, .. } => ours.user.as_ref() == Some(user),
        Change::RenameGroup { group, .. } => ours.group.as_ref() == Some(group),
        Change::CreateUser { .. } => ours.user.is_none(),
        Change::CreateGroup { .. } => ours.group.is_none(),
        Change::DeleteUser { user, .. } => ours.past_grace && ours.user.as_ref() == Some(user),
        Change::DeleteGroup { group, .. } => ours.past_grace && ours.group.as_ref() == Some(group),
        Change::GrantMembership { .. } => true,
    }
}

/// A membership that somebody else wrote goes with the object of ours that is deleted.
fn goes_along(change: &Change, plan: &Plan, ours: &Ours) -> bool {
    let Change::RevokeMembership { user, group, .. } = change else {
        return false;
    };
    plan.changes.iter().filter(|change| is_ours(change, ours)).any(|change| match change {
        Change::DeleteUser { user: deleted, .. } => deleted == user,
        Change::DeleteGroup { group: deleted, .. } => deleted == group,
        _ => false,
    })
}

/// What is proven to be ours, as far as one plan for account assignments may touch it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct OurAssignments {
    /// The plan's own group, created or adopted by us.
    pub group: Option<GroupId>,
    /// Its assignments that the ledger proves that we made, or began to make.
    pub recorded: BTreeSet<AccountAssignment>,
    /// What a rule excepts by name: the operator wants it gone, whoever made it.
    pub excluded: BTreeSet<AccountAssignment>,
}

/// A plan for account assignments that may be applied. There is no other way to make one than
/// [`approve_assignments`].
#[must_use = "an approved plan does nothing until it is applied"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedAssignmentPlan(AssignmentPlan);

impl ApprovedAssignmentPlan {
    /// The plan that was approved.
    pub fn plan(&self) -> &AssignmentPlan {
        &self.0
    }
}

/// Approves a plan that changes only the access of a group of ours, and takes away only what is ours or excepted.
///
/// # Errors
/// [`NotOurs`] names the first change that would touch something else.
pub fn approve_assignments(
    plan: AssignmentPlan,
    ours: &OurAssignments,
) -> Result<ApprovedAssignmentPlan, NotOurs> {
    let may = |change: &AssignmentChange| match change {
        _ if ours.group.is_none() => false,
        AssignmentChange::Revoke(assignment) => {
            ours.recorded.contains(assignment) || ours.excluded.contains(assignment)
        }
        AssignmentChange::Grant(_) => true,
    };
    match plan.changes.iter().find(|change| !may(change)) {
        None => Ok(ApprovedAssignmentPlan(plan)),
        Some(change) => Err(NotOurs { principal: plan.group.clone(), change: change.name().to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::entra_id;

    fn revocation(user: &str, group: &str) -> Plan {
        let change = Change::RevokeMembership {
            user: UserId::parse(user).unwrap(),
            group: GroupId::parse(group).unwrap(),
            membership: None,
        };
        Plan { changes: vec![change], ..Plan::empty(entra_id(1)) }
    }

    fn ours() -> Ours {
        Ours {
            user: Some(UserId::parse("u-1").unwrap()),
            memberships: BTreeSet::from([GroupId::parse("g-1").unwrap()]),
            ..Ours::default()
        }
    }

    #[test]
    fn a_membership_that_we_wrote_may_be_revoked() {
        assert!(approve(revocation("u-1", "g-1"), &ours()).is_ok());
    }

    #[test]
    fn a_membership_that_somebody_else_wrote_is_never_revoked() {
        assert!(approve(revocation("u-1", "g-2"), &ours()).is_err());
        assert!(approve(revocation("u-2", "g-1"), &ours()).is_err());
    }

    #[test]
    fn an_object_is_deleted_only_after_its_grace_period_and_takes_every_membership_along() {
        let mut plan = revocation("u-1", "g-2");
        plan.changes.push(Change::DeleteUser { user: UserId::parse("u-1").unwrap(), revision: None });
        assert!(approve(plan.clone(), &ours()).is_err());
        assert!(approve(plan.clone(), &Ours { past_grace: true, ..ours() }).is_ok());
        let other = Ours { user: Some(UserId::parse("u-2").unwrap()), past_grace: true, ..ours() };
        assert!(approve(plan, &other).is_err());
    }

    #[test]
    fn a_stranger_is_taken_out_of_the_plans_own_group_and_no_other() {
        let strangers = BTreeSet::from([UserId::parse("u-9").unwrap()]);
        let group = Some(GroupId::parse("g-1").unwrap());
        let ours = Ours { group, strangers, ..Ours::default() };
        assert!(approve(revocation("u-9", "g-1"), &ours).is_ok());
        assert!(approve(revocation("u-9", "g-2"), &ours).is_err());
        assert!(approve(revocation("u-8", "g-1"), &ours).is_err());
    }

    #[test]
    fn a_living_user_is_never_renamed_aside() {
        let change = Change::RetireUser { user: UserId::parse("u-9").unwrap(), owner: entra_id(9) };
        let plan = Plan { changes: vec![change], ..Plan::empty(entra_id(1)) };
        assert!(approve(plan, &ours()).is_err());
    }

    #[test]
    fn an_assignment_goes_only_if_it_is_ours_or_excepted_and_only_from_a_group_of_ours() {
        let one = crate::access::tests::assignment(1, 2);
        let plan = |change| AssignmentPlan {
            group: entra_id(1),
            changes: vec![change],
            claimed: BTreeSet::new(),
            held: BTreeSet::new(),
            skipped: BTreeSet::new(),
        };
        let (revoke, grant) = (AssignmentChange::Revoke(one.clone()), AssignmentChange::Grant(one.clone()));
        let group = Some(GroupId::parse("g-1").unwrap());
        let nothing = OurAssignments { group, ..OurAssignments::default() };
        assert!(approve_assignments(plan(revoke.clone()), &nothing).is_err());
        assert!(approve_assignments(plan(grant.clone()), &nothing).is_ok());
        let recorded = OurAssignments { recorded: [one.clone()].into(), ..nothing.clone() };
        let excluded = OurAssignments { excluded: [one].into(), ..nothing };
        for ours in [recorded, excluded] {
            assert!(approve_assignments(plan(revoke.clone()), &ours).is_ok());
            let of_nobody = OurAssignments { group: None, ..ours };
            assert!(approve_assignments(plan(revoke.clone()), &of_nobody).is_err());
            assert!(approve_assignments(plan(grant.clone()), &of_nobody).is_err());
        }
    }
}
