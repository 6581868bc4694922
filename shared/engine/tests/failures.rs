//! Facts about calls that fail, are throttled or refused, or whose answer is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::agenda::{Priority, Reason};
use engine::ports::Cause;
use world::set_up::engineers;
use world::store::Moment;
use world::{World, groups};

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
    world.notified(&engineers).await;
    world.entra.leave(&engineers.id, eve);
    world.notify(&[&engineers]).await;
    for _ in 0..5 {
        world.pass(2).await;
    }
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn being_throttled_is_no_failure() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    let throttled = Cause::Throttled { retry_after: Some(jiff::SignedDuration::from_secs(3)) };
    world.store.state().failing.insert("CreateGroupMembership", (throttled, Moment::Before));
    world.notified(&engineers).await;
    assert_eq!(world.queue.open(), 0, "the message is acknowledged; the agenda has the work");
    world.pass(4).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
}

/// The lists in which work waits that a busy service put off.
fn lists_of_deferred(world: &World) -> Vec<Priority> {
    let entries = world.ledger.open_agenda();
    let deferred = entries.into_iter().filter(|entry| entry.reason == Reason::Deferred);
    deferred.map(|entry| entry.priority).collect()
}

#[tokio::test(start_paused = true)]
async fn a_live_revocation_that_steps_back_waits_in_a_list_of_its_own() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.leave(&engineers.id, ada.clone());
    let throttled = Cause::Throttled { retry_after: Some(jiff::SignedDuration::from_secs(3)) };
    world.store.state().failing.insert("DeleteGroupMembership", (throttled, Moment::Before));
    world.notified(&ada).await;
    assert_eq!(lists_of_deferred(&world), [Priority::LiveRevocation]);
    world.pass(4).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_to_give_after_a_revocation_waits_among_what_gives() {
    let (world, engineers, ada, _) = engineers().await;
    let auditors = world.group("Auditors", &[]);
    world.assign(&auditors);
    world.settle().await;
    world.entra.leave(&engineers.id, ada.clone());
    world.entra.join(&auditors.id, ada.clone());
    let throttled = Cause::Throttled { retry_after: Some(jiff::SignedDuration::from_secs(3)) };
    world.store.state().failing.insert("CreateGroupMembership", (throttled, Moment::Before));
    world.notified(&ada).await;
    assert_eq!(world.held(), groups(&[("Auditors", &[]), ("Engineers", &["bob"])]));
    assert_eq!(lists_of_deferred(&world), [Priority::Ordinary]);
    world.pass(4).await;
    assert_eq!(world.held(), groups(&[("Auditors", &["ada"]), ("Engineers", &["bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_user_hides_nobody_else() {
    let (world, engineers, ada, bob) = engineers().await;
    world.entra.leave(&engineers.id, ada);
    world.entra.leave(&engineers.id, bob);
    let failure = Cause::Unanswered { detail: "500".into() };
    world.store.state().failing.insert("DeleteGroupMembership", (failure, Moment::Before));
    world.notified(&engineers).await;
    assert_eq!(world.held()["Engineers"].len(), 1);
    world.pass(2).await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_skipped_and_stops_nobody() {
    let (world, engineers, ..) = engineers().await;
    let (bad, good) = (world.user(&"x".repeat(130)), world.user("good"));
    world.entra.join(&engineers.id, bad);
    world.entra.join(&engineers.id, good);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "good"])]));
    assert!(world.skips().contains(&"too_long".to_owned()), "{:?}", world.skips());
}
