//! The plan for one group's object: created, renamed in place. Memberships are planned with the users.

use crate::names;
use crate::plan::{Change, Plan};
use crate::record::{GroupRecord, Record, Standing};
use crate::skipped::{SkipReason, Skipped};
use crate::user_plan::Holder;
use crate::{EntraObjectId, GroupId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A group as Identity Center shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityGroup {
    /// `GroupId`.
    pub group_id: GroupId,
    /// `DisplayName`.
    pub name: String,
    /// `Revision`, where AWS gives one.
    pub revision: Option<String>,
}

/// What Identity Center should hold of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DesiredGroup {
    /// No members, and after the grace period no object.
    Absent,
    /// The object, under this name.
    Present {
        /// The group's display name in Entra ID.
        name: String,
    },
}

/// True if the ledger proves that Identity Center already holds what it should.
pub fn is_in_step(record: &Record<GroupRecord>, desired: &DesiredGroup) -> bool {
    let group = &record.principal;
    !record.dirty
        && group.creating.is_none()
        && match desired {
            DesiredGroup::Absent => group.group_id.is_none() || group.standing.is_tombstone(),
            DesiredGroup::Present { name } => {
                group.standing == Standing::Mirrored && group.name.as_ref() == Some(name)
            }
        }
}

/// Plans a group. `object` is the group in Identity Center if it was read; `holder` who holds the wanted
/// name, if anybody looked; `needed` if another group of ours has the object's name in Entra ID by now.
pub fn plan_group(
    record: &Record<GroupRecord>,
    desired: &DesiredGroup,
    object: Option<&IdentityGroup>,
    holder: Option<&Holder<GroupId>>,
    needed: bool,
) -> Plan {
    let mut plan = Plan::empty(record.id.clone());
    let DesiredGroup::Present { name } = desired else {
        return plan;
    };
    // What another needs is given up even if there is no other name to be had: else that one would wait for as long.
    let aside = object.filter(|_| needed).map(|object| rename(object, names::moving_name(&record.id)));
    if names::is_refused_group_name(name) {
        return skip(plan, SkipReason::GroupNameRefused, aside);
    }
    if object.is_some_and(|object| object.name == *name)
        || (object.is_none() && record.principal.group_id.is_some())
    {
        return plan;
    }
    let mut name = name.clone();
    match holder {
        None | Some(Holder::Nobody) => {}
        Some(Holder::Tombstone { owner, object }) => {
            plan.changes.push(Change::RetireGroup { group: object.clone(), owner: owner.clone() });
        }
        Some(Holder::Living { owner, moving: true }) => {
            plan.waits_for.insert(owner.clone());
            name = names::moving_name(&record.id);
        }
        Some(Holder::Living { moving: false, .. }) => {
            return skip(plan, SkipReason::GroupNameTaken, aside);
        }
        Some(Holder::Foreign) => return skip(plan, SkipReason::GroupAwaitsAdoption, aside),
    }
    match object {
        Some(object) if object.name != name => plan.changes.push(rename(object, name)),
        Some(_) => {}
        None if plan.waits_for.is_empty() => plan.changes.push(Change::CreateGroup { name }),
        None => {}
    }
    plan
}

/// Plans the deletion of a tombstone whose grace period is over: what is left of its members first.
pub fn plan_deletion(
    record: &Record<GroupRecord>,
    object: &IdentityGroup,
    members: &BTreeSet<UserId>,
) -> Plan {
    let mut plan = Plan::empty(record.id.clone());
    let group = object.group_id.clone();
    plan.changes.extend(members.iter().map(|user| Change::RevokeMembership {
        user: user.clone(),
        group: group.clone(),
        membership: None,
    }));
    plan.changes.push(Change::DeleteGroup { group, revision: object.revision.clone() });
    plan
}

/// Which of the groups `nested` in one name all their members, and not only those who changed: whoever is in any group
/// below a new object has to follow. It goes down, and never to one that is among those `above`, too: groups can contain
/// each other.
pub fn named_in_full<'a>(
    nested: impl Iterator<Item = &'a EntraObjectId>,
    above: &BTreeSet<EntraObjectId>,
    is_new: bool,
    above_is_new: bool,
) -> BTreeSet<EntraObjectId> {
    nested.filter(|group| is_new || above_is_new && !above.contains(*group)).cloned().collect()
}

fn rename(object: &IdentityGroup, name: String) -> Change {
    Change::RenameGroup { group: object.group_id.clone(), name, revision: object.revision.clone() }
}

fn skip(mut plan: Plan, why: SkipReason, aside: Option<Change>) -> Plan {
    plan.changes.extend(aside);
    plan.skipped.push(Skipped::Principal { why });
    plan
}

impl GroupRecord {
    /// The object is not in Identity Center any more.
    pub fn object_is_gone(&mut self) {
        self.group_id = None;
        self.name = None;
        self.delta_link = None;
        self.access.object_is_gone();
    }

