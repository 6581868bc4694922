//! What a full sweep of the organisation costs: calls, virtual time, and the memory of this process.

use super::{LATENCY, Organisation, PAGE, Size, beginning};
use crate::own_process::peak_memory;
use anyhow::{Context, bail};
use engine::ports::Clock;
use engine::sweep::ports::SweepTelemetry;
use engine::sweep::{DriftPolicy, FullSweep, SweepReport, SweepSettings, Swept, Wanted};
use engine::telemetry::{Applied, Count, Telemetry};
use jiff::{SignedDuration, Timestamp};
use planning::EntraObjectId;
use planning::mapping::MappingSettings;
use planning::skipped::Skipped;
use planning::sweep::ForeignMember;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;
use wiring::pace::EvenPace;

/// What one invocation may take.
const INVOCATION: Duration = Duration::from_mins(12);
/// No sweep needs so many.
const INVOCATIONS: usize = 10;

/// What a full sweep has cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Calls of the identity store.
    pub identity_store_calls: usize,
    /// Round trips to Graph.
    pub graph_calls: usize,
    /// Virtual time.
    pub took: Duration,
    /// Virtual time of the longest invocation.
    pub longest_invocation: Duration,
    /// Memberships that were compared.
    pub memberships: usize,
    /// MiB that this process has needed at the most.
    pub peak_memory: f64,
}

/// The least that a sweep of so large an organisation can cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fewest {
    /// Calls of the identity store: every page of users, of groups, and of each group's members.
    pub identity_store_calls: usize,
    /// Round trips to Graph: twenty users each, ten groups each, and the assignments.
    pub graph_calls: usize,
    /// The longer of reading the lists page by page and reading 20 groups a second.
    pub time: Duration,
}

impl Fewest {
    /// For this size.
    pub fn of(size: Size) -> Self {
        let Size { users, groups, members_per_group } = size;
        let pages_of_users = users.div_ceil(PAGE);
        let pages_of_members = members_per_group.div_ceil(PAGE).max(1);
        let lists = LATENCY * u32::try_from(pages_of_users.max(groups.div_ceil(PAGE))).unwrap_or(u32::MAX);
        Self {
            identity_store_calls: pages_of_users + groups.div_ceil(PAGE) + groups * pages_of_members,
            graph_calls: users.div_ceil(20) + (2 * groups).div_ceil(20) + 1,
            time: lists.max(Duration::from_secs((groups * pages_of_members) as u64) / 20),
        }
    }
}

/// Sweeps an organisation in step. Needs tokio's paused clock.
///
/// # Errors
/// When a read fails, or the sweep does not end.
///
/// # Panics
/// When the sweep finds a difference, or writes: there is nothing to find.
pub async fn measure(size: Size) -> anyhow::Result<Cost> {
    let organisation = Arc::new(Organisation::of(size));
    let clock = Arc::new(VirtualClock(organisation.begun));
    let full = FullSweep {
        directory: organisation.clone(),
        lister: organisation.clone(),
        ledger: organisation.clone(),
        agenda: organisation.clone(),
        clock: clock.clone(),
        pace: Arc::new(EvenPace::default()),
        telemetry: Arc::new(Silence),
        settings: SweepSettings {
            mapping: MappingSettings::default(),
            drift: DriftPolicy::Report,
            grace: SignedDuration::from_hours(7 * 24),
        },
    };
    let start = Instant::now();
    let mut longest_invocation = Duration::ZERO;
    for _ in 0..INVOCATIONS {
        let end = clock.now() + SignedDuration::try_from(INVOCATION)?;
        let begun = Instant::now();
        let swept = full.run(Wanted::Everything, end, end).await.context("the sweep failed")?;
        longest_invocation = longest_invocation.max(begun.elapsed());
        if let Swept::Finished(report) = swept {
            return Ok(Cost {
                identity_store_calls: organisation.store_calls.load(Ordering::Relaxed),
                graph_calls: organisation.graph_calls.load(Ordering::Relaxed),
                took: start.elapsed(),
                longest_invocation,
                memberships: report.memberships,
                peak_memory: peak_memory()?,
            });
        }
    }
    bail!("{INVOCATIONS} invocations did not finish the sweep")
}

struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        beginning() + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

struct Silence;

impl Telemetry for Silence {
    fn applied(&self, _: &Applied<'_>) {}
    fn skipped(&self, _: &EntraObjectId, _: &Skipped) {}
    fn count(&self, _: Count, _: u64) {}
}

impl SweepTelemetry for Silence {
    fn foreign_member(&self, member: &ForeignMember, _: bool) {
        panic!("{} is in step and called foreign", member.user);
    }
    fn swept(&self, _: &SweepReport, _: SignedDuration) {}
}
