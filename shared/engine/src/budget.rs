//! Rate budgets: how often a service may be called. They begin at the documented quota, shrink when the
//! service says that it is too much (others use the quota, too), and grow back.

use jiff::SignedDuration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    static URGENCY: Urgency;
}

/// What part of a full bucket only live work may touch, so that it never waits behind bulk work.
const RESERVE: f64 = 0.2;
/// What is left of the rate after a throttle.
const SHRINK: f64 = 0.7;
/// The rate never falls below this part of the quota.
const FLOOR: f64 = 0.05;
/// What part of the quota the rate grows back by in a second: all of it in twenty.
const GROWTH: f64 = 0.05;
/// Throttles within this time are one: they come from calls that were under way together.
const ONE_THROTTLE: Duration = Duration::from_secs(1);

/// How urgent the work is that a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Work of the agenda: leaves a reserve, and waits long.
    Bulk,
    /// A live change that gives or updates: steps back soon when the budget runs short.
    #[default]
    Live,
    /// A live change that may take access away.
    Revocation,
}

impl Urgency {
    /// The most that a call of this urgency waits for its turn.
    fn patience(self) -> Duration {
        match self {
            Urgency::Live => Duration::from_millis(250),
            Urgency::Bulk | Urgency::Revocation => Duration::from_secs(20),
        }
    }
}

/// Runs work whose calls are of this urgency.
pub async fn with_urgency<F: Future>(urgency: Urgency, work: F) -> F::Output {
    URGENCY.scope(urgency, work).await
}

/// The budget runs short: come back after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunsShort {
    /// When there will be room again.
    pub retry_after: SignedDuration,
}

/// A token bucket of at most one second's calls.
#[derive(Debug)]
pub struct Budget {
    quota: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Units per second at present.
    rate: f64,
    tokens: f64,
    at: Instant,
    /// The service asked for quiet until then.
    quiet_until: Option<Instant>,
    throttled_at: Option<Instant>,
}

impl Budget {
    /// A budget of so many units per second for this process. Needs a tokio runtime.
    pub fn new(quota: f64) -> Self {
        let state = State {
            rate: quota,
            tokens: burst(quota),
            at: Instant::now(),
            quiet_until: None,
            throttled_at: None,
        };
        Self { quota, state: Mutex::new(state) }
    }

    /// Waits until so many units may be used.
    ///
    /// # Errors
    /// [`RunsShort`] if that takes longer than the work's urgency allows; nothing was taken then.
    pub async fn take(&self, units: f64) -> Result<(), RunsShort> {
        let urgency = URGENCY.try_with(|urgency| *urgency).unwrap_or_default();
        let deadline = Instant::now() + urgency.patience();
        loop {
            let ready = match self.state().try_take(self.quota, units, urgency) {
                Ok(()) => return Ok(()),
                Err(ready) => ready,
            };
            if ready > deadline {
                let wait = ready.duration_since(Instant::now());
                let retry_after = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
                return Err(RunsShort { retry_after });
            }
            sleep_until(ready).await;
        }
    }

    /// The service said that it was too much, and perhaps for how long.
    pub fn throttled(&self, retry_after: Option<SignedDuration>) {
        let now = Instant::now();
        let mut state = self.state();
        state.refill(self.quota, now);
        let is_new = state.throttled_at.is_none_or(|at| now.duration_since(at) >= ONE_THROTTLE);
        if is_new {
            state.rate = (state.rate * SHRINK).max(self.quota * FLOOR);
            state.throttled_at = Some(now);
        }
        state.tokens = state.tokens.min(0.0);
        let quiet = retry_after.and_then(|wait| Duration::try_from(wait).ok()).map(|wait| now + wait);
        state.quiet_until = state.quiet_until.max(quiet);
    }

    /// Units per second at present.
    pub fn rate(&self) -> f64 {
        self.state().rate
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the units, or says when it is worth asking again.
    fn try_take(&mut self, quota: f64, units: f64, urgency: Urgency) -> Result<(), Instant> {
        let now = Instant::now();
        self.refill(quota, now);
        if let Some(until) = self.quiet_until.filter(|until| *until > now) {
            return Err(until);
        }
        let full = burst(self.rate);
        // What costs more than a full bucket goes when it is full.
        let units = units.min(full);
        let needed = match urgency {
            Urgency::Bulk => (units + full * RESERVE).min(full),
            Urgency::Live | Urgency::Revocation => units,
        };
        if self.tokens + 1e-9 >= needed {
            self.tokens -= units;
            return Ok(());
        }
        // Timers tick in milliseconds: asking a little later beats asking twice.
        let wait = ((needed - self.tokens) / self.rate * 1_000.0).ceil().max(1.0);
        Err(now + Duration::from_millis(wait as u64))
    }

    fn refill(&mut self, quota: f64, now: Instant) {
        let passed = now.duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + passed * self.rate).min(burst(self.rate));
        self.rate = (self.rate + passed * quota * GROWTH).min(quota);
    }
}

/// A full bucket: a second's worth, and at least one call.
fn burst(rate: f64) -> f64 {
    rate.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;

    async fn calls(budget: &Budget, count: usize) -> Duration {
        let start = Instant::now();
        for _ in 0..count {
            with_urgency(Urgency::Bulk, budget.take(1.0)).await.unwrap();
        }
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn bulk_work_alone_uses_the_whole_quota() {
        let took = calls(&Budget::new(20.0), 2_016).await;
        assert!((99.0..102.0).contains(&took.as_secs_f64()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn live_work_finds_the_reserve_however_much_bulk_work_waits() {
        let budget = Budget::new(20.0);
        let bulk = join_all((0..100).map(|_| with_urgency(Urgency::Bulk, budget.take(1.0))));
        let live = async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            let start = Instant::now();
            with_urgency(Urgency::Revocation, budget.take(1.0)).await.unwrap();
            start.elapsed()
        };
        let (_, waited) = futures::join!(bulk, live);
        assert_eq!(waited, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_shrinks_the_rate_once_and_it_grows_back() {
        let budget = Budget::new(20.0);
        (0..10).for_each(|_| budget.throttled(None));
        assert!((budget.rate() - 14.0).abs() < 0.01, "{}", budget.rate());
        tokio::time::sleep(Duration::from_secs(30)).await;
        let _ = budget.take(1.0).await;
        assert!((budget.rate() - 20.0).abs() < 0.01, "{}", budget.rate());
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_never_dies() {
        let budget = Budget::new(20.0);
        for _ in 0..100 {
            budget.throttled(None);
            tokio::time::sleep(ONE_THROTTLE).await;
        }
        assert!(budget.rate() >= 1.0, "{}", budget.rate());
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_service_asks_for_is_waited_out_or_the_work_steps_back() {
        let budget = Budget::new(20.0);
        budget.throttled(Some(SignedDuration::from_secs(1)));
        let start = Instant::now();
        budget.take(1.0).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
        budget.throttled(Some(SignedDuration::from_secs(60)));
        let short = budget.take(1.0).await.unwrap_err();
        assert!(short.retry_after >= SignedDuration::from_secs(59), "{short:?}");
    }
}
