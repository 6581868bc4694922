//! Rate budgets: how often a service may be called. They begin at this process's share of the documented quota,
//! shrink when the service says that it is too much (others use the quota, too), and grow back.

use crate::telemetry::Telemetry;
use crate::urgency::{Turn, Urgency};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What part of a full bucket bulk work leaves untouched, so that live work never waits behind it.
const RESERVE: f64 = 0.2;
/// What is left of the rate after a throttle.
const SHRINK: f64 = 0.7;
/// The rate never falls below this part of the quota.
const FLOOR: f64 = 0.05;
/// What part of the quota the rate grows back by in a second: all of it in twenty.
const GROWTH: f64 = 0.05;
/// Throttles within this time are one: they come from calls that were under way together.
const ONE_THROTTLE: Duration = Duration::from_secs(1);

/// The budget runs short: come back after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunsShort {
    /// When there will be room again.
    pub retry_after: SignedDuration,
}

/// One budget of the same quota for each API of a service, made at its first use. Clones share them.
#[derive(Clone)]
pub struct Budgets {
    quota: f64,
    telemetry: Option<Arc<dyn Telemetry>>,
    by_api: Arc<Mutex<BTreeMap<&'static str, Arc<Budget>>>>,
}

/// A token bucket of at most one second's calls.
pub struct Budget {
    api: &'static str,
    quota: f64,
    telemetry: Option<Arc<dyn Telemetry>>,
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

impl Budgets {
    /// Budgets of so many calls per second and API for this process.
    pub fn new(quota: f64) -> Self {
        Self { quota, telemetry: None, by_api: Arc::default() }
    }

    /// Throttles are reported there.
    pub fn reporting_to(self, telemetry: Arc<dyn Telemetry>) -> Self {
        Self { telemetry: Some(telemetry), ..self }
    }

    /// The budget of an API. Needs a tokio runtime.
    pub fn of(&self, api: &'static str) -> Arc<Budget> {
        let mut by_api = self.by_api.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Budget { telemetry: self.telemetry.clone(), ..Budget::new(api, self.quota) });
        by_api.entry(api).or_insert_with(made).clone()
    }
}

impl Budget {
    /// A budget of so many units per second for this process. Needs a tokio runtime.
    pub fn new(api: &'static str, quota: f64) -> Self {
        let state = State {
            rate: quota,
            tokens: burst(quota),
            at: Instant::now(),
            quiet_until: None,
            throttled_at: None,
        };
        Self { api, quota, telemetry: None, state: Mutex::new(state) }
    }

    /// Throttles are reported there.
    pub fn reporting_to(self, telemetry: Arc<dyn Telemetry>) -> Self {
        Self { telemetry: Some(telemetry), ..self }
    }

    /// Waits until so many units may be used.
    ///
    /// # Errors
    /// [`RunsShort`] if that takes longer than the work's urgency allows; nothing was taken then.
    pub async fn take(&self, units: f64) -> Result<(), RunsShort> {
        let turn = Turn::current();
        let deadline = turn.deadline();
        loop {
            let ready = match self.state().try_take(self.quota, units, turn.urgency) {
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
        if let Some(telemetry) = &self.telemetry {
            telemetry.throttled(self.api);
        }
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

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets").field("quota", &self.quota).finish_non_exhaustive()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("api", &self.api).field("state", &self.state).finish_non_exhaustive()
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
            Urgency::Live => units,
            // One more bucketful on credit: what is taken away is not taken away bit by bit.
            Urgency::Revocation => units - full,
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
    use crate::urgency::{with_urgency, within};
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
        let took = calls(&Budget::new("CreateUser", 20.0), 2_016).await;
        assert!((99.0..102.0).contains(&took.as_secs_f64()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn live_work_finds_the_reserve_however_much_bulk_work_waits() {
        let budget = Budget::new("CreateUser", 20.0);
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
        let budget = Budget::new("CreateUser", 20.0);
        (0..10).for_each(|_| budget.throttled(None));
        assert!((budget.rate() - 14.0).abs() < 0.01, "{}", budget.rate());
        tokio::time::sleep(Duration::from_secs(30)).await;
        let _ = budget.take(1.0).await;
        assert!((budget.rate() - 20.0).abs() < 0.01, "{}", budget.rate());
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_never_dies() {
        let budget = Budget::new("CreateUser", 20.0);
        for _ in 0..100 {
            budget.throttled(None);
            tokio::time::sleep(ONE_THROTTLE).await;
        }
        assert!(budget.rate() >= 1.0, "{}", budget.rate());
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_service_asks_for_is_waited_out_or_the_work_steps_back() {
        let budget = Budget::new("CreateUser", 20.0);
        budget.throttled(Some(SignedDuration::from_secs(1)));
        let start = Instant::now();
        budget.take(1.0).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
        budget.throttled(Some(SignedDuration::from_secs(60)));
        let short = budget.take(1.0).await.unwrap_err();
        assert!(short.retry_after >= SignedDuration::from_secs(59), "{short:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn live_work_steps_back_soon_and_a_revocation_waits() {
        let budget = Budget::new("CreateUser", 0.5);
        budget.take(2.0).await.unwrap();
        budget.take(1.0).await.unwrap();
        assert!(with_urgency(Urgency::Live, budget.take(1.0)).await.is_err());
        let start = Instant::now();
        with_urgency(Urgency::Revocation, budget.take(1.0)).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_revocation_takes_two_buckets_at_once_and_others_wait_until_that_is_made_up_for() {
        let budget = Budget::new("DeleteGroupMembership", 4.0);
        let start = Instant::now();
        for _ in 0..8 {
            with_urgency(Urgency::Revocation, budget.take(1.0)).await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        with_urgency(Urgency::Bulk, budget.take(1.0)).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn work_within_a_time_steps_back_when_it_is_over() {
        let budget = Budget::new("CreateUser", 1.0);
        let start = Instant::now();
        let work = async {
            let mut calls = 0;
            while budget.take(1.0).await.is_ok() {
                calls += 1;
            }
            calls
        };
        let bulk = with_urgency(Urgency::Bulk, within(Duration::from_secs(5), work));
        assert!((4..=6).contains(&bulk.await));
        assert!(start.elapsed() <= Duration::from_secs(5), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn every_api_has_a_budget_of_its_own_that_all_callers_share() {
        let budgets = Budgets::new(0.25);
        for api in ["CreateUser", "CreateGroup"] {
            budgets.of(api).take(1.0).await.unwrap();
        }
        assert!(with_urgency(Urgency::Live, budgets.clone().of("CreateUser").take(1.0)).await.is_err());
    }
}
