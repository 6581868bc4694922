//! What goes wrong, and when: drawn from the seed, and counted by kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// A row missing from a poll must not be missing from the next one: two polls that agree are believed.
const BETWEEN_MISSING_ROWS: Duration = Duration::from_mins(30);

/// How often things go wrong, each of a thousand calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Calls that fail and have no effect.
    pub fail: u32,
    /// Calls that take effect, and whose answer is lost.
    pub lose: u32,
    /// Calls before or after which the function dies.
    pub crash: u32,
    /// Reads of the assignments that lack a row.
    pub missing_row: u32,
    /// Messages that are not deleted although they were handled.
    pub undeleted: u32,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It works.
    Good,
    /// It fails, and has no effect.
    Fails,
    /// It takes effect, and its answer is lost.
    AnswerLost,
    /// The function dies before it.
    CrashBefore,
    /// The function dies after it.
    CrashAfter,
}

/// Draws fates. Equal seeds and equal questions give equal answers.
#[derive(Debug)]
pub struct Chaos {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    rates: Rates,
    /// Some reads see the sandbox's frozen state and some the present one.
    split_replicas: bool,
    last_missing_row: Option<Instant>,
    /// The function dies with its next call of this kind; after it, if so.
    doomed: Option<(&'static str, bool)>,
    injected: BTreeMap<&'static str, u64>,
}

impl Chaos {
    /// Chaos of this seed at these rates.
    pub fn new(seed: u64, rates: Rates) -> Self {
        let state = State {
            random: fastrand::Rng::with_seed(seed ^ 0x63_68_61_6f_73),
            rates,
            split_replicas: false,
            last_missing_row: None,
            doomed: None,
            injected: BTreeMap::new(),
        };
        Self { state: Mutex::new(state) }
    }

    /// From here on things go wrong this often.
    pub fn set_rates(&self, rates: Rates) {
        self.state().rates = rates;
    }

    /// From here on nothing goes wrong any more.
    pub fn calm_down(&self) {
        let mut state = self.state();
        (state.rates, state.split_replicas, state.doomed) = (Rates::default(), false, None);
    }

    /// Whoever makes a call of this kind next dies before it, or after it.
    pub fn doom(&self, operation: &'static str, after: bool) {
        self.state().doomed = Some((operation, after));
    }

    /// Whether a message that was handled is not deleted, and comes again.
    pub fn stays_in_queue(&self) -> bool {
        let mut state = self.state();
        let stays = state.random.u32(0..1_000) < state.rates.undeleted;
        if stays {
            *state.injected.entry("messages that come again").or_default() += 1;
        }
        stays
    }

    /// Whether reads of a frozen directory differ from each other.
    pub fn split_replicas(&self, split: bool) {
        self.state().split_replicas = split;
    }

    /// Notes a fault of a kind.
    pub fn note(&self, kind: &'static str) {
        *self.state().injected.entry(kind).or_default() += 1;
    }

    /// What was injected, by kind.
    pub fn injected(&self) -> BTreeMap<&'static str, u64> {
        self.state().injected.clone()
    }

    /// The fate of a call.
    pub fn fate(&self, operation: &str) -> Fate {
        let mut state = self.state();
        if let Some((_, after)) = state.doomed.take_if(|(doomed, _)| *doomed == operation) {
            *state.injected.entry("crashes at a chosen call").or_default() += 1;
            return if after { Fate::CrashAfter } else { Fate::CrashBefore };
        }
        let (rates, drawn) = (state.rates, state.random.u32(0..1_000));
        let (fate, kind) = if drawn < rates.fail {
            (Fate::Fails, "failed calls")
        } else if drawn < rates.fail + rates.lose {
            (Fate::AnswerLost, "lost answers")
        } else if drawn < rates.fail + rates.lose + rates.crash {
            let fate = if state.random.bool() { Fate::CrashBefore } else { Fate::CrashAfter };
            (fate, "crashes between two calls")
        } else {
            return Fate::Good;
        };
        *state.injected.entry(kind).or_default() += 1;
        fate
    }

    /// True if this read goes to a replica that is not behind.
    pub fn reads_the_present(&self) -> bool {
        let mut state = self.state();
        state.split_replicas && state.random.bool()
    }

    /// Which of so many rows a read of the assignments lacks.
    pub fn missing_row(&self, rows: usize) -> Option<usize> {
        let mut state = self.state();
        let long_ago = state.last_missing_row.is_none_or(|last| last.elapsed() >= BETWEEN_MISSING_ROWS);
        if rows == 0 || !long_ago || state.random.u32(0..1_000) >= state.rates.missing_row {
            return None;
        }
        state.last_missing_row = Some(Instant::now());
        *state.injected.entry("reads without a row").or_default() += 1;
        Some(state.random.usize(0..rows))
    }

    /// Takes a while.
    pub async fn latency(&self, longest_ms: u64) {
        let ms = self.state().random.u64(1..=longest_ms);
        sleep(Duration::from_millis(ms)).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The life of one execution environment of a function; it can end in the middle of anything.
#[derive(Debug, Default)]
pub struct Life {
    ended: Notify,
}

impl Life {
    /// Ends here: whatever waits for this waits for ever, until the environment is dropped.
    pub async fn end<T>(&self) -> T {
        self.ended.notify_one();
        std::future::pending().await
    }

    /// Waits for the end.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }
}
