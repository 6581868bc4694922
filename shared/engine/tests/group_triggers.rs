//! Facts about a group's handling when its delta link fails, its size grows, or the handling is cut off.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::ports::{Cause, Ledger, TriggerQueue};
use engine::trigger::{Look, Origin, Subject, Trigger};
use planning::record::GroupRecord;
use std::collections::BTreeSet;
use world::{World, groups};

/// Ada and Bob in the assigned group Engineers, mirrored.
async fn engineers(flatten: bool) -> (World, Subject, Subject, Subject) {
    let world = World::with(flatten);
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let engineers = world.group("Engineers", &[&ada, &bob]);
    world.assign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    world.reset_calls();
    (world, engineers, ada, bob)
}

async fn notified(world: &World, subject: &Subject) {
    world.notify(&[subject]).await;
    world.drain().await;
}

/// Changes a group's record behind the engine's back.
async fn change(world: &World, group: &Subject, change: impl FnOnce(&mut GroupRecord)) {
    let mut records = world.ledger.groups(&BTreeSet::from([group.id.clone()])).await.unwrap();
    let record = records.get_mut(&group.id).unwrap();
    change(&mut record.principal);
    world.ledger.put_group(record).await.unwrap();
}

async fn link(world: &World, group: &Subject) -> Option<String> {
    let records = world.ledger.groups(&BTreeSet::from([group.id.clone()])).await.unwrap();
    records[&group.id].principal.delta_link.clone()
}

#[tokio::test(start_paused = true)]
async fn without_a_delta_link_members_of_both_sides_are_compared() {
    let (world, engineers, ada, _) = engineers(false).await;
    change(&world, &engineers, |group| group.delta_link = None).await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.entra.leave(&engineers.id, ada);
    notified(&world, &engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob", "eve"])]));
    assert!(link(&world, &engineers).await.is_some(), "the next read would be a full one again");
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_delta_link_expired_is_read_in_full() {
    let (world, engineers, ada, _) = engineers(false).await;
    let before = link(&world, &engineers).await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.entra.leave(&engineers.id, ada);
    world.entra.state().failing.insert("groups", Cause::LinkExpired);
    notified(&world, &engineers).await;
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
    change(&world, &everyone, |group| group.delta_link = None).await;
    notified(&world, &everyone).await;
    assert_eq!(world.held()["Everyone"].len(), 199);
    assert_eq!(world.graph_calls(), 2, "one full read, and one of the user who left");
}

#[tokio::test(start_paused = true)]
async fn changes_that_are_replayed_change_nothing() {
    let (world, engineers, ada, _) = engineers(false).await;
    let before = link(&world, &engineers).await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.entra.leave(&engineers.id, ada.clone());
    world.entra.join(&engineers.id, ada);
    notified(&world, &engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
    change(&world, &engineers, |group| group.delta_link = before).await;
    world.reset_calls();
    notified(&world, &engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
    assert!(world.store.state().writes.is_empty(), "{:?}", world.store.state().writes);
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_fan_out_and_saving_the_link_repeats_the_fan_out() {
    let (world, engineers, ada, _) = engineers(false).await;
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
    notified(&world, &engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob", "eve"])]));
    assert!(world.store.state().writes.is_empty(), "{:?}", world.store.state().writes);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_fan_out_loses_nobody() {
    let (world, engineers, ada, _) = engineers(false).await;
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

#[tokio::test(start_paused = true)]
async fn a_group_that_joins_an_assigned_one_brings_its_members_and_takes_them_along() {
    let (world, engineers, ..) = engineers(true).await;
    let (eve, dan) = (world.user("eve"), world.user("dan"));
    let innermost = world.group("Innermost", &[&dan]);
    let inner = world.group("Inner", &[&eve, &innermost]);
    world.entra.join(&engineers.id, inner.clone());
    notified(&world, &engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "dan", "eve"])]));
    // Now the groups below are known, and their changes are followed.
    let late = world.user("late");
    world.entra.join(&innermost.id, late);
    notified(&world, &innermost).await;
    assert_eq!(world.held()["Engineers"].len(), 5);
    world.entra.leave(&engineers.id, inner);
    notified(&world, &engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_nested_group_that_is_taken_out_while_its_own_link_expired_takes_its_members_along() {
    let (world, engineers, ..) = engineers(true).await;
    let eve = world.user("eve");
    let inner = world.group("Inner", &[&eve]);
    world.entra.join(&engineers.id, inner.clone());
    notified(&world, &engineers).await;
    assert_eq!(world.held()["Engineers"].len(), 3);
    change(&world, &inner, |group| group.delta_link = None).await;
    world.entra.leave(&engineers.id, inner);
    notified(&world, &engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn someone_who_leaves_a_nested_group_as_it_is_taken_out_loses_access_too() {
    let (world, engineers, ..) = engineers(true).await;
    let eve = world.user("eve");
    let inner = world.group("Inner", &[&eve]);
    world.entra.join(&engineers.id, inner.clone());
    notified(&world, &engineers).await;
    assert_eq!(world.held()["Engineers"].len(), 3);
    world.entra.leave(&inner.id, eve);
    world.entra.leave(&engineers.id, inner);
    notified(&world, &engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_nested_group_that_is_deleted_takes_its_members_along() {
    let (world, engineers, ..) = engineers(true).await;
    let eve = world.user("eve");
    let inner = world.group("Inner", &[&eve]);
    world.entra.join(&engineers.id, inner.clone());
    notified(&world, &engineers).await;
    assert_eq!(world.held()["Engineers"].len(), 3);
    world.entra.leave(&engineers.id, inner.clone());
    world.entra.state().groups.remove(&inner.id);
    world.notify(&[&inner, &engineers]).await;
    world.drain().await;
    world.sweep_and_settle(engine::sweep::DriftPolicy::Report).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}
