//! Facts about the mirror in a small world.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::ports::Cause;
use engine::trigger::{Expectation, Look, Subject};
use planning::attributes::UserAttribute;
use world::store::Moment;
use world::{World, groups};

/// Ada and Bob in the assigned group Engineers, mirrored.
async fn engineers() -> (World, Subject, Subject, Subject) {
    let world = World::new();
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let engineers = world.group("Engineers", &[&ada, &bob]);
    world.assign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    world.reset_calls();
    (world, engineers, ada, bob)
}

#[tokio::test(start_paused = true)]
async fn an_assigned_group_appears_with_its_members() {
    engineers().await;
}

#[tokio::test(start_paused = true)]
async fn one_new_member_costs_two_graph_round_trips_and_at_most_four_store_calls() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.notify(&[&engineers]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
    assert_eq!(world.graph_calls(), 2);
    assert!(world.store_calls() <= 4, "{:?}", world.store.state().calls);
}

#[tokio::test(start_paused = true)]
async fn one_member_less_costs_two_graph_round_trips_and_one_store_call() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.leave(&engineers.id, ada);
    world.notify(&[&engineers]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
    assert_eq!((world.graph_calls(), world.store_calls()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_not_mirrored_costs_one_graph_round_trip_and_no_store_call() {
    let (world, _, ada, _) = engineers().await;
    world.notify(&[&ada]).await;
    world.drain().await;
    assert_eq!((world.graph_calls(), world.store_calls()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stranger_costs_nothing() {
    let (world, ..) = engineers().await;
    let (stranger, strangers) = (world.user("stranger"), world.group("Strangers", &[]));
    world.notify(&[&stranger, &strangers]).await;
    world.drain().await;
    assert_eq!((world.graph_calls(), world.store_calls()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_rename_keeps_every_id() {
    let (world, engineers, ada, _) = engineers().await;
    let before: Vec<_> = world.store.state().users.keys().cloned().collect();
    world.rename(&ada, "ada.king");
    world.entra.rename_group(&engineers.id, "Platform");
    world.notify(&[&ada, &engineers]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Platform", &["ada.king", "bob"])]));
    assert_eq!(world.store.state().users.keys().cloned().collect::<Vec<_>>(), before);
}

#[tokio::test(start_paused = true)]
async fn someone_disabled_loses_access_and_gets_it_back_under_the_same_id() {
    let (world, _, ada, _) = engineers().await;
    world.change(&ada, |ada| ada.account_enabled = false);
    world.notify(&[&ada]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
    world.change(&ada, |ada| ada.account_enabled = true);
    world.notify(&[&ada]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    assert_eq!(world.store.state().users.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn someone_disabled_before_they_were_mirrored_appears_once_enabled() {
    let world = World::new();
    let ada = world.user("ada");
    world.change(&ada, |ada| ada.account_enabled = false);
    let engineers = world.group("Engineers", &[&ada]);
    world.assign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
    world.change(&ada, |ada| ada.account_enabled = true);
    world.notify(&[&ada]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada"])]));
}

#[tokio::test(start_paused = true)]
async fn an_unassigned_group_loses_its_members_and_keeps_its_object() {
    let (world, engineers, ..) = engineers().await;
    let other = world.user("other");
    world.assign(&other);
    world.unassign(&engineers);
    world.poll.run().await.unwrap();
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]), "one poll alone must not revoke");
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_assigned_again_gets_all_its_members_back() {
    let (world, engineers, ..) = engineers().await;
    let other = world.user("other");
    world.assign(&other);
    world.unassign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
    world.assign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    assert_eq!(world.store.state().groups.len(), 1, "the tombstone is the group: its id stays");
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_to_the_poll_revokes_nothing() {
    let (world, engineers, ..) = engineers().await;
    world.unassign(&engineers);
    world.settle().await;
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_not_found_once_keeps_access() {
    let (world, _, ada, _) = engineers().await;
    world.entra.state().flapping.insert(ada.id.clone());
    world.notify(&[&ada]).await;
    assert!(world.handle_batch().await);
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_user_loses_access_and_leaves_a_tombstone() {
    let (world, _, ada, _) = engineers().await;
    world.entra.state().users.remove(&ada.id);
    world.notify(&[&ada]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
    assert!(world.user_names().contains("ada"), "the object stands until its grace period is over");
}

#[tokio::test(start_paused = true)]
async fn a_rehire_gets_the_name_and_not_the_object_of_the_tombstone() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.state().users.remove(&ada.id);
    world.entra.leave(&engineers.id, ada.clone());
    world.notify(&[&ada]).await;
    world.drain().await;
    let again = world.user("ada");
    world.entra.join(&engineers.id, again);
    world.notify(&[&engineers]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    let retired = format!("retired-{}", ada.id);
    assert!(world.user_names().contains(&retired), "{:?}", world.user_names());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_waits_for_adoption_and_is_left_alone() {
    let world = World::new();
    let ada = world.user("ada");
    let engineers = world.group("Engineers", &[&ada]);
    {
        let mut state = world.store.state();
        let (user, group) = (state.id("u"), state.id("g"));
        let mut hand_made = planning::attributes::UserAttributes::default();
        hand_made.set(UserAttribute::UserName, "ada@example.com");
        state.users.insert(planning::UserId::parse(&user).unwrap(), hand_made);
        state.groups.insert(planning::GroupId::parse(&group).unwrap(), "Engineers".to_owned());
    }
    world.assign(&engineers);
    world.settle().await;
    assert!(world.store.state().writes.is_empty(), "{:?}", world.store.state().writes);
    let skips = world.skips();
    assert!(skips.contains(&"user_awaits_adoption".to_owned()), "{skips:?}");
    assert!(skips.contains(&"group_awaits_adoption".to_owned()), "{skips:?}");
}

#[tokio::test(start_paused = true)]
async fn the_second_group_of_a_name_is_skipped_and_its_members_are_still_users() {
    let (world, ..) = engineers().await;
    let eve = world.user("eve");
    let second = world.group("Engineers", &[&eve]);
    world.assign(&second);
    world.settle().await;
    assert!(world.skips().contains(&"group_name_taken".to_owned()), "{:?}", world.skips());
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    assert!(world.user_names().contains("eve"));
}

#[tokio::test(start_paused = true)]
async fn user_names_that_swap_reach_their_new_owners() {
    let (world, _, ada, bob) = engineers().await;
    let objects = world.store.state().users.len();
    world.rename(&ada, "bob");
    world.rename(&bob, "ada");
    world.notify(&[&ada, &bob]).await;
    world.drain().await;
    for _ in 0..5 {
        world.pass(5).await;
    }
    let state = world.store.state();
    assert_eq!(state.users.len(), objects);
    let names: Vec<_> = state.users.values().map(|user| user.get(UserAttribute::UserName).unwrap()).collect();
    assert!(!names.iter().any(|name| name.starts_with("moving-")), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn group_names_that_swap_reach_their_new_owners() {
    let (world, engineers, ada, _) = engineers().await;
    let auditors = world.group("Auditors", &[&ada]);
    world.assign(&auditors);
    world.settle().await;
    world.entra.rename_group(&engineers.id, "Auditors");
    world.entra.rename_group(&auditors.id, "Engineers");
    world.notify(&[&engineers, &auditors]).await;
    world.drain().await;
    for _ in 0..5 {
        world.pass(5).await;
    }
    assert_eq!(world.held(), groups(&[("Auditors", &["ada", "bob"]), ("Engineers", &["ada"])]));
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_is_not_repeated() {
    let world = World::new();
    let ada = world.user("ada");
    let engineers = world.group("Engineers", &[&ada]);
    world.assign(&engineers);
    let lost = (Cause::Unanswered { detail: "time-out".into() }, Moment::After);
    world.store.state().failing.insert("CreateUser", lost.clone());
    world.store.state().failing.insert("CreateGroup", lost.clone());
    world.store.state().failing.insert("CreateGroupMembership", lost);
    world.settle().await;
    for _ in 0..5 {
        world.pass(2).await;
    }
    assert_eq!(world.held(), groups(&[("Engineers", &["ada"])]));
    assert_eq!(world.store.state().users.len(), 1);
    assert!(world.skips().is_empty(), "{:?}", world.skips());
}

#[tokio::test(start_paused = true)]
async fn a_grant_whose_answer_was_lost_is_still_ours_to_revoke() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve.clone());
    let lost = (Cause::Unanswered { detail: "time-out".into() }, Moment::After);
    world.store.state().failing.insert("CreateGroupMembership", lost);
    world.notify(&[&engineers]).await;
    world.drain().await;
    world.entra.leave(&engineers.id, eve);
    world.notify(&[&engineers]).await;
    for _ in 0..5 {
        world.pass(2).await;
    }
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn objects_deleted_by_hand_come_back_at_the_next_change() {
    let (world, engineers, ada, _) = engineers().await;
    {
        let mut state = world.store.state();
        state.users.clear();
        state.groups.clear();
        state.memberships.clear();
    }
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.rename(&ada, "ada.king");
    world.notify(&[&engineers, &ada]).await;
    for _ in 0..8 {
        world.pass(5).await;
    }
    let held = world.held();
    assert!(held["Engineers"].contains("eve") && held["Engineers"].contains("ada.king"), "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn being_throttled_is_no_failure() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    let throttled = Cause::Throttled { retry_after: Some(jiff::SignedDuration::from_secs(3)) };
    world.store.state().failing.insert("CreateGroupMembership", (throttled, Moment::Before));
    world.notify(&[&engineers]).await;
    world.drain().await;
    assert_eq!(world.queue.open(), 0, "the message is acknowledged; the agenda has the work");
    world.pass(4).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_user_hides_nobody_else() {
    let (world, engineers, ada, bob) = engineers().await;
    world.entra.leave(&engineers.id, ada);
    world.entra.leave(&engineers.id, bob);
    let failure = Cause::Unanswered { detail: "500".into() };
    world.store.state().failing.insert("DeleteGroupMembership", (failure, Moment::Before));
    world.notify(&[&engineers]).await;
    world.drain().await;
    assert_eq!(world.held()["Engineers"].len(), 1);
    world.pass(2).await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
}

#[tokio::test(start_paused = true)]
async fn revocations_of_a_batch_come_before_its_grants() {
    let (world, engineers, ada, bob) = engineers().await;
    let auditors = world.group("Auditors", &[]);
    world.assign(&auditors);
    world.settle().await;
    world.reset_calls();
    world.entra.join(&auditors.id, ada.clone());
    world.entra.leave(&engineers.id, bob.clone());
    world.notify(&[&ada, &bob]).await;
    world.drain().await;
    let writes = world.store.state().writes.clone();
    assert!(writes[0].starts_with("DeleteGroupMembership"), "{writes:?}");
    assert!(writes[1].starts_with("CreateGroupMembership"), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_looked_at_again() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.leave(&engineers.id, ada);
    world.notify(&[&engineers]).await;
    world.drain().await;
    world.reset_calls();
    world.pass(61).await;
    assert_eq!((world.graph_calls(), world.store_calls()), (1, 0), "one read, and nothing to change");
    world.reset_calls();
    world.pass(3_600).await;
    assert_eq!(world.graph_calls(), 0, "a re-check that changes nothing begets none");
}

#[tokio::test(start_paused = true)]
async fn a_notification_that_ran_ahead_of_the_data_is_looked_at_again() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    let mut early = world.notification(&eve);
    early.look = Look::ReadAnyway;
    early.expectations = vec![Expectation { group: engineers.id.clone(), joined: true }];
    use engine::ports::TriggerQueue;
    world.queue.send(&[early]).await.unwrap();
    world.notify(&[&engineers]).await;
    world.drain().await;
    assert!(!world.user_names().contains("eve"));
    world.entra.join(&engineers.id, eve);
    world.pass(61).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
}

#[tokio::test(start_paused = true)]
async fn nested_groups_do_not_count_unless_flattened() {
    for flatten in [false, true] {
        let world = World::with(flatten);
        let (ada, bob) = (world.user("ada"), world.user("bob"));
        let inner = world.group("Inner", &[&bob]);
        let outer = world.group("Outer", &[&ada, &inner]);
        world.assign(&outer);
        world.settle().await;
        let expected: &[&str] = if flatten { &["ada", "bob"] } else { &["ada"] };
        assert_eq!(world.held(), groups(&[("Outer", expected)]));
    }
}

#[tokio::test(start_paused = true)]
async fn members_of_a_flattened_group_come_and_go_with_it() {
    let world = World::with(true);
    let (ada, bob, eve) = (world.user("ada"), world.user("bob"), world.user("eve"));
    let innermost = world.group("Innermost", &[&eve]);
    let inner = world.group("Inner", &[&bob, &innermost]);
    let outer = world.group("Outer", &[&ada]);
    world.assign(&outer);
    world.settle().await;
    world.entra.join(&outer.id, inner.clone());
    world.notify(&[&outer]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Outer", &["ada", "bob", "eve"])]));
    world.entra.leave(&inner.id, bob);
    world.notify(&[&inner]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Outer", &["ada", "eve"])]));
    world.entra.leave(&outer.id, inner);
    world.notify(&[&outer]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Outer", &["ada"])]));
}

#[tokio::test(start_paused = true)]
async fn a_large_group_is_bulk_work_and_arrives_in_full() {
    let world = World::new();
    let users: Vec<Subject> = (0..60).map(|number| world.user(&format!("user{number}"))).collect();
    let everyone = world.group("Everyone", &users.iter().collect::<Vec<_>>());
    world.assign(&everyone);
    world.settle().await;
    assert_eq!(world.held()["Everyone"].len(), 60);
    assert!(world.ledger.open_agenda().is_empty(), "{:?}", world.ledger.open_agenda().len());
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_skipped_and_stops_nobody() {
    let (world, engineers, ..) = engineers().await;
    let (bad, good) = (world.user(&"x".repeat(130)), world.user("good"));
    world.entra.join(&engineers.id, bad);
    world.entra.join(&engineers.id, good);
    world.notify(&[&engineers]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "good"])]));
    assert!(world.skips().contains(&"too_long".to_owned()), "{:?}", world.skips());
}

#[tokio::test(start_paused = true)]
async fn an_email_that_somebody_else_has_skips_the_user() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    world.change(&eve, |eve| eve.mail = Some("ada@example.com".into()));
    world.entra.join(&engineers.id, eve);
    world.notify(&[&engineers]).await;
    world.drain().await;
    assert!(world.skips().contains(&"email_taken".to_owned()), "{:?}", world.skips());
    assert_eq!(world.queue.open(), 0);
}