    /// Notes that the plan was applied in full.
    pub fn settle(&mut self, desired: &DesiredGroup, plan: &Plan, now: Timestamp) {
        self.creating = None;
        self.standing = match (desired, &self.group_id, self.standing) {
            (_, None, _) => Standing::Waiting,
            (DesiredGroup::Absent, Some(_), tombstone @ Standing::Revoked { .. }) => tombstone,
            (DesiredGroup::Absent, Some(_), _) => Standing::Revoked { since: now },
            (DesiredGroup::Present { .. }, Some(_), _) => Standing::Mirrored,
        };
        if let DesiredGroup::Present { name } = desired {
            self.name = plan.is_complete().then(|| name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::{entra_id, group_id};

    fn wanted(name: &str) -> DesiredGroup {
        DesiredGroup::Present { name: name.to_owned() }
    }

    fn unknown() -> Record<GroupRecord> {
        Record::unknown(group_id(1))
    }

    fn object(name: &str) -> IdentityGroup {
        IdentityGroup {
            group_id: GroupId::parse("g-1").unwrap(),
            name: name.to_owned(),
            revision: Some("7".into()),
        }
    }

    fn mirrored() -> Record<GroupRecord> {
        let mut record = unknown();
        record.principal.group_id = Some(GroupId::parse("g-1").unwrap());
        record.principal.standing = Standing::Mirrored;
        record
    }

    #[test]
    fn a_new_group_is_created() {
        let plan = plan_group(&unknown(), &wanted("Admins"), None, Some(&Holder::Nobody), false);
        assert_eq!(plan.changes, [Change::CreateGroup { name: "Admins".into() }]);
    }

    #[test]
    fn a_rename_keeps_the_object() {
        let plan = plan_group(&mirrored(), &wanted("Operators"), Some(&object("Admins")), None, false);
        assert!(
            matches!(&plan.changes[..], [Change::RenameGroup { name, .. }] if name == "Operators"),
            "{plan}"
        );
    }

    #[test]
    fn the_second_group_of_one_name_is_skipped() {
        let holder = Holder::Living { owner: group_id(2), moving: false };
        let plan = plan_group(&unknown(), &wanted("Admins"), None, Some(&holder), false);
        assert!(plan.changes.is_empty());
        assert_eq!(plan.skipped, [Skipped::Principal { why: SkipReason::GroupNameTaken }]);
    }

    #[test]
    fn a_group_that_is_not_ours_waits_for_adoption() {
        let plan = plan_group(&unknown(), &wanted("Admins"), None, Some(&Holder::Foreign), false);
        assert_eq!(plan.skipped, [Skipped::Principal { why: SkipReason::GroupAwaitsAdoption }]);
    }

    #[test]
    fn names_that_swap_go_through_a_temporary_name() {
        let holder = Holder::Living { owner: group_id(2), moving: true };
        let plan = plan_group(&mirrored(), &wanted("B"), Some(&object("A")), Some(&holder), false);
        assert!(
            matches!(&plan.changes[..], [Change::RenameGroup { name, .. }] if name.starts_with("moving-"))
        );
        assert!(!plan.is_complete(), "the plan has to be taken up again once the other has moved");
        let again = plan_group(
            &mirrored(),
            &wanted("B"),
            Some(&object(&names::moving_name(&group_id(1)))),
            Some(&holder),
            false,
        );
        assert!(again.changes.is_empty(), "waiting changes nothing:\n{again}");
    }

    #[test]
    fn doubt_goes_down_from_a_new_object_and_ends_in_groups_that_contain_each_other() {
        let (one, other) = (group_id(1), group_id(2));
        let nested = BTreeSet::from([one.clone(), other.clone()]);
        let above = BTreeSet::from([other]);
        let named = |is_new, above_is_new| named_in_full(nested.iter(), &above, is_new, above_is_new);
        assert_eq!(named(false, false), BTreeSet::new());
        assert_eq!(named(false, true), BTreeSet::from([one]));
        assert_eq!(named(true, false), nested);
    }

    #[test]
    fn a_tombstone_makes_room_for_a_new_group_of_its_name() {
        let old = GroupId::parse("g-9").unwrap();
        let holder = Holder::Tombstone { owner: entra_id(9), object: old.clone() };
        let plan = plan_group(&unknown(), &wanted("Admins"), None, Some(&holder), false);
        assert_eq!(
            plan.changes,
            [
                Change::RetireGroup { group: old, owner: entra_id(9) },
                Change::CreateGroup { name: "Admins".into() }
            ]
        );
    }

    #[test]
    fn a_name_that_another_needs_is_given_up_though_the_new_one_cannot_be_had() {
        let aside = names::moving_name(&group_id(1));
        let holder = Holder::Living { owner: group_id(2), moving: false };
        for (name, holder) in [("B", Some(&Holder::Foreign)), ("B", Some(&holder)), ("\u{0}", None)] {
            let plan = plan_group(&mirrored(), &wanted(name), Some(&object("A")), holder, true);
            assert!(
                matches!(&plan.changes[..], [Change::RenameGroup { name, .. }] if *name == aside),
                "{plan}"
            );
            assert!(!plan.is_complete(), "{plan}");
            let kept = plan_group(&mirrored(), &wanted(name), Some(&object("A")), holder, false);
            assert!(kept.changes.is_empty(), "nobody needs it:\n{kept}");
        }
    }

    #[test]
    fn a_name_that_another_needs_is_given_up_for_the_new_one_where_that_is_free() {
        let plan = plan_group(&mirrored(), &wanted("B"), Some(&object("A")), Some(&Holder::Nobody), true);
        assert!(matches!(&plan.changes[..], [Change::RenameGroup { name, .. }] if name == "B"), "{plan}");
    }
}
