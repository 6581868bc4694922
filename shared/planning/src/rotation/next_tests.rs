//! Facts about each state of a rotation, and about everything that is in its way.

use super::policy::days;
use super::world_tests::*;
use super::*;
use jiff::SignedDuration;

fn fault(step: &Step) -> Option<&Fault> {
    step.notices.iter().find_map(|notice| match notice {
        Notice::Fault(fault) => Some(fault),
        _ => None,
    })
}

#[test]
fn nothing_happens_sixty_one_days_before_expiry() {
    let mut world = World::auto(61);
    assert_eq!(world.run_for(SignedDuration::ZERO), vec![]);
    assert_eq!((world.state(), world.verdict().health), (None, Health::Healthy));
}

#[test]
fn a_rotation_goes_all_the_way_without_a_person_where_the_target_allows_it() {
    let mut world = World::auto(60);
    let names: Vec<String> = world.run_for(days(12)).iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names[0].starts_with("stage a certificate CN=iic-"), "{names:?}");
    assert!(names[1].starts_with("import 0202"), "{names:?}");
    assert_eq!(names[2], format!("activate {}", sha1(2)));
    assert_eq!(world.persisted.rotation, None);
    assert_eq!(world.persisted.replaced.as_ref().unwrap().sha256, sha256(1));
    assert_eq!(world.step().write, None, "planning again changes nothing");
}

#[test]
fn monitor_writes_nothing_and_says_that_the_certificate_expires() {
    let mut world = World::auto(20);
    world.policy.mode = Mode::Monitor;
    world.graph().preferred = None;
    let step = world.step();
    assert_eq!((step.write, step.after), (None, None));
    assert_eq!(step.notices, vec![Notice::Expiring { days: 20 }]);
    assert_eq!((world.verdict().health, world.verdict().exit_code()), (Health::NeedsPerson, 2));
}

#[test]
fn the_only_certificate_is_pinned_when_nothing_is_preferred() {
    let mut world = World::auto(300);
    world.graph().preferred = None;
    assert_eq!(world.run().write, Some(Write::Pin(sha1(1))));
    assert_eq!(world.run().write, None);
}

#[test]
fn nothing_is_decided_when_nothing_is_preferred_and_it_could_be_one_of_two() {
    let mut world = World::auto(50);
    world.add(certificate(9, in_days(500)));
    world.graph().preferred = None;
    let step = world.step();
    assert_eq!((step.write.as_ref(), fault(&step)), (None, Some(&Fault::NothingPreferred { candidates: 2 })));
    assert_eq!(world.verdict().health, Health::NeedsPerson);
    assert!(world.verdict().line.contains("activate the one that the targets trust"));
}

#[test]
fn without_permission_nothing_is_decided() {
    let mut world = World::auto(50);
    world.observed.graph = Err(Unread::Forbidden);
    let step = world.step();
    assert_eq!((step.write.as_ref(), fault(&step)), (None, Some(&Fault::GraphUnread(Unread::Forbidden))));
    assert!(world.verdict().to_string().starts_with("needs a person: Graph does not show"));
}

#[test]
fn a_certificate_that_somebody_made_is_brought_into_force_when_the_active_one_is_due() {
    let mut world = World::auto(50);
    world.add(certificate(9, in_days(500)));
    let writes = world.run_for(days(4));
    assert!(writes.iter().all(|write| !matches!(write, Write::Stage { .. })), "{writes:?}");
    assert_eq!(writes.last(), Some(&Write::Activate(sha1(9))));
}

#[test]
fn a_certificate_that_somebody_made_long_before_is_only_told_of() {
    let mut world = World::auto(300);
    world.add(certificate(9, in_days(500)));
    let step = world.run();
    assert_eq!((step.write, step.notices), (None, vec![Notice::ForeignPending(sha256(9))]));
}

#[test]
fn nothing_is_staged_beside_two_pending_certificates() {
    let mut world = World::auto(50);
    world.add(certificate(8, in_days(500)));
    world.add(certificate(9, in_days(501)));
    let step = world.run();
    assert_eq!((step.write.as_ref(), fault(&step)), (None, Some(&Fault::SeveralPending { count: 2 })));
    assert!(world.verdict().line.contains("delete all but the one"), "{}", world.verdict());
}

#[test]
fn nothing_is_staged_when_a_week_is_left_or_none() {
    for (left, expected) in [(7, Fault::TooLateToStage), (0, Fault::ActiveExpired)] {
        let mut world = World::auto(left);
        let step = world.run();
        assert_eq!((step.write.as_ref(), fault(&step)), (None, Some(&expected)), "{left} days");
        assert_ne!(world.verdict().health, Health::Healthy);
        assert_eq!(world.command(Command::Stage { at_once: true }), Err(Refusal::Fault(expected)));
    }
}

