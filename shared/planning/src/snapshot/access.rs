//! What would be done about groups' account assignments.

use super::planned::{PlannedChange, PrincipalPlan};
use super::world::World;
use super::{AccessSide, UnusableRules};
use crate::EntraObjectId;
use crate::access::{
    Access, AccountAssignment, AssignmentChange, AssignmentPlan, Bindings, Circumstances, DesiredAssignments,
    HeldAssignment, desired_of_group, plan_assignments,
};
use crate::rules::{Position, Rules};
use std::collections::{BTreeMap, BTreeSet};

/// The rules, and what of them is used while groups are looked at one after another.
pub(super) struct Grants<'a> {
    side: &'a AccessSide,
    rules: Rules,
    crowds: BTreeMap<AccountAssignment, usize>,
}

/// What one group should have, and what would be done for it.
pub(super) struct GroupAccess {
    pub(super) desired: DesiredAssignments,
    pub(super) actual: BTreeSet<AccountAssignment>,
    pub(super) plan: AssignmentPlan,
    /// What the guard rail holds back.
    held_back: Vec<AssignmentChange>,
}

impl<'a> Grants<'a> {
    pub(super) fn of(side: &'a AccessSide) -> Result<Self, UnusableRules> {
        let mut crowds = BTreeMap::new();
        for assignment in side.of_groups.values().flatten() {
            *crowds.entry(assignment.clone()).or_insert(0) += 1;
        }
        Ok(Self { side, rules: side.read_rules()?, crowds })
    }

    /// What every group should have, and has.
    pub(super) fn groups<'w>(&self, world: &World<'w>) -> BTreeMap<&'w EntraObjectId, GroupAccess> {
        let access = Access::new(&self.rules, &self.side.accounts, &self.side.permission_sets);
        let mut bindings = self.side.bindings.clone();
        let groups = world.candidate_groups().into_iter();
        groups.map(|group| (group, self.group(world, &access, group, &mut bindings))).collect()
    }

    fn group(
        &self,
        world: &World<'_>,
        access: &Access<'_>,
        group: &EntraObjectId,
        bindings: &mut Bindings,
    ) -> GroupAccess {
        let record = world.group_record(group);
        let desired = match world.entra_group(group).filter(|_| record.assigned) {
            Some(read) => desired_of_group(access, group, &read.name, bindings),
            None => DesiredAssignments::default(),
        };
        let object = record.principal.group_id.as_ref().filter(|object| world.group(object).is_some());
        let actual = object.and_then(|object| self.side.of_groups.get(object)).cloned().unwrap_or_default();
        let recorded = self.side.recorded.get(group).cloned().unwrap_or_default();
        let circumstances =
            Circumstances { accounts: &self.side.accounts, caller: self.side.caller, groups: &self.crowds };
        let plan = plan_assignments(group, &desired, &actual, &recorded, circumstances);
        let held_back = plan.changes.iter().filter(|it| record.marks.held_access.contains(it.assignment()));
        let held_back: Vec<AssignmentChange> = held_back.cloned().collect();
        let plan = plan.without(&record.marks.held_access);
        GroupAccess { desired, actual, plan, held_back }
    }
}

impl GroupAccess {
    /// Adds what is done about the assignments: what is taken away before all else of the group's plan.
    pub(super) fn add_to(&self, world: &World<'_>, outcome: &mut PrincipalPlan) {
        let mut first = Vec::new();
        for change in &self.plan.changes {
            match change {
                AssignmentChange::Revoke(assignment) => {
                    let change =
                        PlannedChange::RevokeAssignment { assignment: world.named_assignment(assignment) };
                    let is_excepted = self.desired.excluded.contains(assignment);
                    let reason = if is_excepted { "a rule excepts it" } else { "no rule calls for it" };
                    first.push((change, reason.to_owned()));
                }
                AssignmentChange::Grant(assignment) => {
                    let change =
                        PlannedChange::GrantAssignment { assignment: world.named_assignment(assignment) };
                    outcome.changes.push((change, self.reason(assignment)));
                }
            }
        }
        outcome.changes.splice(0..0, first);
        for skipped in &self.plan.skipped {
            let what = skipped.assignment.as_ref().map(|it| format!(" {}", world.named_assignment(it)));
            outcome.skipped.push(format!("skipped{}: {}", what.unwrap_or_default(), skipped.why));
        }
        for change in &self.held_back {
            let sign = if matches!(change, AssignmentChange::Revoke(_)) { '-' } else { '+' };
            let assignment = world.named_assignment(change.assignment());
            outcome.held.push(format!("{sign} {assignment}, until an operator decides"));
        }
        for HeldAssignment { assignment, because } in &self.plan.held {
            let assignment = world.named_assignment(assignment);
            outcome.held.push(format!("+ {assignment}, until an operator approves: {because}"));
        }
    }

    /// Where the rules stand that call for the assignment.
    pub(super) fn rules_of(&self, assignment: &AccountAssignment) -> Vec<Position> {
        self.desired.granted.get(assignment).into_iter().flatten().copied().collect()
    }

    fn reason(&self, assignment: &AccountAssignment) -> String {
        let at: Vec<String> = self.rules_of(assignment).iter().map(ToString::to_string).collect();
        format!("rule at {}", at.join(", "))
    }
}
