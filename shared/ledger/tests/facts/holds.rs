//! Facts about holds, marks and counts of losses.

use crate::world::{World, at, group_id, id, ids, new_user};
use engine::holds::{Loss, Mark};
use planning::GroupId;
use planning::hold::{Held, Hold, HoldCause, HoldId};
use planning::record::PrincipalKind;
use std::collections::BTreeSet;

fn hold(cause: HoldCause, second: i64) -> Hold {
    Hold { id: HoldId::new(&cause, at(second)), cause, since: at(second) }
}

fn groups(numbers: impl IntoIterator<Item = u32>) -> BTreeSet<GroupId> {
    numbers.into_iter().map(group_id).collect()
}

fn held(number: u32, lost: impl IntoIterator<Item = u32>) -> Held {
    Held {
        principal: id(number),
        kind: PrincipalKind::User,
        groups: groups(lost),
        access: BTreeSet::new(),
        approved: false,
    }
}

pub async fn a_hold_reads_back_with_its_principals_in_their_order(world: &World) {
    let hold = hold(HoldCause::Breaker, 100);
    world.holds.hold(&hold, &[held(2, [9]), held(1, [8, 9])]).await.unwrap();
    assert_eq!(world.holds.open_holds().await.unwrap(), std::slice::from_ref(&hold));
    let all = world.holds.held(&hold.id, None, 10).await.unwrap();
    assert_eq!(all, [held(1, [8, 9]), held(2, [9])]);
}

pub async fn holds_are_listed_by_age(world: &World) {
    let (breaker, early) = (hold(HoldCause::Breaker, 200), hold(HoldCause::Assignments, 300));
    let group = hold(HoldCause::Group { group: id(5) }, 100);
    for hold in [&breaker, &early, &group] {
        world.holds.hold(hold, &[held(1, [])]).await.unwrap();
    }
    let open = world.holds.open_holds().await.unwrap();
    assert_eq!(open, [group, breaker, early]);
}

pub async fn a_hold_of_three_thousand_is_read_page_by_page(world: &World) {
    let hold = hold(HoldCause::Assignments, 100);
    let all: Vec<Held> = (0..3_000).map(|number| held(number, [])).collect();
    world.holds.hold(&hold, &all).await.unwrap();
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = world.holds.held(&hold.id, after.as_ref(), 700).await.unwrap();
        assert!(page.len() <= 700);
        let Some(last) = page.last() else { break };
        after = Some(last.principal.clone());
        read.extend(page);
    }
    assert!(read == all, "{} of 3,000 came back", read.len());
}

pub async fn who_is_held_twice_is_held_for_both(world: &World) {
    let hold = hold(HoldCause::Breaker, 100);
    world.holds.hold(&hold, &[held(1, [8])]).await.unwrap();
    world.holds.hold(&hold, &[held(1, [9])]).await.unwrap();
    assert_eq!(world.holds.held(&hold.id, None, 10).await.unwrap(), [held(1, [8, 9])]);
}

pub async fn a_hold_goes_with_its_last_principal(world: &World) {
    let hold = hold(HoldCause::Breaker, 100);
    world.holds.hold(&hold, &[held(1, [8]), held(2, [8])]).await.unwrap();
    world.holds.strike(&hold.id, &ids([1])).await.unwrap();
    assert_eq!(world.holds.open_holds().await.unwrap().len(), 1);
    world.holds.strike(&hold.id, &ids([2])).await.unwrap();
    assert_eq!(world.holds.open_holds().await.unwrap(), []);
}

pub async fn an_approved_assignment_says_so_and_one_that_was_struck_stays_away(world: &World) {
    let hold = hold(HoldCause::Assignments, 100);
    world.holds.hold(&hold, &[held(1, []), held(2, []), held(3, [])]).await.unwrap();
    world.holds.strike(&hold.id, &ids([2])).await.unwrap();
    for number in [1, 2] {
        world.holds.approve_assignment(&hold.id, &id(number)).await.unwrap();
    }
    let all = world.holds.held(&hold.id, None, 10).await.unwrap();
    assert_eq!(all, [Held { approved: true, ..held(1, []) }, held(3, [])]);
}

pub async fn a_hold_marks_the_records_of_its_users(world: &World) {
    let record = new_user(1);
    world.ledger.put_user(&record).await.unwrap();
    world.holds.hold(&hold(HoldCause::Breaker, 100), &[held(1, [8, 9])]).await.unwrap();
    let marked = world.user(1).await;
    assert_eq!((marked.marks.held, marked.version), (groups([8, 9]), 1));
}

pub async fn a_mark_takes_the_place_of_the_one_before(world: &World) {
    world.ledger.put_user(&new_user(1)).await.unwrap();
    world.holds.mark(&id(1), &groups([7, 8, 9]), Mark::Held).await.unwrap();
    world.holds.mark(&id(1), &groups([8]), Mark::Approved).await.unwrap();
    world.holds.mark(&id(1), &groups([9]), Mark::None).await.unwrap();
    let marks = world.user(1).await.marks;
    assert_eq!((marks.held, marks.approved), (groups([7]), groups([8])));
}

pub async fn a_handlers_write_leaves_marks_alone(world: &World) {
    world.ledger.put_user(&new_user(1)).await.unwrap();
    let read = world.user(1).await;
    world.holds.mark(&id(1), &groups([7]), Mark::Held).await.unwrap();
    world.ledger.put_user(&read).await.unwrap();
    assert_eq!(world.user(1).await.marks.held, groups([7]));
}

pub async fn nobody_becomes_known_by_a_mark(world: &World) {
    world.holds.mark(&id(1), &groups([7]), Mark::Held).await.unwrap();
    assert!(world.ledger.users(&ids([1])).await.unwrap().is_empty());
}

pub async fn losses_count_for_ten_minutes_each_kind_by_itself(world: &World) {
    let now = 1_000_000;
    for (loss, second, count) in [
        (Loss::Membership, now - 601, 100),
        (Loss::Membership, now - 500, 3),
        (Loss::Membership, now, 4),
        (Loss::Assignment, now, 50),
    ] {
        world.holds.note_losses(loss, at(second), count).await.unwrap();
    }
    let recent = world.holds.recent_losses(Loss::Membership, at(now)).await.unwrap();
    assert_eq!(recent, 7);
    assert_eq!(world.holds.recent_losses(Loss::Assignment, at(now)).await.unwrap(), 50);
    assert_eq!(world.holds.recent_losses(Loss::Membership, at(now + 700)).await.unwrap(), 0);
}

pub async fn users_are_counted_as_their_objects_come_and_go(world: &World) {
    assert_eq!(world.holds.managed_users().await.unwrap(), 0);
    for number in 0..3 {
        world.ledger.put_user(&new_user(number)).await.unwrap();
    }
    world.ledger.put_user(&world.user(0).await).await.unwrap();
    assert_eq!(world.holds.managed_users().await.unwrap(), 3);
    let mut gone = world.user(1).await;
    gone.principal.user_id = None;
    world.ledger.put_user(&gone).await.unwrap();
    assert_eq!(world.holds.managed_users().await.unwrap(), 2);
}
