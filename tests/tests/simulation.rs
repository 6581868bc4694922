//! Facts about histories in virtual time: the real engine and adapters over the sandbox, with faults of every kind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops where its world is not as it should be, and is told its seed by the environment"
)]

use std::ops::Range;
use tests::simulation::bugs::Bug;
use tests::simulation::history::{Report, play};
use tests::simulation::many::{Plan, play_many};

fn paused() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
}

fn played(seed: u64) -> Report {
    paused().unwrap().block_on(play(seed, None)).unwrap()
}

/// The seed that `SEED` names, or the first so many.
fn seeds(count: u64) -> Range<u64> {
    let named = std::env::var("SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    named.map_or(0..count, |seed| seed..seed + 1)
}

#[test]
fn every_property_holds_through_faults_and_both_sides_agree_in_the_end() {
    let summary = play_many(&Plan { seeds: seeds(300), bug: None, one_is_enough: false }, paused).unwrap();
    for (seed, report) in &summary.violations {
        report.journal.iter().for_each(|line| println!("{line}"));
        println!("play it alone with SEED={seed}: {}", report.violation.as_ref().unwrap());
    }
    assert!(summary.violations.is_empty(), "{} of {}", summary.violations.len(), summary.histories);
    assert!(summary.injected.len() > 10, "too few kinds of faults: {:?}", summary.injected);
}

#[test]
fn equal_seeds_give_equal_histories() {
    let (one, other) = (played(7), played(7));
    assert_eq!((one.digest, one.writes), (other.digest, other.writes));
    assert_ne!(one.digest, played(8).digest);
}

/// So many histories are played before a bug counts as not found; most are found within a few.
const ENOUGH: u64 = 60;

#[test]
fn every_deliberate_bug_is_caught() {
    for bug in Bug::ALL {
        let summary =
            play_many(&Plan { seeds: 0..ENOUGH, bug: Some(bug), one_is_enough: true }, paused).unwrap();
        let found = summary.violations.values().next().and_then(|report| report.violation.clone());
        println!("{bug:?}: {} histories, {found:?}", summary.histories);
        assert!(
            found.is_some(),
            "{bug:?} was not caught in {} histories: add what would show it to the events or the faults",
            summary.histories
        );
    }
}
