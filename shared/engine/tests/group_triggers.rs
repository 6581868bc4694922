//! Facts about a group's handling when its delta link fails, its size grows, or the handling is cut off.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::ports::{Cause, Ledger, TriggerQueue};
use engine::trigger::{Look, Origin, Subject, Trigger};
use std::collections::BTreeSet;
use world::set_up::engineers;
use world::{World, groups};

async fn link(world: &World, group: &Subject) -> Option<String> {
    let records = world.ledger.groups(&BTreeSet::from([group.id.clone()])).await.unwrap();
    records[&group.id].principal.delta_link.clone()
}

#[tokio::test(start_paused = true)]
async fn without_a_delta_link_members_of_both_sides_are_compared() {
    let (world, engineers, ada, _) = engineers().await;
    world.change_group_record(&engineers, |group| group.delta_link = None).await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.entra.leave(&engineers.id, ada);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob", "eve"])]));
    assert!(link(&world, &engineers).await.is_some(), "the next read would be a full one again");
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_delta_link_expired_is_read_in_full() {
    let (world, engineers, ada, _) = engineers().await;
    let before = link(&world, &engineers).await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.entra.leave(&engineers.id, ada);
    world.entra.state().failing.insert("groups", Cause::LinkExpired);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob", "eve"])]));
    assert_ne!(link(&world, &engineers).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_full_read_names_only_those_who_differ() {
    let world = World::new();
    let users: Vec<Subject> = (0..200).map(|number| world.user(&format!("user{number}"))).collect();
    let everyone = world.group("Everyone", &users.iter().collect::<Vec<_>>());
    world.assign(&everyone);
    world.settle().await;
    world.reset_calls();
    world.entra.leave(&everyone.id, users[7].clone());
    world.change_group_record(&everyone, |group| group.delta_link = None).await;
    world.notified(&everyone).await;
    assert_eq!(world.held()["Everyone"].len(), 199);
    assert_eq!(world.graph_calls(), 2, "one full read, and one of the user who left");
}

#[tokio::test(start_paused = true)]
async fn changes_that_are_replayed_change_nothing() {
    let (world, engineers, ada, _) = engineers().await;
    let before = link(&world, &engineers).await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.entra.leave(&engineers.id, ada.clone());
    world.entra.join(&engineers.id, ada);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
    world.change_group_record(&engineers, |group| group.delta_link = before).await;
    world.reset_calls();
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
    assert!(world.store.state().writes.is_empty(), "{:?}", world.store.state().writes);
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_fan_out_and_saving_the_link_repeats_the_fan_out() {
    let (world, engineers, ada, _) = engineers().await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve.clone());
    world.entra.leave(&engineers.id, ada.clone());
    // The handling got as far as queueing those who changed: the link is still the one before.
    let triggers = [&eve, &ada].map(|user| Trigger {
        subject: user.clone(),
        look: Look::ReadAnyway,
        origin: Origin::FanOut { group: engineers.id.clone() },
        expectations: vec![],
        noticed_at: world.now(),
    });
    world.queue.send(&triggers).await.unwrap();
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob", "eve"])]));
    world.reset_calls();
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob", "eve"])]));
    assert!(world.store.state().writes.is_empty(), "{:?}", world.store.state().writes);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_fan_out_loses_nobody() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.leave(&engineers.id, ada);
    let before = link(&world, &engineers).await;
    world.entra.state().failing.insert("groups", Cause::Unanswered { detail: "crash".into() });
    world.notify(&[&engineers]).await;
    world.handle_batch().await;
    assert_eq!(link(&world, &engineers).await, before, "the link must not run ahead of the fan-out");
    world.pass(2).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_group_of_fifty_thousand_is_named_once_and_in_full_when_it_is_assigned() {
    let world = World::new();
    let users: Vec<Subject> = (0..50_000).map(|number| world.user(&format!("user{number}"))).collect();
    let everyone = world.group("Everyone", &users.iter().collect::<Vec<_>>());
    world.assign(&everyone);
    world.poll.run().await.unwrap();
    world.mover.move_due().await.unwrap();
    world.handle_batch().await;
    let open: BTreeSet<Subject> =
        world.ledger.open_agenda().into_iter().map(|entry| entry.subject).filter(world::is_user).collect();
    assert_eq!(open.len(), 50_000);
    assert!(world.queue.open() <= 40, "{} messages in front of a live change", world.queue.open());
    assert!(link(&world, &everyone).await.is_some());
}