#[test]
fn what_signs_in_place_of_an_expired_certificate_is_pinned_if_it_is_trusted() {
    let mut world = World::auto(-1);
    world.add(certificate(9, in_days(500)));
    world.list("identity-center").push(listed(9));
    assert_eq!(world.run().write, Some(Write::Pin(sha1(9))));
    assert_eq!(world.run().write, None);
}

#[test]
fn what_signs_in_place_of_an_expired_certificate_is_imported_at_once_if_it_is_not_trusted() {
    let mut world = World::auto(-1);
    world.add(certificate(9, in_days(500)));
    assert_eq!((world.verdict().health, world.verdict().exit_code()), (Health::Broken, 1));
    let step = world.run();
    assert!(matches!(step.write, Some(Write::Import { .. })), "{step:?}");
    assert!(step.notices.iter().any(Notice::is_page));
    world.go();
    assert_eq!(world.verdict().health, Health::Healthy);
}

#[test]
fn what_signs_in_place_of_an_expired_certificate_is_not_known_when_it_could_be_one_of_two() {
    let mut world = World::auto(-1);
    world.add(certificate(8, in_days(500)));
    world.add(certificate(9, in_days(501)));
    let step = world.step();
    assert_eq!((step.write.as_ref(), fault(&step)), (None, Some(&Fault::SigningUnknown { candidates: 2 })));
    assert_eq!(world.verdict().health, Health::Broken);
}

#[test]
fn a_certificate_that_was_staged_before_a_crash_is_found_by_its_name() {
    let mut world = World::auto(50);
    world.run_until(State::Pinned);
    let step = world.step();
    let Some(write @ Write::Stage { .. }) = &step.write else { panic!("{step:?}") };
    // The run dies between the write and what is stored after it.
    world.persisted = step.before.clone().unwrap();
    world.write(write);
    assert_eq!(world.step().write, None, "another run may still be at it");
    let writes = world.run_for(days(4));
    assert!(!writes.iter().any(|write| matches!(write, Write::Stage { .. })), "{writes:?}");
    assert_eq!(writes.last(), Some(&Write::Activate(sha1(2))));
}

#[test]
fn a_certificate_that_was_asked_for_and_never_came_is_asked_for_under_another_name() {
    let mut world = World::auto(50);
    world.run_until(State::Pinned);
    let step = world.step();
    world.persisted = step.before.unwrap();
    let first = world.persisted.rotation.as_ref().unwrap().id.clone();
    let writes = world.run_for(days(4));
    let Write::Stage { display_name } = &writes[0] else { panic!("{writes:?}") };
    assert_ne!(*display_name, first.display_name());
    assert_eq!(writes.last(), Some(&Write::Activate(sha1(2))));
}

#[test]
fn nothing_is_imported_before_graph_and_metadata_have_shown_it_five_times() {
    let mut world = World::auto(50);
    world.run_until(State::Created);
    world.published().remove(&sha256(2));
    assert_eq!(world.run_for(days(1)), vec![]);
    assert_eq!(world.state(), Some(State::Created));
    world.published().insert(sha256(2));
    for _ in 0..4 {
        world.go();
        assert_eq!(world.state(), Some(State::Created));
    }
    world.go();
    assert_eq!(world.state(), Some(State::Published));
}

#[test]
fn metadata_of_another_tenant_or_application_publishes_nothing() {
    for foreign in [true, false] {
        let mut world = World::auto(50);
        world.run_until(State::Created);
        if foreign {
            world.observed.metadata.as_mut().unwrap().entity_id = entity_id(uuid::Uuid::from_u128(8));
        } else {
            world.published().remove(&sha256(1));
        }
        let step = world.run();
        let told = fault(&step).unwrap().to_string();
        assert!(told.contains(if foreign { "ENTRA_TENANT_ID" } else { "application id" }), "{told}");
        assert_eq!(world.run_for(days(1)), vec![]);
        assert_eq!(world.state(), Some(State::Created));
        assert_eq!(world.verdict().health, Health::NeedsPerson);
    }
}

#[test]
fn a_certificate_that_a_target_does_not_take_is_taken_out_again() {
    let mut world = World::auto(50);
    world.run_until(State::Created);
    world.persisted.rotation.as_mut().unwrap().staged.as_mut().unwrap().pem = "x".repeat(2_501);
    let step = world.run();
    assert_eq!(step.write, Some(Write::RemovePending(sha256(2))));
    assert!(fault(&step).unwrap().to_string().contains("2501 characters"), "{step:?}");
    assert_eq!(world.state(), Some(State::Held));
}

