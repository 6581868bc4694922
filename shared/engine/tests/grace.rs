//! Facts about tombstones: they stand for their grace period, and then what is left of them goes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::agenda::{AgendaEntry, Priority, Reason};
use engine::ports::{Agenda, Cause, Clock};
use engine::sweep::DriftPolicy;
use engine::trigger::{Look, Subject};
use planning::MembershipId;
use world::store::Moment;
use world::{World, groups};

const DAY: i64 = 24 * 60 * 60;

/// Ada and Bob in Engineers and root elsewhere; Engineers was un-assigned.
async fn unassigned() -> (World, Subject, Vec<Subject>) {
    let world = World::new();
    let users = vec![world.user("ada"), world.user("bob")];
    let engineers = world.group("Engineers", &users.iter().collect::<Vec<_>>());
    let root = world.user("root");
    world.assign(&engineers);
    world.assign(&root);
    world.settle().await;
    world.unassign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
    (world, engineers, users)
}

/// What the full sweep does once it finds a tombstone.
async fn remind(world: &World, subject: &Subject) {
    let entry = AgendaEntry {
        due: world.clock.now(),
        priority: Priority::Ordinary,
        subject: subject.clone(),
        reason: Reason::GraceOver,
        look: Look::ReadAnyway,
        expectations: vec![],
        noticed_at: world.clock.now(),
    };
    world.ledger.put(&[entry]).await.unwrap();
    world.drain().await;
}

async fn remind_all(world: &World, engineers: &Subject, users: &[Subject]) {
    remind(world, engineers).await;
    for user in users {
        remind(world, user).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_before_its_grace_period_is_over() {
    let (world, engineers, users) = unassigned().await;
    world.pass(6 * DAY).await;
    remind_all(&world, &engineers, &users).await;
    let state = world.store.state();
    assert_eq!((state.users.len(), state.groups.len()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn after_its_grace_period_a_tombstone_goes_with_what_is_left_of_it() {
    let (world, engineers, users) = unassigned().await;
    {
        // Somebody put Ada back by hand.
        let mut state = world.store.state();
        let user = state.users.keys().next().unwrap().clone();
        let group = state.groups.keys().next().unwrap().clone();
        state.memberships.insert((user, group), MembershipId::parse("by-hand").unwrap());
    }
    world.pass(8 * DAY).await;
    world.reset_calls();
    remind_all(&world, &engineers, &users).await;
    let state = world.store.state();
    assert_eq!((state.users.len(), state.groups.len()), (1, 0));
    assert!(state.writes[0].starts_with("DeleteGroupMembership"), "{:?}", state.writes);
}

#[tokio::test(start_paused = true)]
async fn whoever_came_back_is_not_deleted() {
    let (world, engineers, users) = unassigned().await;
    world.assign(&engineers);
    world.settle().await;
    world.pass(8 * DAY).await;
    remind_all(&world, &engineers, &users).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_deleted_while_a_change_is_told_that_cannot_be_read_yet() {
    let (world, _, users) = unassigned().await;
    world.pass(8 * DAY).await;
    world.notify(&[&users[0]]).await;
    remind(&world, &users[0]).await;
    assert_eq!(world.store.state().users.len(), 3);
    remind(&world, &users[0]).await;
    assert_eq!(world.store.state().users.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn someone_deleted_who_returns_is_created_anew() {
    let (world, engineers, users) = unassigned().await;
    world.pass(8 * DAY).await;
    remind_all(&world, &engineers, &users).await;
    world.assign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_answer_was_lost_is_finished_by_the_next_look() {
    let (world, _, users) = unassigned().await;
    world.pass(8 * DAY).await;
    let lost = (Cause::Unanswered { detail: "time-out".into() }, Moment::After);
    world.store.state().failing.insert("DeleteUser", lost);
    remind(&world, &users[0]).await;
    world.pass(2).await;
    assert_eq!(world.store.state().users.len(), 2);
    assert_eq!(world.queue.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_went_with_a_group_that_could_not_be_created_comes_back_with_it() {
    let world = World::new();
    let ada = world.user("ada");
    let engineers = world.group("Engineers", &[&ada]);
    let root = world.user("root");
    world.hand_made_group("Engineers");
    world.assign(&engineers);
    world.assign(&root);
    world.settle().await;
    assert!(world.user_names().contains("ada"), "a user without the group that awaits adoption");
    world.unassign(&engineers);
    world.settle().await;
    world.sweep_and_settle(DriftPolicy::Report).await;
    world.pass(8 * DAY).await;
    remind(&world, &ada).await;
    assert!(!world.user_names().contains("ada"));
    world.assign(&engineers);
    world.settle().await;
    assert!(world.user_names().contains("ada"));
}
