//! Facts about the mirror in a small world.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::trigger::{Expectation, Look, Subject};
use world::set_up::engineers;
use world::{World, groups};

#[tokio::test(start_paused = true)]
async fn an_assigned_group_appears_with_its_members() {
    engineers().await;
}

#[tokio::test(start_paused = true)]
async fn one_new_member_costs_two_graph_round_trips_and_at_most_four_store_calls() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
    assert_eq!(world.graph_calls(), 2);
    assert!(world.store_calls() <= 4, "{:?}", world.store.state().calls);
}

#[tokio::test(start_paused = true)]
async fn one_member_less_costs_two_graph_round_trips_and_one_store_call() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.leave(&engineers.id, ada);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
    assert_eq!((world.graph_calls(), world.store_calls()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_not_mirrored_costs_one_graph_round_trip_and_no_store_call() {
    let (world, _, ada, _) = engineers().await;
    world.notified(&ada).await;
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
async fn someone_disabled_loses_access_and_gets_it_back_under_the_same_id() {
    let (world, _, ada, _) = engineers().await;
    world.change(&ada, |ada| ada.account_enabled = false);
    world.notified(&ada).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
    world.change(&ada, |ada| ada.account_enabled = true);
    world.notified(&ada).await;
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
    world.notified(&ada).await;
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
    world.notified(&ada).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
    assert!(world.user_names().contains("ada"), "the object stands until its grace period is over");
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
    // The first read of the group is over and done with.
    world.pass(3_600).await;
    world.entra.leave(&engineers.id, ada);
    world.notified(&engineers).await;
    world.reset_calls();
    world.pass(61).await;
    assert_eq!((world.graph_calls(), world.store_calls()), (1, 0), "one read, and nothing to change");
    world.reset_calls();
    world.pass(300).await;
    assert_eq!((world.graph_calls(), world.store_calls()), (2, 0), "user and group, once more");
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
    world.notified(&engineers).await;
    assert!(!world.user_names().contains("eve"));
    world.entra.join(&engineers.id, eve);
    world.pass(61).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
}

#[tokio::test(start_paused = true)]
async fn a_large_group_is_bulk_work_and_arrives_in_full() {
    let world = World::new();
    let users: Vec<Subject> = (0..60).map(|number| world.user(&format!("user{number}"))).collect();
    let everyone = world.group("Everyone", &users.iter().collect::<Vec<_>>());
    world.assign(&everyone);
    world.settle().await;
    assert_eq!(world.held()["Everyone"].len(), 60);
    world.pass(3_600).await;
    assert!(world.ledger.open_agenda().is_empty(), "{:?}", world.ledger.open_agenda().len());
}