#[test]
fn an_activation_by_hand_before_anything_trusts_it_is_undone() {
    let mut world = World::by_hand(50);
    world.run_until(State::AwaitingPerson);
    world.graph().preferred = Some(sha1(2));
    assert_eq!(world.run_for(SignedDuration::ZERO), vec![Write::RollBack(sha1(1))]);
    assert_eq!(world.state(), Some(State::AwaitingPerson));
}

#[test]
fn a_person_is_asked_once_and_reminded_when_time_runs_out() {
    let mut world = World::by_hand(50);
    world.run_until(State::Published);
    let asked = world.run();
    let [Notice::Reached(State::AwaitingPerson), told @ Notice::ImportByHand { reminder: None, .. }] =
        &asked.notices[..]
    else {
        panic!("{asked:?}")
    };
    assert!(
        told.to_string().contains(&sha256(2).to_string()) && told.to_string().contains("BEGIN CERTIFICATE")
    );
    let mut reminders = Vec::new();
    while world.state() == Some(State::AwaitingPerson) {
        let step = world.run();
        reminders.extend(step.notices.into_iter().filter_map(|notice| match notice {
            Notice::ImportByHand { reminder, .. } => reminder,
            _ => None,
        }));
        world.now = step.look_again;
    }
    assert_eq!(reminders, [44, 29, 13, 7]);
    assert_eq!(world.persisted.rotation.as_ref().unwrap().held, Some(HeldBecause::Late));
}

#[test]
fn what_nobody_imported_is_taken_out_of_entra_id_a_week_before_expiry() {
    let mut world = World::by_hand(50);
    let writes = world.run_for(days(42));
    assert!(matches!(writes[..], [Write::Stage { .. }]), "{writes:?}");
    assert_eq!(world.run_for(days(1)), vec![]);
    let writes = world.run_for(SignedDuration::from_hours(1));
    assert_eq!(writes, vec![Write::RemovePending(sha256(2))]);
    assert_eq!((world.state(), world.verdict().health), (Some(State::Held), Health::NeedsPerson));
    assert_eq!(world.run_for(days(2)), vec![], "and nothing is staged again");
}

#[test]
fn a_target_that_cannot_be_read_is_unknown_and_activates_nothing() {
    let mut world = World::auto(50);
    world.run_until(State::Published);
    world.observed.targets.clear();
    world.run_for(days(30));
    assert_eq!(world.state(), Some(State::AwaitingPerson));
    assert_eq!(world.graph().preferred, Some(sha1(1)));
}

#[test]
fn what_a_person_imports_is_found_in_the_list() {
    let mut world =
        World::new(Mode::Assist, &[("identity-center", Target::identity_center(false, false))], 50);
    world.run_until(State::AwaitingPerson);
    world.list("identity-center").push(listed(2));
    let writes = world.run_for(days(3));
    assert_eq!(writes, vec![Write::Activate(sha1(2))]);
}

#[test]
fn a_certificate_soaks_for_a_day_unless_an_operator_wants_none() {
    for (at_once, hours) in [(false, 24), (true, 0)] {
        let mut world = World::auto(50);
        world.persisted = world.command(Command::Stage { at_once }).unwrap();
        world.run_until(State::Trusted);
        let since = world.now;
        world.run_until(State::Ready);
        assert_eq!(world.now.duration_since(since), SignedDuration::from_hours(hours));
    }
}

#[test]
fn trust_that_is_lost_while_it_soaks_is_brought_back_first() {
    let mut world = World::auto(50);
    world.run_until(State::Trusted);
    world.list("identity-center").retain(|listed| listed.sha256 != sha256(2));
    world.go();
    assert_eq!(world.state(), Some(State::Published));
    assert!(matches!(world.run_for(SignedDuration::from_hours(1))[..], [Write::Import { .. }]));
}

#[test]
fn a_list_that_cannot_be_read_for_a_while_delays_the_activation_only() {
    let mut world = World::auto(50);
    world.run_until(State::Ready);
    let readings = std::mem::take(&mut world.observed.targets);
    assert_eq!(world.run_for(days(2)), vec![]);
    assert_eq!(world.state(), Some(State::Ready));
    world.observed.targets = readings;
    assert_eq!(world.run_for(days(1)), vec![Write::Activate(sha1(2))]);
}

#[test]
fn it_is_activated_in_the_change_window_or_with_approval() {
    for approved in [false, true] {
        let mut world = World::auto(50);
        world.run_until(State::Ready);
        world.now = "2026-11-07T12:00:00Z".parse().unwrap();
        if approved {
            world.persisted = world.command(Command::Activate).unwrap();
        }
        world.go();
        assert_eq!(world.state() == Some(State::Activating), approved, "on a Saturday");
    }
}
