//! Facts about the agenda.

use crate::world::{World, at, entry, id};
use engine::agenda::{AgendaEntry, Priority, Reason};
use engine::trigger::{Expectation, Look, Subject};
use std::collections::BTreeSet;

pub async fn nothing_is_due_before_its_time(world: &World) {
    world.agenda.put(&[entry(1, 100), entry(2, 101)]).await.unwrap();
    assert_eq!(world.ready(99).await, []);
    assert_eq!(world.ready(100).await, [entry(1, 100)]);
    assert_eq!(world.ready(1_000_000).await, [entry(1, 100), entry(2, 101)]);
}

pub async fn revocations_come_first_and_then_the_earliest_due(world: &World) {
    let of = |priority, number, second| AgendaEntry { priority, ..entry(number, second) };
    let live = |number, second| of(Priority::LiveRevocation, number, second);
    let bulk = |number, second| of(Priority::Revocation, number, second);
    let in_order =
        [live(6, 45), live(5, 50), bulk(4, 30), bulk(3, 40), entry(9, 10), entry(1, 20), entry(2, 20)];
    let mut put = in_order.clone();
    put.reverse();
    world.agenda.put(&put).await.unwrap();
    assert_eq!(world.ready(50).await, in_order);
}

pub async fn no_more_of_a_priority_is_ready_than_asked_for(world: &World) {
    let entries: Vec<_> = (0..30).map(|number| entry(number, number.into())).collect();
    world.agenda.put(&entries).await.unwrap();
    let urgent = AgendaEntry { priority: Priority::Revocation, ..entry(99, 25) };
    world.agenda.put(std::slice::from_ref(&urgent)).await.unwrap();
    let due = world.agenda.due(at(50), 4).await.unwrap();
    assert_eq!(due.ready, [urgent, entry(0, 0), entry(1, 1), entry(2, 2), entry(3, 3)]);
    assert_eq!(world.agenda.due(at(50), 0).await.unwrap().ready, []);
}

pub async fn a_list_takes_nothing_of_what_is_ready_in_another(world: &World) {
    let of =
        |priority: Priority| move |number: u32| AgendaEntry { priority, ..entry(number, i64::from(number)) };
    let lists = Priority::ALL.map(|priority| (0..30).map(of(priority)).collect::<Vec<_>>());
    world.agenda.put(&lists.concat()).await.unwrap();
    for moved in &lists[1][..20] {
        assert!(world.agenda.set_in_flight(&moved.key(), at(50), at(950)).await.unwrap());
    }
    let due = world.agenda.due(at(50), 2).await.unwrap();
    assert_eq!(due.ready, [&lists[0][..2], &lists[1][20..22], &lists[2][..2]].concat());
    assert!(
        due.in_flight.iter().all(|key| key.priority == Priority::Revocation) && due.in_flight.len() == 20
    );
    world.agenda.done(&lists[1][..20].iter().map(AgendaEntry::key).collect()).await.unwrap();
    assert_eq!(world.agenda.due(at(50), 100).await.unwrap().ready.len(), 70);
}

pub async fn what_was_moved_is_in_flight_and_not_ready(world: &World) {
    let entries: Vec<_> = (0..30).map(|number| entry(number, number.into())).collect();
    world.agenda.put(&entries).await.unwrap();
    for moved in &entries[..20] {
        assert!(world.agenda.set_in_flight(&moved.key(), at(50), at(950)).await.unwrap());
    }
    let due = world.agenda.due(at(50), 4).await.unwrap();
    assert_eq!((due.ready.as_slice(), due.in_flight.len()), (&entries[20..24], 20));
    let due = world.agenda.due(at(10), 100).await.unwrap();
    assert_eq!((due.ready.len(), due.in_flight.len()), (0, 11), "only what is due counts");
}

pub async fn what_got_lost_in_flight_comes_again(world: &World) {
    world.agenda.put(&[entry(1, 10)]).await.unwrap();
    world.agenda.set_in_flight(&entry(1, 10).key(), at(50), at(950)).await.unwrap();
    assert_eq!(world.ready(949).await, []);
    let due = world.agenda.due(at(950), 9).await.unwrap();
    assert_eq!((due.ready, due.in_flight.len()), (vec![entry(1, 10)], 0));
    assert!(world.agenda.set_in_flight(&entry(1, 10).key(), at(950), at(1850)).await.unwrap());
}

pub async fn an_entry_is_moved_once(world: &World) {
    world.agenda.put(&[entry(1, 10)]).await.unwrap();
    assert!(world.agenda.set_in_flight(&entry(1, 10).key(), at(50), at(950)).await.unwrap());
    assert!(!world.agenda.set_in_flight(&entry(1, 10).key(), at(51), at(951)).await.unwrap());
    assert_eq!(world.ready(949).await, [], "who came second prolonged it");
    assert_eq!(world.ready(950).await, [entry(1, 10)]);
}

