//! Whether the rotation of the signing certificate keeps its promises, and whether the histories are hard enough.

use crate::figure::{Bound, Figure};
use tests::rotation::bugs::Decider;
use tests::rotation::many::play_many;

/// Histories of each rotation.
const HISTORIES: u64 = 10_000;
/// Of a hundred histories, in so many the rotation that activates first must fail sign-ins.
const NAIVE_FAILS: f64 = 90.0;

/// Everything this measures, in the order in which it is printed.
pub const NAMES: [&str; 3] = [
    "rotation-10000-histories-violations",
    "rotation-10000-histories-failed-sign-ins",
    "rotation-10000-histories-naive-fails",
];

/// Plays the histories. A seed in which something did not hold is told.
pub fn measure() -> [Figure; 3] {
    let sound = play_many(0..HISTORIES, Decider::Sound, false);
    for (seed, report) in &sound.violations {
        eprintln!("tests/bench: SEED={seed}: {}", report.violation.as_deref().unwrap_or_default());
    }
    let naive = play_many(0..HISTORIES, Decider::Naive, false);
    let share = naive.with_failures as f64 / naive.histories as f64 * 100.0;
    let [violations, failed, fails] = NAMES;
    [
        Figure::new(violations, sound.violations.len() as f64, "histories", Bound::AtMost(0.0)),
        Figure::new(failed, sound.failed_sign_ins as f64, "sign-ins", Bound::AtMost(0.0)),
        Figure::new(fails, share, "% of histories", Bound::AtLeast(NAIVE_FAILS)),
    ]
}
