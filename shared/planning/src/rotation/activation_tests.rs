//! Facts about an activation: what it waits for, what leads back from it, and what follows it.

use super::policy::days;
use super::world_tests::*;
use super::*;
use jiff::SignedDuration;

#[test]
fn a_word_without_evidence_of_sign_ins_needs_approval() {
    let mut world = World::by_hand(50);
    world.observed.sign_ins = None;
    world.run_until(State::AwaitingPerson);
    world.persisted = world.command(attest(&sha256(2).to_string())).unwrap();
    world.run_until(State::Ready);
    assert_eq!(world.run().notices, vec![Notice::ApprovalNeeded]);
    assert_eq!(world.run_for(days(5)), vec![]);
    world.persisted = world.command(Command::Activate).unwrap();
    assert_eq!(world.run_for(days(1)), vec![Write::Activate(sha1(2))]);
}

fn attest(fingerprint: &str) -> Command {
    Command::Attest { target: target("identity-center"), fingerprint: fingerprint.to_owned() }
}

#[test]
fn a_crash_after_the_activation_is_an_activation() {
    let mut world = World::auto(50);
    world.run_until(State::Activating);
    let step = world.step();
    world.persisted = step.before.unwrap();
    world.write(&step.write.unwrap());
    world.now += SignedDuration::from_mins(15);
    assert_eq!(world.run_for(SignedDuration::ZERO), vec![]);
    assert_eq!(world.state(), Some(State::ActiveObserving));
    world.graph().preferred = Some(sha1(1));
    assert_eq!(world.run_for(SignedDuration::ZERO), vec![], "a read may lag behind what was read before");
    assert_eq!(world.state(), Some(State::ActiveObserving));
}

fn active() -> World {
    let mut world = World::auto(50);
    world.run_until(State::ActiveObserving);
    world
}

const FAILING: SignIns = SignIns { successes: 1, settled_successes: 0, failures: 9, baseline_per_mille: 30 };

#[test]
fn sign_ins_that_succeed_make_it_active() {
    let mut world = active();
    world.observed.sign_ins =
        Some(SignIns { successes: 90, settled_successes: 80, failures: 1, baseline_per_mille: 30 });
    world.go();
    assert_eq!(world.state(), Some(State::Active));
}

#[test]
fn sign_ins_that_fail_lead_back_twice_and_then_to_a_person() {
    let mut world = active();
    world.observed.sign_ins = Some(FAILING);
    assert_eq!(world.verdict().health, Health::Broken);
    world.go();
    assert_eq!(world.state(), Some(State::RollingBack));
    assert_eq!(world.run().write, Some(Write::RollBack(sha1(1))));
    assert_eq!(world.state(), Some(State::Trusted));
    world.observed.sign_ins = Some(SignIns::default());
    world.run_until(State::ActiveObserving);
    world.observed.sign_ins = Some(FAILING);
    world.run_until(State::Held);
    assert_eq!(world.graph().preferred, Some(sha1(1)));
    assert_eq!(world.persisted.rotation.as_ref().unwrap().held, Some(HeldBecause::RolledBack));
}

#[test]
fn a_word_that_sign_ins_contradict_counts_no_more() {
    let mut world = World::by_hand(50);
    world.run_until(State::AwaitingPerson);
    world.persisted = world.command(attest(&sha256(2).to_string())).unwrap();
    world.run_until(State::ActiveObserving);
    world.observed.sign_ins = Some(FAILING);
    world.run_until(State::Trusted);
    assert!(world.persisted.attested.is_empty());
    world.go();
    world.go();
    assert_eq!(world.state(), Some(State::AwaitingPerson));
}

#[test]
fn there_is_no_way_back_to_an_expired_certificate() {
    let mut world = active();
    world.now = in_days(51);
    world.observed.sign_ins = Some(FAILING);
    let step = world.run();
    assert_eq!((step.write, step.notices), (None, vec![Notice::NoWayBack]));
}

#[test]
fn what_signs_and_is_not_trusted_is_undone_at_once() {
    let mut world = active();
    world.list("identity-center").retain(|listed| listed.sha256 != sha256(2));
    let step = world.run();
    assert_eq!(step.write, Some(Write::RollBack(sha1(1))));
    assert!(step.notices.iter().any(|notice| matches!(notice, Notice::ActiveUntrusted { .. })));
}

#[test]
fn a_switch_back_by_hand_is_respected() {
    let mut world = active();
    world.graph().preferred = Some(sha1(1));
    assert_eq!(world.run().write, None, "a read may lag behind the activation");
    world.now += SignedDuration::from_hours(1);
    assert_eq!(world.run_for(SignedDuration::ZERO), vec![]);
    assert_eq!(world.persisted.rotation.as_ref().unwrap().held, Some(HeldBecause::Switched));
    assert_eq!(world.run_for(days(3)), vec![]);
}

#[test]
fn the_replaced_certificate_stays_until_it_has_expired_and_sign_ins_are_proof() {
    let mut world = World::auto(30);
    world.policy.retirement = Retirement::Automatic;
    let succeeding = SignIns { successes: 90, settled_successes: 80, failures: 0, baseline_per_mille: 0 };
    world.observed.sign_ins = Some(succeeding);
    let early = world.run_for(days(29));
    assert!(!early.iter().any(|write| matches!(write, Write::Retire { .. })), "{early:?}");
    assert_eq!(world.state(), Some(State::Retiring));
    world.observed.sign_ins = None;
    assert_eq!(world.run_for(days(4)), vec![]);
    world.observed.sign_ins = Some(succeeding);
    let late = world.run_for(days(2));
    assert!(matches!(&late[..], [Write::Retire { sha256: gone, .. }] if *gone == sha256(1)), "{late:?}");
    assert_eq!((world.state(), world.list("identity-center").len()), (None, 1));
}

#[test]
fn two_runs_at_once_write_once() {
    let mut world = World::auto(50);
    world.run_until(State::Pinned);
    let (one, other) = (world.step(), world.step());
    let revision = |step: &Step| step.before.as_ref().unwrap().revision;
    // The store takes the one that comes first: the other was decided over a revision that is gone.
    assert_eq!(revision(&one), revision(&other));
    world.persisted = one.before.unwrap();
    assert_eq!(world.step().write, None, "a third sees that a write is under way");
}

#[test]
fn what_a_later_version_remembers_is_left_alone() {
    let mut world = World::auto(50);
    world.persisted.schema = SCHEMA + 1;
    let step = world.step();
    assert_eq!((step.write, step.notices), (None, vec![Notice::Fault(Fault::UnknownSchema(SCHEMA + 1))]));
}

#[test]
fn what_is_remembered_survives_serialisation() {
    let world = active();
    let json = serde_json::to_string(&world.persisted).unwrap();
    assert_eq!(serde_json::from_str::<Persisted>(&json).unwrap(), world.persisted);
}
