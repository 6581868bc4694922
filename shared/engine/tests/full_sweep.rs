//! Facts about the full sweep in a small world.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::agenda::{Priority, Reason};
use engine::ports::{Cause, Ledger};
use engine::subscriptions::ports::SweepRequests;
use engine::sweep::ports::SweepLedger;
use engine::sweep::{DriftPolicy, SweepError, Swept, Wanted};
use engine::trigger::{Look, Subject};
use jiff::SignedDuration;
use std::sync::Arc;
use world::set_up::engineers;
use world::store::Moment;
use world::sweep::TickingPace;
use world::{World, groups};

const REPORT: DriftPolicy = DriftPolicy::Report;

#[tokio::test(start_paused = true)]
async fn both_sides_in_step_cost_the_fewest_reads_and_nothing_is_planned() {
    let world = World::new();
    let users: Vec<Subject> = (0..250).map(|number| world.user(&format!("user{number}"))).collect();
    let all: Vec<&Subject> = users.iter().collect();
    let (everyone, some) = (world.group("Everyone", &all), world.group("Some", &all[..3]));
    let nobody = world.group("Nobody", &[]);
    for group in [&everyone, &some, &nobody] {
        world.assign(group);
    }
    world.settle().await;
    assert_eq!(world.held()["Everyone"].len(), 250);
    world.reset_calls();
    let report = world.sweep().await;
    assert!(report.differences.is_empty(), "{report:?}");
    assert!(world.planned().is_empty(), "{:?}", world.planned());
    // 250 users, 3 groups, and members: 3 pages of 250, 1 of 3, 1 of none.
    assert_eq!(world.store_calls(), 3 + 1 + 3 + 1 + 1, "{:?}", world.store.state().calls);
    assert_eq!(report.identity_store_calls, world.store_calls());
    assert!(world.store.state().writes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_join_a_leave_and_a_rename_of_which_nobody_told_are_found() {
    let (world, engineers, ada, bob) = engineers().await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.entra.leave(&engineers.id, bob);
    world.rename(&ada, "ada.king");
    world.entra.rename_group(&engineers.id, "Platform");
    let report = world.sweep_and_settle(REPORT).await;
    assert_eq!(world.held(), groups(&[("Platform", &["ada.king", "eve"])]), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn someone_disabled_and_someone_deleted_of_whom_nobody_told_lose_access_first() {
    let (world, _, ada, bob) = engineers().await;
    world.change(&ada, |ada| ada.account_enabled = false);
    world.entra.state().users.remove(&bob.id);
    world.sweep().await;
    let planned = world.planned();
    assert!(planned.iter().all(|entry| entry.priority == Priority::Revocation), "{planned:?}");
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
}

#[tokio::test(start_paused = true)]
async fn someone_enabled_again_of_whom_nobody_told_returns() {
    let (world, _, ada, _) = engineers().await;
    world.change(&ada, |ada| ada.account_enabled = false);
    world.notified(&ada).await;
    world.change(&ada, |ada| ada.account_enabled = true);
    world.sweep_and_settle(REPORT).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_read_fails_the_run_and_nothing_is_concluded_from_it() {
    for reads in ["ListUsers", "ListGroups", "ListGroupMemberships", "members", "accounts", "assignments"] {
        let (world, engineers, ada, _) = engineers().await;
        world.entra.leave(&engineers.id, ada.clone());
        world.change(&ada, |ada| ada.account_enabled = false);
        let failure = Cause::Incomplete { missing: "a page".into() };
        world.store.state().failing.insert(reads, (failure.clone(), Moment::Before));
        world.entra.state().failing.insert(reads, failure);
        assert!(world.sweep_with(REPORT).await.is_err(), "{reads} failed and the sweep did not");
        let looks = world.planned();
        assert!(looks.iter().all(|entry| entry.subject == ada), "{reads}: {looks:?}");
        world.store.state().failing.clear();
        world.entra.state().failing.clear();
        world.sweep_and_settle(REPORT).await;
        assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]), "after {reads} failed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_empty_where_objects_are_known_is_an_error() {
    let (world, ..) = engineers().await;
    {
        let mut state = world.store.state();
        state.users.clear();
        state.memberships.clear();
    }
    let error = world.sweep_with(REPORT).await.unwrap_err();
    assert!(matches!(error, SweepError::NothingListed(_)), "{error}");
    assert!(error.to_string().contains("IDENTITY_STORE_ID"), "{error}");
    assert!(world.planned().iter().all(|entry| entry.reason != Reason::Doubt), "{:?}", world.planned());
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_about_the_assignments_is_an_error() {
    let (world, ..) = engineers().await;
    world.entra.state().assigned.clear();
    let error = world.sweep_with(REPORT).await.unwrap_err();
    assert!(matches!(error, SweepError::NothingListed(_)), "{error}");
    assert!(world.planned().is_empty());
}

#[tokio::test(start_paused = true)]
async fn being_throttled_is_waited_out() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    for read in ["ListUsers", "ListGroups", "ListGroupMemberships"] {
        let throttled = Cause::Throttled { retry_after: None };
        world.store.state().failing.insert(read, (throttled, Moment::Before));
    }
    for read in ["members", "accounts", "assignments"] {
        world.entra.state().failing.insert(read, Cause::Throttled { retry_after: None });
    }
    world.sweep_and_settle(REPORT).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
}

#[tokio::test(start_paused = true)]
async fn a_dirty_record_is_looked_at() {
    let (world, engineers, ada, _) = engineers().await;
    for subject in [&ada, &engineers] {
        world.ledger.mark_dirty(&subject.id).await.unwrap();
    }
    let report = world.sweep_and_settle(REPORT).await;
    assert_eq!(report.differences["dirty"], 2);
    assert!(world.sweep().await.differences.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_lost_its_assigned_flag_gets_it_back() {
    let (world, engineers, ..) = engineers().await;
    let entry = engine::agenda::AgendaEntry {
        due: world.now(),
        priority: Priority::Revocation,
        subject: engineers.clone(),
        reason: Reason::Assignment,
        look: Look::ReadAnyway,
        expectations: vec![],
        noticed_at: world.now(),
    };
    world.ledger.set_assigned(false, &entry).await.unwrap();
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &[])]));
    world.sweep_and_settle(REPORT).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_delta_link_is_renewed_before_it_expires() {
    let (world, ..) = engineers().await;
    // The first read is looked at again, which renews the link, too.
    world.pass(3_600).await;
    world.pass(4 * 86_400).await;
    assert!(world.sweep().await.differences.is_empty());
    world.pass(2 * 86_400).await;
    let report = world.sweep_and_settle(REPORT).await;
    assert_eq!(report.differences["delta_link_old"], 1);
    assert!(world.sweep().await.differences.is_empty(), "the link is renewed");
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_is_planned_once_its_grace_period_is_over() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.leave(&engineers.id, ada.clone());
    world.notified(&engineers).await;
    world.pass(6 * 86_400).await;
    assert!(!world.sweep().await.differences.contains_key("grace_over"));
    world.drain().await;
    world.pass(86_400).await;
    world.sweep().await;
    let planned: Vec<_> =
        world.planned().into_iter().filter(|entry| entry.reason == Reason::GraceOver).collect();
    assert_eq!(planned.len(), 1, "{planned:?}");
    assert_eq!(planned[0].subject, ada);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cut_off_goes_on_where_it_stopped() {
    let world = World::new();
    let ada = world.user("ada");
    for number in 0..145 {
        world.assign(&world.group(&format!("Group {number}"), &[&ada]));
    }
    world.settle().await;
    world.reset_calls();
    let stranger = world.hand_made_user("stranger");
    let all: Vec<_> = world.store.state().groups.keys().cloned().collect();
    for group in all {
        world.hand_made_membership(&stranger, &group);
    }
    let mut sweep = world.full_sweep(REPORT);
    sweep.pace = Arc::new(TickingPace(world.clock.clone()));
    let mut invocations = 0;
    let report = loop {
        invocations += 1;
        let wanted = if invocations == 1 { Wanted::Everything } else { Wanted::Unfinished };
        // Time for a fraction of the groups only.
        let stop_at = world.now() + SignedDuration::from_millis(100);
        match sweep.run(wanted, stop_at, stop_at + SignedDuration::from_mins(1)).await.unwrap() {
            Swept::Unfinished(_) => {
                assert!(world.ledger.sweep_state().await.unwrap().progress.is_some());
            }
            Swept::Finished(report) => break report,
            other => panic!("{other:?}"),
        }
    };
    assert!(invocations > 1, "the run was never cut off");
    let calls = world.store.state().calls.clone();
    assert_eq!((calls["ListUsers"], calls["ListGroups"]), (1, 2), "the lists are not read again");
    assert_eq!(calls["ListGroupMemberships"], 145, "every group is read once");
    assert_eq!(report.differences["membership_foreign"], 145, "what was found before is not forgotten");
    assert_eq!(report.identity_store_calls, 148);
    let idle = sweep.run(Wanted::Unfinished, world.now(), world.now()).await.unwrap();
    assert_eq!(idle, Swept::NothingToDo);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_is_asked_for_is_made_by_the_next_run_and_begins_after_that() {
    let (world, ..) = engineers().await;
    let run = async |wanted: Wanted, time: SignedDuration| {
        let stop_at = world.now() + time;
        world.full_sweep(REPORT).run(wanted, stop_at, stop_at + SignedDuration::from_mins(1)).await.unwrap()
    };
    let (none, enough) = (SignedDuration::ZERO, SignedDuration::from_mins(12));
    // One is under way that began before.
    assert!(matches!(run(Wanted::Everything, none).await, Swept::Unfinished(_)));
    world.pass(60).await;
    world.ledger.want_everything(world.now()).await.unwrap();
    assert!(matches!(run(Wanted::Unfinished, enough).await, Swept::Finished(_)));
    assert!(
        matches!(run(Wanted::Unfinished, enough).await, Swept::Finished(_)),
        "it began too early to count"
    );
    assert_eq!(run(Wanted::Unfinished, enough).await, Swept::NothingToDo);
}

#[tokio::test(start_paused = true)]
async fn two_never_sweep_at_once() {
    let (world, ..) = engineers().await;
    let later = world.now() + SignedDuration::from_mins(15);
    let lease = world.ledger.take_sweep_lease(world.now(), later).await.unwrap().unwrap();
    let second = world.full_sweep(REPORT).run(Wanted::Everything, later, later).await.unwrap();
    assert_eq!(second, Swept::SomebodyElse);
    assert_eq!(world.store_calls(), 0);
    // The first one was killed and gave nothing back.
    world.pass(15 * 60).await;
    world.sweep().await;
    let late = world.ledger.store_sweep_progress(&lease, None).await;
    assert_eq!(late.unwrap_err().cause, Cause::Concurrent, "the one before must not write any more");
}
