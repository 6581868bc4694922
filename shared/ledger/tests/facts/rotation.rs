//! What is kept of the rotation of the signing certificate.

use crate::world::{World, at};
use engine::ports::Cause;
use engine::rotation::ports::{HistoryEntry, Instruction, Outcome, SignInCount, SignInEvent, SignInOutcome};
use planning::rotation::{Attestation, Command, Persisted, Sha256Fingerprint, TargetId};

fn revision(revision: u64) -> Persisted {
    Persisted { revision, ..Persisted::default() }
}

pub async fn before_the_first_store_nothing_is_remembered(world: &World) {
    assert_eq!(world.rotation.load().await.unwrap(), Persisted::default());
    assert_eq!(world.rotation.due().await.unwrap(), None);
    assert_eq!(world.desk.shown().await.unwrap(), None);
    assert_eq!(world.rotation.history(10).await.unwrap(), []);
}

pub async fn what_is_stored_reads_back(world: &World) {
    let mut first = revision(1);
    let word = Attestation { sha256: Sha256Fingerprint::new([7; 32]), at: at(5) };
    first.attested.insert(TargetId("identity-center".to_owned()), word);
    first.begun = Some(at(9));
    world.rotation.store(&first).await.unwrap();
    assert_eq!(world.rotation.load().await.unwrap(), first);
    world.rotation.set_due(at(60)).await.unwrap();
    assert_eq!(world.rotation.due().await.unwrap(), Some(at(60)));
}

pub async fn who_read_an_older_revision_is_refused(world: &World) {
    for number in [1, 2] {
        world.rotation.store(&revision(number)).await.unwrap();
    }
    for number in [1, 2, 4] {
        let error = world.rotation.store(&revision(number)).await.unwrap_err();
        assert_eq!(error.cause, Cause::Concurrent, "revision {number} over 2");
    }
    world.rotation.store(&revision(3)).await.unwrap();
}

pub async fn one_of_two_who_store_the_same_is_refused(world: &World) {
    let next = revision(1);
    let stored = futures::join!(world.rotation.store(&next), world.rotation.store(&next));
    assert_ne!(stored.0.is_ok(), stored.1.is_ok(), "{stored:?}");
}

pub async fn what_happened_is_told_the_latest_first(world: &World) {
    for (second, what) in [(1, "first"), (2, "second"), (2, "third")] {
        let entry = HistoryEntry { at: at(second), what: what.to_owned() };
        world.rotation.add_history(&entry).await.unwrap();
    }
    let told: Vec<String> =
        world.rotation.history(2).await.unwrap().into_iter().map(|entry| entry.what).collect();
    assert_eq!(told, ["third", "second"]);
}

pub async fn what_people_were_told_is_remembered(world: &World) {
    world.rotation.note_told("expiring", at(3)).await.unwrap();
    world.rotation.note_told("expiring", at(4)).await.unwrap();
    assert_eq!(world.rotation.told_at("expiring").await.unwrap(), Some(at(4)));
    assert_eq!(world.rotation.told_at("held").await.unwrap(), None);
}

fn instruction(id: &str) -> Instruction {
    Instruction { id: id.to_owned(), command: Command::Stage { at_once: true }, at: at(1) }
}

pub async fn one_instruction_lies_there_until_it_is_settled(world: &World) {
    world.desk.instruct(&instruction("first")).await.unwrap();
    assert_eq!(world.desk.instruction().await.unwrap(), Some(instruction("first")));
    let error = world.desk.instruct(&instruction("second")).await.unwrap_err();
    assert_eq!(error.cause, Cause::Conflict);
    let outcome = Outcome { id: "first".to_owned(), refused: Some("no".to_owned()), at: at(2) };
    world.desk.settle(&outcome).await.unwrap();
    assert_eq!(world.desk.outcome().await.unwrap(), Some(outcome));
    assert_eq!(world.desk.instruction().await.unwrap(), None);
    world.desk.instruct(&instruction("second")).await.unwrap();
}

pub async fn settling_another_leaves_it_there(world: &World) {
    world.desk.instruct(&instruction("second")).await.unwrap();
    let outcome = Outcome { id: "first".to_owned(), refused: None, at: at(2) };
    world.desk.settle(&outcome).await.unwrap();
    assert_eq!(world.desk.instruction().await.unwrap(), Some(instruction("second")));
}

fn sign_in(id: &str, second: i64, outcome: SignInOutcome) -> SignInEvent {
    SignInEvent { id: id.to_owned(), at: at(second), outcome }
}

pub async fn a_sign_in_counts_once_however_often_it_is_told(world: &World) {
    for (id, second, outcome) in [
        ("a", 60, SignInOutcome::Success),
        ("b", 119, SignInOutcome::Failure),
        ("a", 60, SignInOutcome::Success),
        ("c", 120, SignInOutcome::Success),
        ("b", 119, SignInOutcome::Failure),
    ] {
        world.evidence.count(&sign_in(id, second, outcome)).await.unwrap();
    }
    let expected = [
        SignInCount { minute: at(60), successes: 1, failures: 1 },
        SignInCount { minute: at(120), successes: 1, failures: 0 },
    ];
    assert_eq!(world.evidence.since(at(0)).await.unwrap(), expected);
}

pub async fn minutes_before_are_not_counted(world: &World) {
    for (id, second) in [("a", 0), ("b", 60), ("c", 6_000)] {
        world.evidence.count(&sign_in(id, second, SignInOutcome::Success)).await.unwrap();
    }
    let since = async |second| {
        let counts = world.evidence.since(at(second)).await.unwrap();
        counts.into_iter().map(|count| count.minute).collect::<Vec<_>>()
    };
    assert_eq!(since(60).await, [at(60), at(6_000)]);
    assert_eq!(since(61).await, [at(6_000)], "a minute that began before is left out");
}
