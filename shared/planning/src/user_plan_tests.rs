//! Facts about user plans, in a world of one user and three groups, and as properties.

use super::*;
use crate::attributes::UserAttribute::*;
use crate::desired::tests::entra_id;
use crate::guard_rail::{self, Ours};
use crate::mapping::MappingSettings;
use crate::scope::OutOfScope;
use proptest::prelude::*;

fn group(number: u8) -> GroupId {
    GroupId::parse(&format!("g-{number}")).unwrap()
}

fn groups(numbers: impl IntoIterator<Item = u8>) -> BTreeSet<GroupId> {
    numbers.into_iter().map(group).collect()
}

fn user_id() -> UserId {
    UserId::parse("u-1").unwrap()
}

fn attributes(user_name: &str, title: &str) -> UserAttributes {
    [
        (UserName, user_name),
        (DisplayName, "Ada"),
        (GivenName, "Ada"),
        (FamilyName, "L"),
        (Email, user_name),
        (Title, title),
    ]
    .map(|(attribute, value)| (attribute, value.to_owned()))
    .into_iter()
    .collect()
}

fn present(user_name: &str, title: &str, groups: BTreeSet<GroupId>) -> DesiredUser {
    DesiredUser::Present { attributes: Ok(attributes(user_name, title)), left_out: vec![], groups }
}

fn absent() -> DesiredUser {
    DesiredUser::Absent(OutOfScope::Disabled)
}

fn managed() -> BTreeSet<UserAttribute> {
    MappingSettings::default().managed()
}

fn unknown() -> Record<UserRecord> {
    Record::unknown(entra_id(1))
}

/// One user in Identity Center, applied to as AWS would.
#[derive(Debug, Clone, Default, PartialEq)]
struct Store {
    user: Option<UserAttributes>,
    memberships: BTreeMap<GroupId, MembershipId>,
}

impl Store {
    fn object(&self) -> Option<IdentityUser> {
        let attributes = self.user.clone()?;
        Some(IdentityUser { user_id: user_id(), attributes, revision: None, is_disabled: false })
    }

    fn apply(&mut self, plan: &Plan, record: &mut UserRecord) {
        for change in &plan.changes {
            match change {
                Change::RevokeMembership { group, .. } => {
                    self.memberships.remove(group);
                    record.memberships.remove(group);
                }
                Change::CreateUser { attributes } => {
                    assert!(self.user.is_none(), "created twice");
                    self.user = Some(attributes.clone());
                    record.user_id = Some(user_id());
                }
                Change::UpdateUser { attributes, changed, .. } => {
                    let user = self.user.as_mut().unwrap();
                    for attribute in changed {
                        user.set(*attribute, attributes.get(*attribute).unwrap_or_default());
                    }
                }
                Change::GrantMembership { group } => {
                    let membership = MembershipId::parse(&format!("m-{group}")).unwrap();
                    self.memberships.insert(group.clone(), membership.clone());
                    record.memberships.insert(group.clone(), membership);
                }
                other => panic!("unexpected change {other}"),
            }
        }
    }

    /// Reads what planning asks for, plans, approves, applies and settles; gives back the plan.
    fn handle(&mut self, record: &mut Record<UserRecord>, desired: &DesiredUser) -> Plan {
        let reads = reads(record, desired, false);
        let object = if reads.object { self.object() } else { None };
        if reads.object && object.is_none() {
            record.principal.object_is_gone();
        }
        if reads.memberships {
            record.principal.correct_memberships(&self.memberships, desired);
        }
        let plan = plan_user(record, desired, object.as_ref(), &UserHolders::default(), &managed());
        let plan = guard_rail::approve(plan, &Ours::of_user(&record.principal)).unwrap().plan().clone();
        self.apply(&plan, &mut record.principal);
        record.principal.settle(desired, &plan, Timestamp::UNIX_EPOCH);
        record.dirty = false;
        plan
    }
}

