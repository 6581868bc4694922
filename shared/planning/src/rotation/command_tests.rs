//! Facts about what an operator may decide, and what is answered when it may not be.

use super::policy::days;
use super::world_tests::*;
use super::*;

fn attest(fingerprint: &str) -> Command {
    Command::Attest { target: target("identity-center"), fingerprint: fingerprint.to_owned() }
}

fn awaiting() -> World {
    let mut world = World::by_hand(50);
    world.run_until(State::AwaitingPerson);
    world
}

#[test]
fn only_the_whole_sha_256_of_the_staged_certificate_is_a_word() {
    let world = awaiting();
    let whole = sha256(2).to_string();
    let refused = |typed: &str| world.command(attest(typed)).unwrap_err();
    assert_eq!(refused(&whole[..16]), Refusal::Prefix);
    assert_eq!(refused(""), Refusal::Prefix);
    assert_eq!(refused(&sha1(2).to_string()), Refusal::Sha1);
    assert_eq!(refused(&sha256(1).to_string()), Refusal::InForce(sha256(2)));
    assert!(matches!(refused(&sha256(3).to_string()), Refusal::OtherCertificate { .. }));
    assert!(matches!(refused("yes, I did"), Refusal::NoFingerprint(_)));
    let attested = world.command(attest(&whole.to_lowercase())).unwrap();
    assert_eq!(attested.attested[&target("identity-center")].sha256, sha256(2));
}

#[test]
fn every_refusal_says_what_to_do() {
    let world = awaiting();
    let told = |command| world.command(command).unwrap_err().to_string();
    assert!(told(attest("abcd")).contains("type all 64 hexadecimal digits"));
    assert!(told(attest(&sha1(2).to_string())).contains("type the SHA-256 fingerprint"));
    assert!(told(attest(&sha256(3).to_string())).contains(&format!("import {}", sha256(2))));
    assert!(told(Command::Activate).contains("import it there, and attest it"));
    let elsewhere = Command::Attest { target: target("elsewhere"), fingerprint: sha256(2).to_string() };
    assert!(told(elsewhere).contains("the targets are identity-center"));
}

#[test]
fn a_word_is_not_taken_where_a_list_can_be_read() {
    let mut world =
        World::new(Mode::Assist, &[("identity-center", Target::identity_center(false, false))], 50);
    world.run_until(State::AwaitingPerson);
    let refused = world.command(attest(&sha256(2).to_string())).unwrap_err();
    assert_eq!(refused, Refusal::Readable { target: target("identity-center"), is_listed: false });
    assert!(refused.to_string().contains("does not list it"), "{refused}");
}

#[test]
fn a_word_is_not_taken_before_there_is_a_certificate_or_after_it_is_in_force() {
    let mut world = World::by_hand(50);
    assert_eq!(world.command(attest(&sha256(2).to_string())), Err(Refusal::NothingStaged));
    world.run_until(State::AwaitingPerson);
    world.persisted = world.command(attest(&sha256(2).to_string())).unwrap();
    world.run_until(State::ActiveObserving);
    assert_eq!(world.command(attest(&sha256(2).to_string())), Err(Refusal::NothingStaged));
}

#[test]
fn staging_begins_long_before_it_is_due_and_only_once() {
    let mut world = World::auto(300);
    world.persisted = world.command(Command::Stage { at_once: false }).unwrap();
    assert_eq!(world.state(), Some(State::Planned));
    assert!(matches!(world.command(Command::Stage { at_once: false }), Err(Refusal::InFlight { .. })));
    world.policy.mode = Mode::Monitor;
    assert_eq!(world.command(Command::Stage { at_once: false }), Err(Refusal::Monitor));
}

#[test]
fn staging_is_refused_beside_two_pending_certificates() {
    let mut world = World::auto(300);
    world.add(certificate(8, in_days(500)));
    world.add(certificate(9, in_days(501)));
    let refused = world.command(Command::Stage { at_once: false });
    assert_eq!(refused, Err(Refusal::Fault(Fault::SeveralPending { count: 2 })));
}

#[test]
fn an_activation_cannot_be_approved_before_every_target_trusts_it() {
    let mut world = World::auto(50);
    assert_eq!(world.command(Command::Activate), Err(Refusal::NothingStaged));
    world.run_until(State::Published);
    let refused = world.command(Command::Activate);
    assert_eq!(refused, Err(Refusal::Refused(Refused::NotTrusted(vec![target("identity-center")]))));
    world.run_until(State::ActiveObserving);
    assert_eq!(world.command(Command::Activate), Err(Refusal::NotReady(State::ActiveObserving)));
}

#[test]
fn an_operator_rolls_back_while_the_replaced_certificate_is_good_and_then_it_is_held() {
    let mut world = World::auto(50);
    assert_eq!(world.command(Command::RollBack), Err(Refusal::NothingToRollBack));
    world.run_until(State::Ready);
    assert_eq!(world.command(Command::RollBack), Err(Refusal::NothingToRollBack));
    world.run_for(days(12));
    assert_eq!(world.state(), None);
    world.persisted = world.command(Command::RollBack).unwrap();
    assert_eq!(world.run().write, Some(Write::RollBack(sha1(1))));
    assert_eq!(world.persisted.rotation.as_ref().unwrap().held, Some(HeldBecause::Operator));
    assert_eq!(world.run_for(days(10)), vec![]);
    world.persisted = world.command(Command::Stage { at_once: false }).unwrap();
    assert_eq!(world.run_for(days(4)), vec![Write::Activate(sha1(2))], "the same certificate once more");
}

#[test]
fn an_operator_cannot_roll_back_to_an_expired_certificate() {
    let mut world = World::auto(50);
    world.run_until(State::ActiveObserving);
    world.now = in_days(51);
    assert_eq!(world.command(Command::RollBack), Err(Refusal::Refused(Refused::NoWayBack)));
}

#[test]
fn retirement_waits_for_an_operator_where_that_is_configured() {
    let mut world = World::auto(20);
    world.observed.sign_ins =
        Some(SignIns { successes: 90, settled_successes: 80, failures: 0, baseline_per_mille: 0 });
    world.run_until(State::Active);
    assert_eq!(world.command(Command::Retire), Err(Refusal::NoRetirement));
    world.policy.retirement = Retirement::Approved;
    assert_eq!(world.run_for(days(30)), vec![]);
    world.persisted = world.command(Command::Retire).unwrap();
    assert!(matches!(world.run_for(days(2))[..], [Write::Retire { .. }]));
}
