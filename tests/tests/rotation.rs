//! Facts about histories of a signing certificate: `HISTORIES=10000` plays more of them, `SEED=17` one alone.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test is told its seed by the environment, and stops where that is no number"
)]

use std::ops::Range;
use tests::rotation::bugs::{Bug, Decider};
use tests::rotation::history::{EVENTS, play};
use tests::rotation::many::{Summary, play_many};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The seed that `SEED` names, or the first so many.
fn seeds(count: u64) -> Range<u64> {
    let count = number("HISTORIES").unwrap_or(count);
    number("SEED").map_or(0..count, |seed| seed..seed + 1)
}

fn report(summary: &Summary) {
    for (seed, report) in summary.violations.iter().take(5) {
        report.journal.iter().for_each(|line| println!("{line}"));
        println!("play it alone with SEED={seed}: {}", report.violation.as_deref().unwrap_or_default());
    }
}

#[test]
fn every_invariant_holds_and_sign_ins_succeed_through_every_fault() {
    let summary = play_many(seeds(300), Decider::Sound, false);
    report(&summary);
    assert!(summary.violations.is_empty(), "{} of {}", summary.violations.len(), summary.histories);
    assert_eq!(summary.failed_sign_ins, 0);
    assert!(summary.events >= summary.histories * EVENTS as u64);
}

#[test]
fn the_histories_are_about_something() {
    let summary = play_many(0..300, Decider::Sound, false);
    let writes = ["activate", "import", "pin", "remove pending", "retire", "roll back", "stage"];
    assert_eq!(summary.writes.keys().copied().collect::<Vec<_>>(), writes);
    assert!(
        summary.replaced > summary.histories * 3 / 4,
        "rotated in {} of {}",
        summary.replaced,
        summary.histories
    );
    assert!(
        summary.unexcused > summary.histories / 3,
        "nobody failed in {} of {}",
        summary.unexcused,
        summary.histories
    );
    assert!(summary.lied > 0 && summary.lies_undone > 0, "no lie came to light");
}

#[test]
fn activating_first_and_importing_then_fails_sign_ins_in_nine_of_ten_histories() {
    let summary = play_many(0..300, Decider::Naive, false);
    let share = summary.with_failures as f64 / summary.histories as f64;
    assert!(share > 0.9, "only in {} of {}", summary.with_failures, summary.histories);
}

#[test]
fn equal_seeds_give_equal_histories() {
    let journal = |seed| play(seed, Decider::Sound).journal;
    assert_eq!(journal(7), journal(7));
    assert_ne!(journal(7), journal(8));
}

/// So many histories are played before a bug counts as not found; most are found within a few.
const ENOUGH: u64 = 300;

#[test]
fn every_deliberate_bug_is_caught() {
    for bug in Bug::ALL {
        let summary = play_many(0..ENOUGH, Decider::With(bug), true);
        let found = summary.violations.values().next().and_then(|report| report.violation.clone());
        println!("{bug:?}: {} histories, {found:?}", summary.histories);
        assert!(found.is_some(), "{bug:?} was not caught in {} histories", summary.histories);
    }
}