#[test]
fn a_user_is_created_before_its_memberships_are_granted() {
    let plan =
        plan_user(&unknown(), &present("ada", "", groups([1])), None, &UserHolders::default(), &managed());
    assert!(
        matches!(plan.changes[..], [Change::CreateUser { .. }, Change::GrantMembership { .. }]),
        "{plan}"
    );
}

#[test]
fn removals_come_before_grants() {
    let (mut store, mut record) = (Store::default(), unknown());
    let _ = store.handle(&mut record, &present("ada", "", groups([1, 2])));
    let plan = store.handle(&mut record, &present("ada", "", groups([2, 3])));
    assert!(
        matches!(plan.changes[..], [Change::RevokeMembership { .. }, Change::GrantMembership { .. }]),
        "{plan}"
    );
}

#[test]
fn only_changed_attributes_are_updated_and_lost_ones_are_removed() {
    let (mut store, mut record) = (Store::default(), unknown());
    let _ = store.handle(&mut record, &present("ada", "Engineer", groups([])));
    let plan = store.handle(&mut record, &present("ada", "", groups([])));
    let [Change::UpdateUser { changed, .. }] = &plan.changes[..] else { panic!("{plan}") };
    assert_eq!(*changed, BTreeSet::from([Title]));
    assert_eq!(store.user.unwrap().get(Title), None);
}

#[test]
fn a_clean_record_of_the_same_state_needs_no_look() {
    let (mut store, mut record) = (Store::default(), unknown());
    let desired = present("ada", "", groups([1]));
    let _ = store.handle(&mut record, &desired);
    assert!(is_in_step(&record, &desired));
    record.dirty = true;
    assert!(!is_in_step(&record, &desired), "a dirty record proves nothing");
}

#[test]
fn a_disabled_user_loses_every_membership_and_keeps_the_object() {
    let (mut store, mut record) = (Store::default(), unknown());
    let _ = store.handle(&mut record, &present("ada", "", groups([1, 2])));
    let _ = store.handle(&mut record, &absent());
    assert!(store.memberships.is_empty());
    assert!(store.user.is_some());
    assert!(record.principal.standing.is_tombstone());
}

#[test]
fn a_user_who_comes_back_keeps_the_id() {
    let (mut store, mut record) = (Store::default(), unknown());
    let desired = present("ada", "", groups([1]));
    let _ = store.handle(&mut record, &desired);
    let _ = store.handle(&mut record, &absent());
    let plan = store.handle(&mut record, &desired);
    assert_eq!(plan.changes, [Change::GrantMembership { group: group(1) }]);
    assert_eq!(record.principal.user_id, Some(user_id()));
}

#[test]
fn someone_disabled_before_they_were_created_is_not_created() {
    let plan = plan_user(&unknown(), &absent(), None, &UserHolders::default(), &managed());
    assert!(plan.changes.is_empty(), "{plan}");
}

#[test]
fn a_user_name_that_is_not_ours_waits_for_adoption() {
    let holders = UserHolders {
        user_name: Some(Holder::Foreign),
        email: Some(Holder::Foreign),
        ..UserHolders::default()
    };
    let plan = plan_user(&unknown(), &present("ada", "", groups([1])), None, &holders, &managed());
    assert!(plan.changes.is_empty(), "{plan}");
    assert_eq!(plan.skipped, [Skipped::Principal { why: SkipReason::UserAwaitsAdoption }]);
}

#[test]
fn a_rehire_gets_the_user_name_of_the_tombstone() {
    let tombstone = Holder::Tombstone { owner: entra_id(9), object: UserId::parse("u-9").unwrap() };
    let holders =
        UserHolders { user_name: Some(tombstone.clone()), email: Some(tombstone), ..UserHolders::default() };
    let plan = plan_user(&unknown(), &present("ada", "", groups([])), None, &holders, &managed());
    assert!(matches!(plan.changes[..], [Change::RetireUser { .. }, Change::CreateUser { .. }]), "{plan}");
}

