//! What a change of rules, accounts or permission sets means for the groups, before any of them is looked at.

use super::plan::{Caller, Circumstances, plan_assignments};
use super::{Access, AccountAssignment, Bindings, DesiredAssignments, crowded, desired_of_group};
use crate::EntraObjectId;
use crate::record::{GroupRecord, Record};
use std::collections::{BTreeMap, BTreeSet};

/// A group that is not as the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupToLookAt {
    /// Which.
    pub group: EntraObjectId,
    /// What it would lose, if the ledger is right about what it has.
    pub lost: BTreeSet<AccountAssignment>,
    /// Of these, what was neither held nor approved yet.
    pub newly_lost: BTreeSet<AccountAssignment>,
}

/// What all groups come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// The groups to look at.
    pub groups: Vec<GroupToLookAt>,
    /// How many account assignments are ours by the ledger.
    pub managed: u64,
    /// Assignments of so many groups that AWS's limit is near or passed.
    pub crowded: BTreeMap<AccountAssignment, usize>,
}

impl Review {
    /// How many account assignments would go.
    pub fn newly_lost(&self) -> u64 {
        self.groups.iter().map(|group| group.newly_lost.len() as u64).sum()
    }
}

/// Reviews the groups that are assigned and stand in Identity Center. `bound` says whom names of rules mean by now.
pub fn review(
    access: &Access<'_>,
    records: &BTreeMap<EntraObjectId, Record<GroupRecord>>,
    bound: &BTreeMap<String, EntraObjectId>,
) -> Review {
    let known_as = records.iter().filter_map(|(id, record)| {
        let known_as = record.principal.access.known_as.clone();
        known_as.map(|name| (id.clone(), name))
    });
    let mut bindings = Bindings::of(bound.clone(), known_as);
    let mut review = Review::default();
    let mut all: BTreeMap<EntraObjectId, DesiredAssignments> = BTreeMap::new();
    for (id, record) in records {
        let group = &record.principal;
        let recorded = group.access.recorded();
        review.managed += recorded.len() as u64;
        let (Some(name), Some(_), true) = (&group.entra_name, &group.group_id, record.assigned) else {
            continue;
        };
        let desired = desired_of_group(access, id, name, &mut bindings);
        // Who calls is found out by the group's handling; here nothing is taken for impossible.
        let few = BTreeMap::new();
        let caller = Caller::ManagementAccount;
        let circumstances = Circumstances { accounts: access.accounts(), caller, groups: &few };
        let plan = plan_assignments(id, &desired, &recorded, &recorded, circumstances);
        if !group.access.is_in_step(&desired) || !plan.changes.is_empty() {
            let lost: BTreeSet<AccountAssignment> = plan.revocations().cloned().collect();
            let marks = &record.marks;
            let is_new = |lost: &&AccountAssignment| {
                !marks.held_access.contains(*lost)
                    && !marks.approved_access.contains(*lost)
                    && !group.access.revoking.contains(*lost)
            };
            let newly_lost = lost.iter().filter(is_new).cloned().collect();
            review.groups.push(GroupToLookAt { group: id.clone(), lost, newly_lost });
        }
        all.insert(id.clone(), desired);
    }
    review.crowded = crowded(&all);
    review
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupId;
    use crate::access::tests::{World, assignment, group};

    const RULES: &str = r#"
        [[grant]]
        group = "Engineers"
        permission_set = "Admin"
        accounts = ["prod", "sandbox"]
    "#;

    fn engineers(made: &[AccountAssignment]) -> Record<GroupRecord> {
        let mut record = Record::<GroupRecord>::unknown(group(1));
        record.assigned = true;
        record.principal.group_id = Some(GroupId::parse("g-1").unwrap());
        record.principal.entra_name = Some("Engineers".to_owned());
        record.principal.access.made = made.iter().cloned().collect();
        record
    }

    fn reviewed(rules: &str, record: Record<GroupRecord>) -> Review {
        let world = World::new(rules, &[]);
        world.with(|access| review(access, &[(group(1), record)].into(), &BTreeMap::new()))
    }

    #[test]
    fn a_group_that_has_what_the_rules_say_is_not_looked_at() {
        let both = [assignment(1, 2), assignment(1, 4)];
        let mut record = engineers(&both);
        let world = World::new(RULES, &[]);
        let desired =
            world.with(|access| desired_of_group(access, &group(1), "Engineers", &mut Bindings::default()));
        record.principal.access.settle(&desired, &both.into());
        let review = reviewed(RULES, record);
        assert_eq!((review.groups, review.managed), (Vec::new(), 2));
    }

    #[test]
    fn what_a_rule_no_longer_gives_is_lost_and_counts_until_it_is_held() {
        let mut record = engineers(&[assignment(1, 2), assignment(1, 3)]);
        let review = reviewed(RULES, record.clone());
        assert_eq!(review.groups[0].lost, [assignment(1, 3)].into());
        assert_eq!(review.newly_lost(), 1);
        record.marks.held_access = [assignment(1, 3)].into();
        let review = reviewed(RULES, record);
        assert_eq!((review.groups.len(), review.newly_lost()), (1, 0));
    }

    #[test]
    fn a_group_that_is_not_assigned_is_left_to_its_own_handling() {
        let record = Record { assigned: false, ..engineers(&[assignment(1, 2)]) };
        assert_eq!(reviewed(RULES, record).groups, Vec::new());
    }
}
