//! Many histories, on as many threads as there are cores: each has a thread's whole runtime for itself.

use super::bugs::Bug;
use super::history::{Report, play};
use anyhow::Context;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// What many histories came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Histories played.
    pub histories: u64,
    /// Events in them.
    pub events: u64,
    /// Virtual time in them.
    pub lasted: Duration,
    /// Writes to the identity store.
    pub writes: u64,
    /// Faults, by kind.
    pub injected: BTreeMap<&'static str, u64>,
    /// Histories in which something did not hold, by seed.
    pub violations: BTreeMap<u64, Report>,
    /// How long it took, in real time.
    pub took: Duration,
}

/// How many histories, and whether the first violation is enough.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seeds.
    pub seeds: Range<u64>,
    /// A deliberate bug.
    pub bug: Option<Bug>,
    /// Stop at the first violation.
    pub one_is_enough: bool,
}

/// Plays histories; `paused` makes a runtime of the current thread whose clock is paused.
///
/// # Errors
/// When a world cannot be put together.
pub fn play_many(plan: &Plan, paused: fn() -> std::io::Result<Runtime>) -> anyhow::Result<Summary> {
    let began = Instant::now();
    let (next, enough) = (AtomicU64::new(plan.seeds.start), AtomicBool::new(false));
    let summary = Mutex::new(Summary::default());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let played = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| play_some(plan, paused, &next, &enough, &summary))).collect();
        let ended = workers.into_iter().map(|worker| worker.join());
        ended.map(|ended| ended.unwrap_or_else(|_| Err(anyhow::anyhow!("a history panicked")))).collect()
    });
    let played: anyhow::Result<Vec<()>> = played;
    played?;
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.took = began.elapsed();
    Ok(summary)
}

fn play_some(
    plan: &Plan,
    paused: fn() -> std::io::Result<Runtime>,
    next: &AtomicU64,
    enough: &AtomicBool,
    summary: &Mutex<Summary>,
) -> anyhow::Result<()> {
    while !enough.load(Ordering::Relaxed) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if !plan.seeds.contains(&seed) {
            break;
        }
        let runtime = paused().context("no runtime")?;
        let report = runtime.block_on(play(seed, plan.bug)).with_context(|| format!("SEED={seed}"))?;
        if report.violation.is_some() && plan.one_is_enough {
            enough.store(true, Ordering::Relaxed);
        }
        summary.lock().unwrap_or_else(PoisonError::into_inner).add(report);
    }
    Ok(())
}

impl Summary {
    fn add(&mut self, report: Report) {
        self.histories += 1;
        self.events += report.events as u64;
        self.lasted += report.lasted;
        self.writes += report.writes;
        for (kind, times) in &report.injected {
            *self.injected.entry(kind).or_default() += times;
        }
        if report.violation.is_some() {
            self.violations.insert(report.seed, report);
        }
    }
}
