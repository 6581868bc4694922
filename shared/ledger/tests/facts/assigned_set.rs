//! Facts about the assigned set, and the flags that follow it.

use crate::world::{World, at, entry, id, ids};
use engine::agenda::{AgendaEntry, Priority};
use engine::ports::Cause;
use engine::trigger::Subject;
use planning::assigned::AssignedSet;
use planning::record::PrincipalKind;

/// Users, and every seventh a group; the first three are missing once.
fn set(principals: u32) -> AssignedSet {
    let kind = |number: u32| if number % 7 == 6 { PrincipalKind::Group } else { PrincipalKind::User };
    AssignedSet {
        principals: (0..principals).map(|number| (id(number), kind(number))).collect(),
        missing_once: ids(0..principals.min(3)),
        held: ids(3..principals.clamp(3, 5)),
        arriving: ids(5..principals.clamp(5, 7)),
        leaving: ids(7..principals.clamp(7, 9)),
    }
}

pub async fn before_the_first_there_is_none(world: &World) {
    assert_eq!(world.ledger.assigned_header().await.unwrap(), None);
}

pub async fn an_empty_set_is_a_set(world: &World) {
    let header = world.ledger.store_assigned_set(None, &set(0)).await.unwrap();
    assert_eq!(world.ledger.assigned_header().await.unwrap().as_ref(), Some(&header));
    assert_eq!(world.ledger.assigned_set(&header).await.unwrap(), set(0));
}

pub async fn a_set_of_forty_thousand_reads_back(world: &World) {
    let stored = set(40_000);
    let header = world.ledger.store_assigned_set(None, &stored).await.unwrap();
    assert_eq!((header.version, header.count, header.missing_once), (1, 40_000, 3));
    let read = world.ledger.assigned_set(&header).await.unwrap();
    assert!(read == stored, "{} of 40,000 principals came back", read.principals.len());
}

pub async fn only_the_latest_set_can_be_read(world: &World) {
    let first = world.ledger.store_assigned_set(None, &set(9)).await.unwrap();
    let second = world.ledger.store_assigned_set(Some(&first), &set(5)).await.unwrap();
    assert_eq!(second.version, 2);
    assert_eq!(world.ledger.assigned_header().await.unwrap().as_ref(), Some(&second));
    assert_eq!(world.ledger.assigned_set(&second).await.unwrap(), set(5));
    assert_eq!(world.ledger.assigned_set(&first).await.unwrap_err().cause, Cause::Concurrent);
}

pub async fn who_follows_on_an_older_set_is_refused(world: &World) {
    let first = world.ledger.store_assigned_set(None, &set(9)).await.unwrap();
    world.ledger.store_assigned_set(Some(&first), &set(5)).await.unwrap();
    let late = world.ledger.store_assigned_set(Some(&first), &set(7)).await;
    assert_eq!(late.unwrap_err().cause, Cause::Concurrent);
}

pub async fn the_first_set_is_stored_once(world: &World) {
    let early = world.ledger.store_assigned_set(Some(&set(1).header(4)), &set(7)).await;
    assert_eq!(early.unwrap_err().cause, Cause::Concurrent, "there is nothing to follow on");
    world.ledger.store_assigned_set(None, &set(9)).await.unwrap();
    let again = world.ledger.store_assigned_set(None, &set(9)).await;
    assert_eq!(again.unwrap_err().cause, Cause::Concurrent);
}

pub async fn who_is_refused_leaves_the_set_in_force_alone(world: &World) {
    let first = world.ledger.store_assigned_set(None, &set(9)).await.unwrap();
    let second = world.ledger.store_assigned_set(Some(&first), &set(20)).await.unwrap();
    // Both follow on the first: their sets have the same version.
    world.ledger.store_assigned_set(Some(&first), &set(3)).await.unwrap_err();
    assert_eq!(world.ledger.assigned_set(&second).await.unwrap(), set(20));
    let third = world.ledger.store_assigned_set(Some(&second), &set(4)).await.unwrap();
    assert_eq!(world.ledger.assigned_set(&third).await.unwrap(), set(4));
}

pub async fn the_flag_and_the_agenda_change_together_and_only_once(world: &World) {
    for _ in 0..2 {
        world.ledger.set_assigned(true, &entry(1, 5)).await.unwrap();
        assert!(world.user(1).await.assigned);
        assert_eq!(world.ready(5).await, [entry(1, 5)]);
    }
    let group = AgendaEntry { subject: Subject::group(id(2)), priority: Priority::Revocation, ..entry(2, 5) };
    world.ledger.set_assigned(false, &group).await.unwrap();
    assert!(!world.group(2).await.assigned);
    assert_eq!(world.ready(5).await, [group, entry(1, 5)]);
}

pub async fn a_flag_of_the_other_kind_changes_neither(world: &World) {
    world.ledger.set_assigned(true, &entry(1, 5)).await.unwrap();
    let group = AgendaEntry { subject: Subject::group(id(1)), due: at(6), ..entry(1, 6) };
    let refused = world.ledger.set_assigned(false, &group).await;
    assert_eq!(refused.unwrap_err().cause, Cause::Conflict);
    assert!(world.user(1).await.assigned);
    assert_eq!(world.ready(9).await, [entry(1, 5)]);
}
