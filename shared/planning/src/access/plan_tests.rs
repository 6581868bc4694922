//! Facts about plans for account assignments, as a ledger and Identity Center would see them.

use super::super::tests::{World, account, assignment, group};
use super::super::{Bindings, Obstacle};
use super::*;
use crate::GroupId;
use crate::access::desired_of_group;
use crate::guard_rail::{OurAssignments, approve_assignments};
use crate::organization::Account;
use proptest::prelude::*;

const FEW: BTreeMap<AccountAssignment, usize> = BTreeMap::new();

type Assignments = BTreeSet<AccountAssignment>;

fn wanted(assignments: &[AccountAssignment]) -> DesiredAssignments {
    let granted = assignments.iter().map(|assignment| (assignment.clone(), BTreeSet::new())).collect();
    DesiredAssignments { granted, ..DesiredAssignments::default() }
}

fn plan(desired: &DesiredAssignments, actual: &Assignments, recorded: &Assignments) -> AssignmentPlan {
    plan_as(Caller::ManagementAccount, desired, actual, recorded)
}

fn plan_as(
    caller: Caller,
    desired: &DesiredAssignments,
    actual: &Assignments,
    recorded: &Assignments,
) -> AssignmentPlan {
    let accounts = World::new("", &[]).tree();
    let circumstances = Circumstances { accounts: &accounts, caller, groups: &FEW };
    plan_assignments(&group(1), desired, actual, recorded, circumstances)
}

fn obstacles(plan: &AssignmentPlan) -> Vec<&'static str> {
    plan.skipped.iter().map(|skipped| skipped.why.metric_name()).collect()
}

/// Identity Center and the ledger after the plan: write-ahead, so that what is begun is recorded.
fn apply(
    plan: AssignmentPlan,
    desired: &DesiredAssignments,
    actual: &mut Assignments,
    recorded: &mut Assignments,
) {
    let ours = OurAssignments {
        group: Some(GroupId::parse("g-1").unwrap()),
        recorded: recorded.clone(),
        excluded: desired.excluded.clone(),
    };
    let approved = approve_assignments(plan, &ours).expect("the guard rail refuses the plan");
    recorded.extend(approved.plan().claimed.iter().cloned());
    for change in &approved.plan().changes {
        match change {
            AssignmentChange::Revoke(assignment) => {
                assert!(actual.remove(assignment), "revoked what is not there");
                recorded.remove(assignment);
            }
            AssignmentChange::Grant(assignment) => {
                assert!(actual.insert(assignment.clone()), "granted what is there");
                recorded.insert(assignment.clone());
            }
        }
    }
}

#[test]
fn revocations_come_before_grants() {
    let there = Assignments::from([assignment(2, 4)]);
    let plan = plan(&wanted(&[assignment(1, 2)]), &there, &there);
    assert_eq!(
        plan.changes,
        [AssignmentChange::Revoke(assignment(2, 4)), AssignmentChange::Grant(assignment(1, 2))]
    );
}

#[test]
fn what_somebody_else_made_stays_and_becomes_ours_where_the_rules_call_for_it() {
    let foreign = Assignments::from([assignment(1, 2), assignment(2, 2)]);
    let plan = plan(&wanted(&[assignment(1, 2)]), &foreign, &Assignments::new());
    assert!(plan.changes.is_empty(), "{plan}");
    assert_eq!(plan.claimed, [assignment(1, 2)].into());
}

#[test]
fn what_a_rule_excepts_goes_whoever_made_it() {
    let foreign = Assignments::from([assignment(1, 2)]);
    let desired = DesiredAssignments { excluded: foreign.clone(), ..DesiredAssignments::default() };
    assert_eq!(
        plan(&desired, &foreign, &Assignments::new()).changes,
        [AssignmentChange::Revoke(assignment(1, 2))]
    );
}

#[test]
fn what_is_in_doubt_is_neither_given_nor_taken() {
    let world = |except: &str| {
        let document = format!("[[grant]]\ngroup='Devs'\npermission_set='View'\naccounts=['all']\n{except}");
        let world = World::new(&document, &[(1, "Devs")]);
        world.with(|access| desired_of_group(access, &group(1), "Devs", &mut Bindings::default()))
    };
    let there = Assignments::from([assignment(2, 2)]);
    let doubtful = plan(&world("except=['payroll']"), &there, &there);
    assert!(doubtful.changes.is_empty(), "{doubtful}");
    assert_eq!(plan(&world(""), &there, &there).changes.len(), 2, "without the doubt the others are given");
}

#[test]
fn access_to_the_management_account_goes_with_the_word_that_allowed_it() {
    let naming = "[[grant]]\ngroup = '(?<account>.+)-(?<permission_set>.+)'\n";
    let world = World::new(naming, &[(1, "management-Admin")]);
    let name = &world.groups[&group(1)];
    let desired = world.with(|access| desired_of_group(access, &group(1), name, &mut Bindings::default()));
    let there = Assignments::from([assignment(1, 1)]);
    let plan = plan(&desired, &there, &there);
    assert_eq!(plan.changes, [AssignmentChange::Revoke(assignment(1, 1))]);
    assert_eq!(obstacles(&plan), ["management_account_not_allowed"]);
}

