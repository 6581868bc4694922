//! What happened last, for the report of a history that went wrong; and what the product skipped.

use super::clock::VirtualClock;
use engine::sweep::SweepReport;
use engine::sweep::ports::SweepTelemetry;
use engine::telemetry::{Applied, Count, Telemetry};
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::skipped::Skipped;
use planning::sweep::ForeignMember;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lines that are kept.
const KEPT: usize = 60;

/// The journal of one history, and the product's telemetry.
#[derive(Debug)]
pub struct Journal {
    clock: VirtualClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    /// Everything that was ever written down, in one number: equal histories have equal ones.
    digest: u64,
    skipped: BTreeMap<String, BTreeSet<String>>,
}

impl Journal {
    /// An empty journal.
    pub fn new(clock: VirtualClock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Writes a line.
    pub fn write(&self, line: impl Into<String>) {
        let line = format!("{:>10.3} s  {}", self.clock.elapsed().as_secs_f64(), line.into());
        let mut state = self.state();
        state.digest = line.bytes().fold(state.digest, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        state.lines.push_back(line);
        if state.lines.len() > KEPT {
            state.lines.pop_front();
        }
    }

    /// The last lines.
    pub fn last(&self) -> Vec<String> {
        self.state().lines.iter().cloned().collect()
    }

    /// A number that depends on every line.
    pub fn digest(&self) -> u64 {
        self.state().digest
    }

    /// Forgets what was skipped so far.
    pub fn forget_skipped(&self) {
        self.state().skipped.clear();
    }

    /// What was skipped of each principal.
    pub fn skipped(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.state().skipped.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Telemetry for Journal {
    fn applied(&self, applied: &Applied<'_>) {
        self.write(format!("    product: {} {} ({})", applied.principal, applied.change, applied.cause));
    }

    fn skipped(&self, principal: &EntraObjectId, skipped: &Skipped) {
        self.state().skipped.entry(principal.to_string()).or_default().insert(skipped.to_string());
    }

    fn count(&self, _: Count, _: u64) {}
}

impl SweepTelemetry for Journal {
    fn foreign_member(&self, member: &ForeignMember, _: bool) {
        self.write(format!("    drift: {} in {}", member.user, member.group_id));
    }

    fn swept(&self, report: &SweepReport, _: SignedDuration) {
        self.write(format!("    full sweep: {report:?}"));
    }
}
