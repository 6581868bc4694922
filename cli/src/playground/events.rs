//! Collects what the product reports while a step is played.

use engine::access::FailedChange;
use engine::ports::CallError;
use engine::subscriptions::telemetry::SubscriptionTelemetry;
use engine::subscriptions::{Report, SubscriptionError};
use engine::sweep::SweepReport;
use engine::sweep::ports::SweepTelemetry;
use engine::telemetry::{Applied, AppliedAssignment, Count, Telemetry};
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::skipped::Skipped;
use planning::subscriptions::Step;
use planning::sweep::ForeignMember;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was reported since the step began.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// `<principal> <change>` of every write, in order; of account assignments also those that failed.
    pub changes: Vec<String>,
    /// `<principal> <reason>` of everything skipped.
    pub skipped: BTreeSet<String>,
    /// The lag of every write, in milliseconds.
    pub lags_ms: Vec<f64>,
    /// Handlings that failed and were tried again.
    pub failures: u64,
    /// `<group> <user>` of every membership that a full sweep found and nobody called for.
    pub drift: BTreeSet<String>,
}

/// Telemetry of the playground: nothing is printed, everything is kept.
#[derive(Debug, Default)]
pub struct EventCollector(Mutex<Events>);

impl EventCollector {
    /// What was reported so far.
    pub fn snapshot(&self) -> Events {
        self.lock().clone()
    }

    /// True if this principal was reported as skipped.
    pub fn has_skipped(&self, principal: &str) -> bool {
        self.lock().skipped.iter().any(|line| line.starts_with(principal))
    }

    /// Takes what was reported, and starts anew.
    pub fn take(&self) -> Events {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Telemetry for EventCollector {
    fn applied(&self, applied: &Applied<'_>) {
        let mut events = self.lock();
        events.changes.push(format!("{} {}", applied.principal, applied.change));
        events.lags_ms.push(applied.lag.as_secs_f64() * 1_000.0);
    }

    fn skipped(&self, principal: &EntraObjectId, skipped: &Skipped) {
        self.lock().skipped.insert(format!("{principal} {skipped}"));
    }

    fn assignment_applied(&self, applied: &AppliedAssignment<'_>) {
        let mut events = self.lock();
        events.changes.push(format!("{} {}", applied.group, applied.change));
        events.lags_ms.push(applied.lag.as_secs_f64() * 1_000.0);
    }

    fn assignment_failed(&self, group: &EntraObjectId, failed: &FailedChange) {
        self.lock().changes.push(format!("{group} failed: {}: {}", failed.change, failed.reason));
    }

    fn count(&self, count: Count, times: u64) {
        if count == Count::FailedHandlings {
            self.lock().failures += times;
        }
    }
}

impl SweepTelemetry for EventCollector {
    fn foreign_member(&self, member: &ForeignMember, _repaired: bool) {
        self.lock().drift.insert(format!("{} {}", member.group_id, member.user));
    }

    fn swept(&self, _report: &SweepReport, _took: SignedDuration) {}
}

/// The run itself answers with what it did.
impl SubscriptionTelemetry for EventCollector {
    fn stepped(&self, _step: &Step) {}

    fn retried(&self, _error: &CallError) {}

    fn failed(&self, _error: &SubscriptionError) {
        self.lock().failures += 1;
    }

    fn looked(&self, _report: &Report) {}
}