#[test]
fn the_delegated_administrator_leaves_the_management_account_alone() {
    let there = Assignments::from([assignment(1, 1)]);
    for (desired, actual) in [(wanted(&[]), &there), (wanted(&[assignment(2, 1)]), &Assignments::new())] {
        let plan = plan_as(Caller::DelegatedAdministrator, &desired, actual, actual);
        assert!(plan.changes.is_empty(), "{plan}");
        assert_eq!(obstacles(&plan), ["not_from_delegated_administrator"]);
    }
}

#[test]
fn closed_accounts_and_those_that_left_the_organization_are_skipped() {
    let there = Assignments::from([assignment(1, 5), assignment(1, 9)]);
    let plan = plan(&wanted(&[]), &there, &there);
    assert!(plan.changes.is_empty(), "{plan}");
    assert_eq!(obstacles(&plan), ["account_not_active", "not_in_organization"]);
}

#[test]
fn the_hundred_and_first_group_is_skipped_and_one_that_has_the_assignment_keeps_it() {
    let accounts = World::new("", &[]).tree();
    let groups = BTreeMap::from([(assignment(1, 2), MOST_GROUPS), (assignment(2, 2), MOST_GROUPS - 1)]);
    let circumstances =
        Circumstances { accounts: &accounts, caller: Caller::ManagementAccount, groups: &groups };
    let desired = wanted(&[assignment(1, 2), assignment(2, 2)]);
    let there = Assignments::new();
    let newcomer = plan_assignments(&group(1), &desired, &there, &there, circumstances);
    assert_eq!(newcomer.changes, [AssignmentChange::Grant(assignment(2, 2))]);
    assert_eq!(obstacles(&newcomer), ["too_many_groups"]);
    let there = Assignments::from([assignment(1, 2), assignment(2, 2)]);
    let holder = plan_assignments(&group(1), &desired, &there, &there, circumstances);
    assert_eq!((holder.changes.len(), holder.skipped.len()), (0, 0), "{holder}");
}

#[test]
fn a_plan_can_be_read_and_has_a_digest_of_its_own() {
    let one = plan(&wanted(&[assignment(1, 2)]), &Assignments::new(), &Assignments::new());
    let other = plan(&wanted(&[assignment(1, 4)]), &Assignments::new(), &Assignments::new());
    assert!(one.to_string().contains("\n  + arn:aws:sso:::permissionSet/"), "{one}");
    assert_ne!(one.digest(), other.digest());
    assert!(serde_json::to_string(&one).is_ok(), "the plan cannot be written as JSON");
}

fn any_assignments() -> impl Strategy<Value = Assignments> {
    proptest::collection::btree_set(
        (1u8..4, 1u64..5).prop_map(|(set, account)| assignment(set, account)),
        0..6,
    )
}

proptest! {
    #[test]
    fn a_plan_applied_gives_desired_and_planning_again_is_empty_and_nothing_foreign_goes(
        history in proptest::collection::vec((any_assignments(), any_assignments()), 1..8),
        foreign in any_assignments(),
    ) {
        let (mut actual, mut recorded) = (foreign.clone(), Assignments::new());
        let mut touched = Assignments::new();
        for (granted, excluded) in history {
            let granted: Vec<_> = granted.into_iter().collect();
            let mut desired = wanted(&granted);
            desired.excluded = excluded.into_iter().filter(|one| !granted.contains(one)).collect();
            touched.extend(granted.iter().chain(&desired.excluded).cloned());
            let first = plan(&desired, &actual, &recorded);
            apply(first, &desired, &mut actual, &mut recorded);
            prop_assert!(granted.iter().all(|assignment| actual.contains(assignment)));
            let surplus = actual.iter().filter(|assignment| !granted.contains(assignment));
            prop_assert!(surplus.into_iter().all(|assignment| foreign.contains(assignment)));
            prop_assert!(foreign.difference(&touched).all(|assignment| actual.contains(assignment)));
            let again = plan(&desired, &actual, &recorded);
            prop_assert!(again.changes.is_empty() && again.claimed.is_empty(), "planning again is not empty:\n{}", again);
        }
    }
}

#[test]
fn an_account_that_becomes_active_is_reached_by_the_next_plan() {
    let desired = wanted(&[assignment(1, 5)]);
    let none = Assignments::new();
    assert!(plan(&desired, &none, &none).changes.is_empty());
    let mut world = World::new("", &[]);
    world.accounts[4] = Account { ..account(5, "old", &[]) };
    let accounts = world.tree();
    let circumstances =
        Circumstances { accounts: &accounts, caller: Caller::ManagementAccount, groups: &FEW };
    let again = plan_assignments(&group(1), &desired, &none, &none, circumstances);
    assert_eq!(again.changes, [AssignmentChange::Grant(assignment(1, 5))]);
    assert_eq!(Obstacle::TooManyGroups.metric_name(), "too_many_groups");
}
