//! Facts about bulk revocations: what is held, what never is, and what becomes of a decision.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::holds::{HoldDecisions, Holds, all_held};
use engine::ports::{Agenda, Clock};
use engine::trigger::Subject;
use planning::attributes::UserAttribute;
use planning::hold::{Held, Hold, HoldCause, HoldId};
use planning::record::PrincipalKind;
use planning::{EntraObjectId, GroupId};
use std::collections::BTreeSet;
use std::sync::Arc;
use world::World;

/// So many people in the assigned group Everyone, mirrored, beside an assigned group of one.
async fn everyone(count: usize) -> (World, Subject, Vec<Subject>) {
    let world = World::new();
    let users: Vec<Subject> = (0..count).map(|number| world.user(&format!("user{number}"))).collect();
    let everyone = world.group("Everyone", &users.iter().collect::<Vec<_>>());
    let root = world.user("root");
    let other = world.group("Other", &[&root]);
    world.assign(&everyone);
    world.assign(&other);
    world.settle().await;
    assert_eq!(world.held()["Everyone"].len(), count);
    (world, everyone, users)
}

async fn open(world: &World) -> Vec<Hold> {
    world.ledger.open_holds().await.unwrap()
}

async fn only_hold(world: &World) -> Hold {
    let mut holds = open(world).await;
    assert_eq!(holds.len(), 1, "{holds:?}");
    holds.remove(0)
}

fn decisions(world: &World) -> HoldDecisions {
    HoldDecisions {
        holds: Arc::new(world.ledger.clone()),
        agenda: Arc::new(world.ledger.clone()),
        clock: world.clock.clone(),
    }
}