#[test]
fn an_email_that_is_taken_stops_nothing_else() {
    let (mut store, mut record) = (Store::default(), unknown());
    let _ = store.handle(&mut record, &present("ada", "", groups([1])));
    let holders = UserHolders { email: Some(Holder::Foreign), ..UserHolders::default() };
    let desired = present("ada2", "Boss", groups([2]));
    let plan = plan_user(&record, &desired, store.object().as_ref(), &holders, &managed());
    assert!(!plan.is_complete());
    store.apply(&plan, &mut record.principal);
    let user = store.user.unwrap();
    assert_eq!(
        (user.get(UserName), user.get(Email), user.get(Title)),
        (Some("ada2"), Some("ada"), Some("Boss"))
    );
    assert_eq!(store.memberships.keys().cloned().collect::<BTreeSet<_>>(), groups([2]));
}

#[test]
fn user_names_that_swap_go_through_a_temporary_name() {
    let (mut store, mut record) = (Store::default(), unknown());
    let _ = store.handle(&mut record, &present("ada", "", groups([])));
    let holders = UserHolders {
        user_name: Some(Holder::Living { owner: entra_id(2), moving: true }),
        email: Some(Holder::Living { owner: entra_id(2), moving: true }),
        ..UserHolders::default()
    };
    let plan =
        plan_user(&record, &present("bob", "", groups([])), store.object().as_ref(), &holders, &managed());
    store.apply(&plan, &mut record.principal);
    assert!(store.user.as_ref().unwrap().get(UserName).unwrap().starts_with("moving-"));
    record.principal.settle(&present("bob", "", groups([])), &plan, Timestamp::UNIX_EPOCH);
    let plan = store.handle(&mut record, &present("bob", "", groups([])));
    assert_eq!(plan.changes.len(), 1, "once the name is free it is taken:\n{plan}");
    assert_eq!(store.user.unwrap().get(UserName), Some("bob"));
}

#[test]
fn a_name_in_other_letters_is_needed_and_a_title_never_is() {
    let object = IdentityUser {
        user_id: user_id(),
        attributes: attributes("ada", "Boss"),
        revision: None,
        is_disabled: false,
    };
    assert_eq!(needed_by(&attributes("ADA", "Boss"), &object), BTreeSet::from([UserName, Email]));
    assert_eq!(needed_by(&attributes("bob", "Boss"), &object), BTreeSet::new());
}

#[test]
fn a_user_name_that_another_needs_is_given_up_though_the_new_one_cannot_be_had() {
    let (mut store, mut record) = (Store::default(), unknown());
    let _ = store.handle(&mut record, &present("ada", "", groups([])));
    let holders = UserHolders {
        user_name: Some(Holder::Foreign),
        email: Some(Holder::Foreign),
        needed: BTreeSet::from([UserName]),
    };
    let desired = present("bob", "", groups([]));
    let plan = plan_user(&record, &desired, store.object().as_ref(), &holders, &managed());
    assert!(!plan.is_complete(), "{plan}");
    store.apply(&plan, &mut record.principal);
    let user = store.user.clone().unwrap();
    assert_eq!(user.get(UserName), Some(names::moving_name(&record.id).as_str()));
    assert_eq!(user.get(Email), Some("ada"), "nobody needs the address");
    let holders = UserHolders { needed: BTreeSet::new(), ..holders };
    let again = plan_user(&record, &desired, store.object().as_ref(), &holders, &managed());
    assert!(again.changes.is_empty(), "until the new one is free there is nothing more to do:\n{again}");
}

#[test]
fn a_membership_that_was_begun_and_never_answered_is_ours_to_revoke() {
    let (mut store, mut record) = (Store::default(), unknown());
    let _ = store.handle(&mut record, &present("ada", "", groups([])));
    record.principal.granting = groups([1]);
    store.memberships.insert(group(1), MembershipId::parse("m-1").unwrap());
    record.dirty = true;
    let _ = store.handle(&mut record, &absent());
    assert!(store.memberships.is_empty());
}