pub async fn what_is_done_is_gone(world: &World) {
    world.agenda.put(&[entry(1, 10), entry(2, 10)]).await.unwrap();
    for number in [1, 2] {
        world.agenda.set_in_flight(&entry(number, 10).key(), at(50), at(950)).await.unwrap();
    }
    world.agenda.done(&BTreeSet::from([entry(1, 10).key()])).await.unwrap();
    assert_eq!(world.ready(950).await, [entry(2, 10)]);
    // What counts as lost may still be done.
    world.agenda.done(&BTreeSet::from([entry(2, 10).key()])).await.unwrap();
    assert_eq!(world.ready(950).await, []);
}

pub async fn what_is_not_there_can_be_done_and_not_moved(world: &World) {
    world.agenda.done(&BTreeSet::new()).await.unwrap();
    world.agenda.done(&BTreeSet::from([entry(1, 10).key()])).await.unwrap();
    assert!(!world.agenda.set_in_flight(&entry(1, 10).key(), at(50), at(950)).await.unwrap());
    assert_eq!(world.agenda.due(at(950), 9).await.unwrap(), Default::default());
}

pub async fn an_entry_that_is_there_already_stays_as_it_is(world: &World) {
    world.agenda.put(&[entry(1, 10)]).await.unwrap();
    world.agenda.put(&[AgendaEntry { look: Look::InDoubt, ..entry(1, 10) }]).await.unwrap();
    assert_eq!(world.ready(10).await, [entry(1, 10)]);
}

/// Two groups name a user in one second: the first look may have been too early for the second group.
pub async fn what_is_put_again_while_in_flight_is_done_once_more(world: &World) {
    let key = entry(1, 10).key();
    world.agenda.put(&[entry(1, 10)]).await.unwrap();
    world.agenda.set_in_flight(&key, at(10), at(910)).await.unwrap();
    world.agenda.put(&[entry(1, 10)]).await.unwrap();
    world.agenda.done(&BTreeSet::from([key.clone()])).await.unwrap();
    assert_eq!(world.ready(10).await, [entry(1, 10)], "what was planned meanwhile is lost");
    assert!(world.agenda.set_in_flight(&key, at(10), at(910)).await.unwrap());
    world.agenda.done(&BTreeSet::from([key])).await.unwrap();
    assert_eq!(world.ready(910).await, []);
}

pub async fn an_entry_reads_back_with_its_expectations(world: &World) {
    let full = AgendaEntry {
        due: at(1_800_000_000),
        priority: Priority::Revocation,
        subject: Subject::group(id(3)),
        reason: Reason::Contradiction,
        look: Look::InDoubt,
        expectations: vec![Expectation { group: id(4), joined: true }],
        noticed_at: at(1_799_999_999),
    };
    world.agenda.put(std::slice::from_ref(&full)).await.unwrap();
    assert_eq!(world.ready(1_800_000_000).await, [full]);
}

pub async fn three_hundred_entries_are_put_and_done(world: &World) {
    let entries: Vec<_> = (0..300).map(|number| entry(number, 10)).collect();
    world.agenda.put(&entries).await.unwrap();
    assert_eq!(world.agenda.due(at(10), 400).await.unwrap().ready, entries);
    for moved in &entries[..150] {
        world.agenda.set_in_flight(&moved.key(), at(10), at(910)).await.unwrap();
    }
    world.agenda.done(&entries[..150].iter().map(AgendaEntry::key).collect()).await.unwrap();
    assert_eq!(world.agenda.due(at(910), 400).await.unwrap().ready, entries[150..]);
}

pub async fn what_is_open_is_told_until_it_is_done(world: &World) {
    let entries: Vec<_> = (0..120).map(|number| entry(number, 10)).collect();
    world.agenda.put(&entries).await.unwrap();
    let keys: BTreeSet<_> = entries.iter().map(AgendaEntry::key).collect();
    assert_eq!(world.watch.open(&keys).await.unwrap(), keys);
    let first = entries[0].key();
    assert!(world.agenda.set_in_flight(&first, at(50), at(950)).await.unwrap());
    assert_eq!(world.watch.open(&keys).await.unwrap(), keys, "what is in flight is not done");
    world.agenda.done(&BTreeSet::from([first.clone()])).await.unwrap();
    let open = world.watch.open(&keys).await.unwrap();
    assert!(open.len() == 119 && !open.contains(&first));
    assert_eq!(world.watch.open(&BTreeSet::new()).await.unwrap(), BTreeSet::new());
}