async fn settle_all(world: &World) {
    world.settle().await;
    for _ in 0..4 {
        world.pass(61).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unassigned_group_of_five_hundred_is_held_through_unrelated_notifications() {
    let (world, everyone, users) = everyone(500).await;
    world.unassign(&everyone);
    settle_all(&world).await;
    let hold = only_hold(&world).await;
    assert_eq!(all_held(&world.ledger, &hold.id).await.unwrap().len(), 500);
    world.change(&users[7], |user| user.job_title = Some("Engineer".into()));
    world.notify(&users[..20].iter().collect::<Vec<_>>()).await;
    settle_all(&world).await;
    assert_eq!(world.held()["Everyone"].len(), 500);
    assert_eq!(only_hold(&world).await, hold);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_disabled_or_deleted_during_a_hold_loses_access_at_once() {
    let (world, everyone, users) = everyone(300).await;
    world.unassign(&everyone);
    settle_all(&world).await;
    world.change(&users[0], |user| user.account_enabled = false);
    world.entra.state().users.remove(&users[1].id);
    world.notify(&[&users[0], &users[1]]).await;
    world.drain().await;
    assert_eq!(world.held()["Everyone"].len(), 298);
}

#[tokio::test(start_paused = true)]
async fn whoever_a_hold_keeps_gives_up_a_name_that_is_somebody_elses_by_now() {
    let (world, everyone, users) = everyone(300).await;
    world.assign(&users[1]);
    users.iter().for_each(|user| world.entra.leave(&everyone.id, user.clone()));
    world.notify(&[&everyone]).await;
    settle_all(&world).await;
    let name_of = |user: &Subject| world.entra.state().users[&user.id].user_principal_name.clone();
    let (first, second) = (name_of(&users[0]), name_of(&users[1]));
    for (user, name) in [(&users[0], &second), (&users[1], &first)] {
        world.change(user, |user| (user.user_principal_name, user.mail) = (name.clone(), Some(name.clone())));
    }
    let object = world.user_id(&users[1]).await;
    world.notify(&[&users[1]]).await;
    settle_all(&world).await;
    assert_eq!(world.held()["Everyone"].len(), 300, "nobody lost access");
    let now_named = world.store.state().users[&object].get(UserAttribute::UserName).map(str::to_owned);
    assert_eq!(now_named, Some(first));
}

#[tokio::test(start_paused = true)]
async fn a_lone_leaver_during_a_hold_is_not_held() {
    let (world, everyone, users) = everyone(300).await;
    let side = world.group("Side", &[&users[0], &users[1], &users[2]]);
    world.assign(&side);
    world.settle().await;
    world.unassign(&everyone);
    settle_all(&world).await;
    world.entra.leave(&side.id, users[0].clone());
    world.notify(&[&side]).await;
    world.drain().await;
    let held = world.held();
    assert_eq!((held["Side"].len(), held["Everyone"].len()), (2, 300));
}

#[tokio::test(start_paused = true)]
async fn grants_go_on_during_a_hold() {
    let (world, everyone, users) = everyone(300).await;
    let side = world.group("Side", &[&users[1]]);
    world.assign(&side);
    world.settle().await;
    world.unassign(&everyone);
    settle_all(&world).await;
    world.entra.join(&side.id, users[0].clone());
    world.notify(&[&side]).await;
    world.drain().await;
    assert_eq!(world.held()["Side"].len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_new_is_let_into_a_group_whose_loss_is_held() {
    let (world, everyone, _) = everyone(300).await;
    world.unassign(&everyone);
    settle_all(&world).await;
    let late = world.user("late");
    world.assign(&late);
    world.entra.join(&everyone.id, late.clone());
    world.notify(&[&everyone, &late]).await;
    settle_all(&world).await;
    assert_eq!(world.held()["Everyone"].len(), 300, "Entra ID does not call for it");
}

#[tokio::test(start_paused = true)]
async fn an_approved_layoff_of_two_thousand_goes_through_without_the_breaker() {
    let (world, everyone, _) = everyone(2_000).await;
    world.unassign(&everyone);
    settle_all(&world).await;
    let hold = only_hold(&world).await;
    assert_eq!(decisions(&world).approve(&hold, None).await.unwrap(), 2_000);
    settle_all(&world).await;
    assert_eq!(world.held()["Everyone"].len(), 0);
    assert!(open(&world).await.is_empty(), "{:?}", open(&world).await);
}

#[tokio::test(start_paused = true)]
async fn what_was_approved_is_done_only_as_far_as_it_is_still_valid() {
    let (world, everyone, users) = everyone(300).await;
    let side = world.group("Side", &[&users[0]]);
    world.assign(&side);
    world.unassign(&everyone);
    settle_all(&world).await;
    let hold = only_hold(&world).await;
    world.assign(&everyone);
    settle_all(&world).await;
    decisions(&world).approve(&hold, None).await.unwrap();
    settle_all(&world).await;
    assert_eq!(world.held()["Everyone"].len(), 300, "it is assigned again");
}

#[tokio::test(start_paused = true)]
async fn one_principal_of_a_hold_can_be_approved_alone() {
    let (world, everyone, users) = everyone(300).await;
    world.unassign(&everyone);
    settle_all(&world).await;
    let hold = only_hold(&world).await;
    assert_eq!(decisions(&world).approve(&hold, Some(&users[5].id)).await.unwrap(), 1);
    settle_all(&world).await;
    assert_eq!(world.held()["Everyone"].len(), 299);
    assert_eq!(all_held(&world.ledger, &hold.id).await.unwrap().len(), 299);
}

#[tokio::test(start_paused = true)]
async fn what_was_discarded_stays_and_is_not_asked_about_again() {
    let (world, everyone, users) = everyone(300).await;
    world.unassign(&everyone);
    settle_all(&world).await;
    let hold = only_hold(&world).await;
    decisions(&world).discard(&hold, None).await.unwrap();
    world.notify(&users.iter().take(50).collect::<Vec<_>>()).await;
    settle_all(&world).await;
    assert_eq!(world.held()["Everyone"].len(), 300);
    assert!(open(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_of_the_poll_is_held_and_passes_when_the_answer_is_complete_again() {
    let (world, everyone, _) = everyone(3).await;
    let assigned = std::mem::take(&mut world.entra.state().assigned);
    settle_all(&world).await;
    assert_eq!(only_hold(&world).await.cause, HoldCause::Assignments);
    assert_eq!(world.held()["Everyone"].len(), 3);
    world.entra.state().assigned = assigned;
    settle_all(&world).await;
    assert!(open(&world).await.is_empty());
    let _ = everyone;
}

#[tokio::test(start_paused = true)]
async fn an_approved_loss_of_all_assignments_is_carried_out_by_the_next_poll() {
    let (world, _, _) = everyone(3).await;
    world.entra.state().assigned.clear();
    settle_all(&world).await;
    let hold = only_hold(&world).await;
    assert_eq!(decisions(&world).approve(&hold, None).await.unwrap(), 2);
    settle_all(&world).await;
    assert_eq!(world.held()["Everyone"].len(), 0);
    assert!(open(&world).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_emptied_is_held_if_it_had_more_than_five_members() {
    for (members, left) in [(5, 0), (6, 6)] {
        let (world, everyone, users) = everyone(members).await;
        users.iter().for_each(|user| world.entra.leave(&everyone.id, user.clone()));
        world.notify(&[&everyone]).await;
        world.drain().await;
        assert_eq!(world.held()["Everyone"].len(), left, "a group of {members}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_hundred_groups_that_lose_twenty_each_trip_the_breaker() {
    let world = World::new();
    let mut left = Vec::new();
    for number in 0..200 {
        let users: Vec<Subject> = (0..22).map(|user| world.user(&format!("u{number}x{user}"))).collect();
        let group = world.group(&format!("Group {number}"), &users.iter().collect::<Vec<_>>());
        world.assign(&group);
        left.push((group, users));
    }
    world.settle().await;
    let before: usize = world.held().values().map(|members| members.len()).sum();
    assert_eq!(before, 4_400);
    for (group, users) in &left {
        users[..20].iter().for_each(|user| world.entra.leave(&group.id, user.clone()));
        world.notify(&[group]).await;
    }
    world.drain().await;
    let after: usize = world.held().values().map(|members| members.len()).sum();
    assert_eq!(before - after, 250, "250 within ten minutes, and no more");
    let hold = only_hold(&world).await;
    assert_eq!(hold.cause, HoldCause::Breaker);
    decisions(&world).approve(&hold, None).await.unwrap();
    settle_all(&world).await;
    let after: usize = world.held().values().map(|members| members.len()).sum();
    assert_eq!(after, 400);
}

#[tokio::test(start_paused = true)]
async fn a_member_of_an_unassigned_group_keeps_access_until_the_group_was_weighed() {
    let (world, everyone, users) = everyone(300).await;
    world.unassign(&everyone);
    for _ in 0..2 {
        world.poll.run().await.unwrap();
    }
    // The group is on the agenda; a member's own notification comes first.
    world.notify(&[&users[0]]).await;
    assert!(world.handle_batch().await);
    assert_eq!(world.held()["Everyone"].len(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_hold_of_a_hundred_thousand_is_listed_and_approved() {
    let world = World::new();
    let hold = Hold {
        id: HoldId::new(&HoldCause::Breaker, world.clock.now()),
        cause: HoldCause::Breaker,
        since: world.clock.now(),
    };
    let held = |number| Held {
        principal: EntraObjectId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap(),
        kind: PrincipalKind::User,
        groups: BTreeSet::from([GroupId::parse("g-1").unwrap()]),
        access: BTreeSet::new(),
        approved: false,
    };
    let all: Vec<Held> = (0..100_000).map(held).collect();
    world.ledger.hold(&hold, &all).await.unwrap();
    assert!(all_held(&world.ledger, &hold.id).await.unwrap() == all);
    assert_eq!(decisions(&world).approve(&hold, None).await.unwrap(), 100_000);
    assert!(open(&world).await.is_empty());
    assert_eq!(world.ledger.due(world.clock.now(), usize::MAX).await.unwrap().ready.len(), 100_000);
}
