//! What happened last, for the report of a history that went wrong; and what the product skipped.

use super::clock::VirtualClock;
use engine::access::FailedChange;
use engine::sweep::SweepReport;
use engine::sweep::ports::SweepTelemetry;
use engine::telemetry::{Applied, AppliedAssignment, Count, Telemetry};
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::plan::Change;
use planning::skipped::Skipped;
use planning::sweep::ForeignMember;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines that are kept.
const KEPT: usize = 2_000;

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
    revocations: Vec<Revocation>,
    deletions: Vec<(String, Duration)>,
    swept: Option<(Duration, Duration)>,
}

/// A membership that the product took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Duration,
    /// Whose, by the id in Entra ID.
    pub person: String,
    /// In which group, by the id in Identity Center.
    pub group: String,
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

    /// The memberships that were taken away since this was asked last.
    pub fn take_revocations(&self) -> Vec<Revocation> {
        std::mem::take(&mut self.state().revocations)
    }

    /// The objects that were deleted since this was asked last, and when.
    pub fn take_deletions(&self) -> Vec<(String, Duration)> {
        std::mem::take(&mut self.state().deletions)
    }

    /// From when to when the last full sweep ran that finished.
    pub fn swept(&self) -> Option<(Duration, Duration)> {
        self.state().swept
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
        let at = self.clock.elapsed();
        match applied.change {
            Change::RevokeMembership { group, .. } => {
                let (person, group) = (applied.principal.to_string(), group.to_string());
                self.state().revocations.push(Revocation { at, person, group });
            }
            Change::DeleteUser { user, .. } => self.state().deletions.push((user.to_string(), at)),
            Change::DeleteGroup { group, .. } => self.state().deletions.push((group.to_string(), at)),
            _ => {}
        }
    }

    fn assignment_applied(&self, applied: &AppliedAssignment<'_>) {
        self.write(format!("    product: {} {} ({})", applied.group, applied.change, applied.cause));
    }

    fn assignment_failed(&self, group: &EntraObjectId, failed: &FailedChange) {
        self.write(format!("    product: {group} {} failed: {}", failed.change, failed.reason));
    }

    fn skipped(&self, principal: &EntraObjectId, skipped: &Skipped) {
        self.state().skipped.entry(principal.to_string()).or_default().insert(skipped.to_string());
    }

    fn count(&self, count: Count, times: u64) {
        let told = [Count::Assigned, Count::Unassigned, Count::Held, Count::NotificationsRejected];
        if times > 0 && told.contains(&count) {
            self.write(format!("    product: {} {times}", count.name()));
        }
    }
}

impl SweepTelemetry for Journal {
    fn foreign_member(&self, member: &ForeignMember, _: bool) {
        self.write(format!("    drift: {} in {}", member.user, member.group_id));
    }

    fn swept(&self, report: &SweepReport, took: SignedDuration) {
        let now = self.clock.elapsed();
        self.state().swept = Some((now.saturating_sub(took.unsigned_abs()), now));
        self.write(format!("    full sweep: {report:?}"));
    }
}