fn any_desired() -> impl Strategy<Value = DesiredUser> {
    let groups = proptest::collection::btree_set(0u8..5, 0..5).prop_map(groups);
    prop_oneof![
        1 => Just(absent()),
        4 => ("[a-c]", "[a-b]?", groups).prop_map(|(name, title, groups)| present(&name, &title, groups)),
    ]
}

proptest! {
    #[test]
    fn a_plan_applied_gives_desired_state_and_planning_again_is_empty(
        history in proptest::collection::vec((any_desired(), any::<bool>()), 1..12),
    ) {
        let (mut store, mut record) = (Store::default(), unknown());
        for (desired, dirty) in history {
            record.dirty = dirty;
            let _ = store.handle(&mut record, &desired);
            prop_assert!(is_in_step(&record, &desired), "not in step: {record:?}");
            match &desired {
                DesiredUser::Absent(_) => prop_assert!(store.memberships.is_empty()),
                DesiredUser::Present { attributes, groups, .. } => {
                    prop_assert_eq!(store.user.as_ref(), attributes.as_ref().ok());
                    prop_assert_eq!(&store.memberships.keys().cloned().collect::<BTreeSet<_>>(), groups);
                }
            }
            record.dirty = true;
            let again = store.handle(&mut record, &desired);
            prop_assert!(again.changes.is_empty(), "planning again is not empty:\n{}", again);
        }
    }

    #[test]
    fn a_plan_takes_nothing_away_from_whom_may_revoke_clears(
        written in proptest::collection::btree_set(0u8..6, 0..5),
        granting in proptest::collection::btree_set(0u8..6, 0..3),
        held in proptest::collection::btree_set(0u8..6, 0..3),
        found in proptest::collection::btree_set(0u8..6, 0..6),
        (desired, is_read, is_known, in_scope) in (any_desired(), any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let membership = |group: &GroupId| MembershipId::parse(&format!("m-{group}")).unwrap();
        let with_ids = |numbers| groups(numbers).into_iter().map(|group| (group.clone(), membership(&group)));
        let desired = if in_scope { desired } else { DesiredUser::Absent(OutOfScope::NotAssigned) };
        let mut record = unknown();
        record.principal.user_id = is_known.then(user_id);
        record.principal.memberships = with_ids(written).collect();
        record.principal.granting = groups(granting);
        record.marks.held = groups(held);
        let may = may_revoke(&record, &desired);
        // A creation that was never answered may be found to have taken effect.
        record.principal.user_id = Some(user_id());
        if is_read {
            record.principal.correct_memberships(&with_ids(found).collect(), &desired);
        }
        let plan = plan_user(&record, &desired, None, &UserHolders::default(), &managed());
        let revokes = plan.changes.iter().any(|change| matches!(change, Change::RevokeMembership { .. }));
        prop_assert!(may || !revokes, "it was cleared, and the plan is:\n{}", plan);
        if !is_read {
            prop_assert_eq!(may, revokes, "nothing was read that could tell more:\n{}", plan);
        }
    }

    #[test]
    fn memberships_that_are_not_ours_are_never_touched(
        history in proptest::collection::vec((any_desired(), any::<bool>()), 1..12),
        foreign in proptest::collection::btree_set(10u8..15, 1..4),
    ) {
        let (mut store, mut record) = (Store::default(), unknown());
        for number in &foreign {
            store.memberships.insert(group(*number), MembershipId::parse("m-foreign").unwrap());
        }
        for (desired, dirty) in history {
            record.dirty = dirty;
            let _ = store.handle(&mut record, &desired);
            prop_assert!(foreign.iter().all(|number| store.memberships.contains_key(&group(*number))));
        }
    }
}
