//! Facts about the poll of the assignments: what it tells, and what becomes of one that breaks off.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::agenda::{AgendaEntry, Priority, Reason};
use engine::ports::Ledger;
use engine::trigger::{Look, Subject};
use planning::assigned::AssignedSet;
use std::collections::BTreeSet;
use world::set_up::engineers;
use world::{World, groups};

/// A poll tells record and agenda of a principal, and breaks off: the set still says what it announced.
async fn break_off(world: &World, subject: &Subject, assigned: bool, announced: AssignedSet) {
    let header = world.ledger.assigned_header().await.unwrap();
    world.ledger.store_assigned_set(header.as_ref(), &announced).await.unwrap();
    let entry = AgendaEntry {
        due: world.now(),
        priority: Priority::Ordinary,
        subject: subject.clone(),
        reason: Reason::Assignment,
        look: Look::ReadAnyway,
        expectations: vec![],
        noticed_at: world.now(),
    };
    world.ledger.set_assigned(assigned, &entry).await.unwrap();
    world.drain().await;
}

async fn known(world: &World) -> AssignedSet {
    let header = world.ledger.assigned_header().await.unwrap().unwrap();
    world.ledger.assigned_set(&header).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_or_goes_is_announced_before_anybody_is_told() {
    let (world, engineers, ..) = engineers().await;
    let version = async || world.ledger.assigned_header().await.unwrap().unwrap().version;
    let before = version().await;
    let other = world.user("other");
    world.assign(&other);
    world.poll.run().await.unwrap();
    assert_eq!(version().await, before + 2, "announced, and settled");
    world.unassign(&engineers);
    world.settle().await;
    assert_eq!(version().await, before + 5, "missing once, announced, and settled");
    assert_eq!(
        known(&world).await,
        AssignedSet { principals: [(other.id, other.kind)].into(), ..Default::default() }
    );
}

#[tokio::test(start_paused = true)]
async fn someone_whose_assignment_ended_while_a_poll_broke_off_is_not_assigned() {
    let (world, ..) = engineers().await;
    let auditor = world.user("auditor");
    let auditors = world.group("Auditors", &[&auditor]);
    let mut announced = known(&world).await;
    announced.principals.insert(auditors.id.clone(), auditors.kind);
    announced.arriving.insert(auditors.id.clone());
    break_off(&world, &auditors, true, announced).await;
    assert_eq!(world.held()["Auditors"].len(), 1);
    // The next poll does not show it any more.
    world.settle().await;
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Auditors", &[]), ("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_assignment_came_back_while_a_poll_broke_off_is_assigned() {
    let (world, engineers, ..) = engineers().await;
    let mut announced = known(&world).await;
    announced.leaving.insert(engineers.id.clone());
    break_off(&world, &engineers, false, announced).await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    assert_eq!(known(&world).await.leaving, BTreeSet::new());
}
