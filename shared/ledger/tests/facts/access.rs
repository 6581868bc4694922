//! Facts about what is remembered of account assignments.

use crate::world::{World, at, id, new_group};
use engine::access::ports::Weighed;
use engine::holds::Mark;
use engine::ports::Cause;
use planning::access::{AccessRecord, AccountAssignment, AssignmentChange, Outstanding};
use planning::digest::Digest;
use planning::hold::{Held, Hold, HoldCause, HoldId};
use planning::ids::AssignmentRequestId;
use planning::record::PrincipalKind;
use std::collections::{BTreeMap, BTreeSet};

fn assignment(account: u64) -> AccountAssignment {
    let permission_set = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
    AccountAssignment {
        permission_set: permission_set.parse().unwrap(),
        account: format!("{account:012}").parse().unwrap(),
    }
}

fn assignments(accounts: impl IntoIterator<Item = u64>) -> BTreeSet<AccountAssignment> {
    accounts.into_iter().map(assignment).collect()
}

pub async fn nothing_is_weighed_before_the_first_time(world: &World) {
    assert_eq!(world.access.weighed().await.unwrap(), None);
    assert_eq!(world.access.bound_names().await.unwrap(), BTreeMap::new());
    assert_eq!(world.access.outstanding().await.unwrap(), (Outstanding::default(), 0));
}

pub async fn what_was_weighed_reads_back(world: &World) {
    for number in 1..3 {
        let weighed = Weighed { digest: Digest::of(&number), assignments: number };
        world.access.store_weighed(&weighed).await.unwrap();
        assert_eq!(world.access.weighed().await.unwrap(), Some(weighed));
    }
}

pub async fn a_name_means_the_group_that_was_first(world: &World) {
    let name = "Engineers \"Ä\" #1";
    assert_eq!(world.access.bind_name(name, &id(1)).await.unwrap(), id(1));
    assert_eq!(world.access.bind_name(name, &id(2)).await.unwrap(), id(1));
    assert_eq!(world.access.bind_name("Auditors", &id(2)).await.unwrap(), id(2));
    let bound = world.access.bound_names().await.unwrap();
    assert_eq!(bound, [(name.to_owned(), id(1)), ("Auditors".to_owned(), id(2))].into());
}

pub async fn an_operator_gives_a_name_to_another_group(world: &World) {
    world.access.bind_name("Engineers", &id(1)).await.unwrap();
    world.access.rebind_name("Engineers", &id(2)).await.unwrap();
    assert_eq!(world.access.bind_name("Engineers", &id(1)).await.unwrap(), id(2));
}

pub async fn a_group_that_is_gone_frees_its_names(world: &World) {
    for (name, group) in [("Engineers", 1), ("Platform", 1), ("Auditors", 2)] {
        world.access.bind_name(name, &id(group)).await.unwrap();
    }
    world.access.release_names(&id(1)).await.unwrap();
    assert_eq!(world.access.bound_names().await.unwrap(), [("Auditors".to_owned(), id(2))].into());
}

pub async fn requests_under_way_read_back(world: &World) {
    let mut outstanding = Outstanding::default();
    let changes: Vec<AssignmentChange> = (1..=14).map(|to| AssignmentChange::Grant(assignment(to))).collect();
    outstanding.take(&id(1), &changes, at(100));
    let request = AssignmentRequestId::parse("7b3c5f0a-0000-4000-8000-000000000001").unwrap();
    outstanding.answered(&id(1), &changes[0], &request);
    world.access.store_outstanding(&outstanding, 0).await.unwrap();
    assert_eq!(world.access.outstanding().await.unwrap(), (outstanding, 1));
}

pub async fn who_changes_an_older_list_of_requests_is_refused(world: &World) {
    let mut first = Outstanding::default();
    first.take(&id(1), &[AssignmentChange::Grant(assignment(1))], at(100));
    world.access.store_outstanding(&first, 0).await.unwrap();
    let mut second = Outstanding::default();
    second.take(&id(2), &[AssignmentChange::Revoke(assignment(2))], at(100));
    for version in [0, 7] {
        let refused = world.access.store_outstanding(&second, version).await.unwrap_err();
        assert_eq!(refused.cause, Cause::Concurrent);
    }
    assert_eq!(world.access.outstanding().await.unwrap(), (first, 1));
    world.access.store_outstanding(&second, 1).await.unwrap();
    assert_eq!(world.access.outstanding().await.unwrap(), (second, 2));
}

pub async fn marks_of_a_group_are_beside_its_record(world: &World) {
    let mut group = new_group(1);
    group.principal.access = AccessRecord { made: assignments(1..=300), ..AccessRecord::default() };
    world.ledger.put_group(&group).await.unwrap();
    world.holds.mark_access(&id(1), &assignments([1, 2]), Mark::Held).await.unwrap();
    world.holds.mark_access(&id(1), &assignments([2]), Mark::Approved).await.unwrap();
    let read = world.group(1).await;
    assert_eq!(read.marks.held_access, assignments([1]));
    assert_eq!(read.marks.approved_access, assignments([2]));
    assert_eq!(read.principal, group.principal);
    world.holds.mark_access(&id(1), &assignments([1, 2]), Mark::None).await.unwrap();
    assert_eq!(world.group(1).await.marks, Default::default());
}

pub async fn a_hold_of_account_assignments_reads_back_and_marks_its_groups(world: &World) {
    world.ledger.put_group(&new_group(1)).await.unwrap();
    let cause = HoldCause::Name { group: id(1) };
    let hold = Hold { id: HoldId::new(&cause, at(100)), cause, since: at(100) };
    let mut held = Held {
        principal: id(1),
        kind: PrincipalKind::Group,
        groups: BTreeSet::new(),
        access: assignments([1]),
        approved: false,
    };
    world.holds.hold(&hold, std::slice::from_ref(&held)).await.unwrap();
    held.access = assignments([2]);
    world.holds.hold(&hold, std::slice::from_ref(&held)).await.unwrap();
    held.access = assignments([1, 2]);
    assert_eq!(world.holds.held(&hold.id, None, 10).await.unwrap(), [held]);
    assert_eq!(world.group(1).await.marks.held_access, assignments([1, 2]));
}
