//! Many histories, on as many threads as there are cores.

use super::bugs::Decider;
use super::history::{Report, play};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What many histories came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Histories played.
    pub histories: u64,
    /// Events in them.
    pub events: u64,
    /// Writes, by kind.
    pub writes: BTreeMap<&'static str, u64>,
    /// Histories in which the certificate was replaced before it expired.
    pub replaced: u64,
    /// Looks at which somebody could not sign in, and nothing excused it.
    pub failed_sign_ins: u64,
    /// Histories in which somebody could not sign in because somebody lied.
    pub lied: u64,
    /// Activations after a lie that were undone.
    pub lies_undone: u64,
    /// Histories in which somebody could not sign in because people let the certificate expire.
    pub neglected: u64,
    /// Histories with nothing that would excuse an expired certificate.
    pub unexcused: u64,
    /// Histories in which somebody could not sign in, whatever the reason.
    pub with_failures: u64,
    /// Histories in which something did not hold, by seed.
    pub violations: BTreeMap<u64, Report>,
}

/// Plays the histories of these seeds; only the first violation if one is enough.
pub fn play_many(seeds: Range<u64>, decider: Decider, one_is_enough: bool) -> Summary {
    let (next, enough) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let summary = Mutex::new(Summary::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) {
                        break;
                    }
                    let report = play(seed, decider);
                    if report.violation.is_some() && one_is_enough {
                        enough.store(true, Ordering::Relaxed);
                    }
                    summary.lock().unwrap_or_else(PoisonError::into_inner).add(report);
                }
            });
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Summary {
    fn add(&mut self, report: Report) {
        self.histories += 1;
        self.events += report.events as u64;
        for (kind, times) in &report.writes {
            *self.writes.entry(kind).or_default() += times;
        }
        self.replaced += u64::from(report.replaced);
        self.failed_sign_ins += report.failed;
        self.lied += u64::from(report.lied > 0);
        self.lies_undone += report.lies_undone;
        self.neglected += u64::from(report.neglected > 0);
        self.unexcused += u64::from(report.excuse.is_none());
        self.with_failures += u64::from(report.failed + report.lied + report.neglected > 0);
        if report.violation.is_some() {
            self.violations.insert(report.seed, report);
        }
    }
}
