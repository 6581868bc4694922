//! Adapts a scheduled event to the sweep. A run that fails is a failed invocation, never a returned text.

use engine::assignments::{AssignmentPoll, Polled};
use engine::moving::Mover;
use engine::ports::CallError;
use engine::sweep::{FullSweep, Swept, Wanted};
use engine::telemetry::{Count, Telemetry};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A full sweep stops after this time, however much is left; the next one goes on.
const LONGEST: Duration = Duration::from_mins(12);

/// Kept free before the deadline, for the slices that are being read.
const MARGIN: Duration = Duration::from_mins(1);

/// What a schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "look_at")]
pub enum SweepEvent {
    /// The assignments to the enterprise application, and the agenda.
    Assignments,
    /// Both sides and the ledger: a full sweep, or the rest of the one that was cut off.
    Everything,
    /// The rest of a full sweep that was cut off, if there is one.
    Unfinished,
}

/// What a run did, for its log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum SweepReport {
    /// It looked at the assignments.
    Assignments(AssignmentsReport),
    /// It compared both sides.
    Everything(EverythingReport),
}

/// What a full sweep did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EverythingReport {
    /// `finished`, `unfinished`, `somebody_else` or `nothing_to_do`.
    pub outcome: &'static str,
    /// What was found and read, where something was.
    #[serde(flatten)]
    pub swept: Option<engine::sweep::SweepReport>,
}

/// What a look at the assignments did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AssignmentsReport {
    /// Principals that are assigned.
    pub assigned: usize,
    /// Of these, newly.
    pub came: usize,
    /// Principals whose assignment is gone.
    pub gone: usize,
    /// Principals whose loss waits for an operator since this run.
    pub held: usize,
    /// Agenda entries that were moved to the queue.
    pub moved: usize,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The assignments were not read.
    #[error("the assignments were not taken over: {0}")]
    Poll(CallError),
    /// The agenda was not read or moved.
    #[error("due work was not moved to the queue: {0}")]
    Agenda(CallError),
    /// Something was not read completely.
    #[error("the full sweep stopped, and nothing is concluded from what was not read: {0}")]
    Everything(#[from] engine::sweep::SweepError),
}

/// The sweep function.
pub struct SweepFunction {
    /// Reads the assignments.
    pub poll: AssignmentPoll,
    /// Moves due work.
    pub mover: Mover,
    /// Compares both sides.
    pub full: FullSweep,
    /// Reports.
    pub telemetry: Arc<dyn Telemetry>,
}

impl SweepFunction {
    /// Does what the schedule asks for, within `time`, after which the process may be killed.
    ///
    /// # Errors
    /// When a read, or the moving of due work, failed; what was done stays done, and the next run repeats the
    /// rest.
    pub async fn handle(&self, event: SweepEvent, time: Duration) -> Result<SweepReport, SweepError> {
        match event {
            SweepEvent::Assignments => self.look_at_assignments().await.map(SweepReport::Assignments),
            SweepEvent::Everything => self.look_at_everything(Wanted::Everything, time).await,
            SweepEvent::Unfinished => self.look_at_everything(Wanted::Unfinished, time).await,
        }
    }

    async fn look_at_everything(&self, wanted: Wanted, time: Duration) -> Result<SweepReport, SweepError> {
        let now = self.full.clock.now();
        let stop_at = now + time.saturating_sub(MARGIN).min(LONGEST);
        let (outcome, swept) = match self.full.run(wanted, stop_at, now + time).await? {
            Swept::Finished(report) => ("finished", Some(report)),
            Swept::Unfinished(report) => ("unfinished", Some(report)),
            Swept::SomebodyElse => ("somebody_else", None),
            Swept::NothingToDo => ("nothing_to_do", None),
        };
        let report = EverythingReport { outcome, swept };
        if let Ok(report) = serde_json::to_string(&report) {
            tracing::info!(report, "looked at everything");
        }
        Ok(SweepReport::Everything(report))
    }

    /// Due work is moved even if the poll fails: a revocation on the agenda must not wait for Graph.
    async fn look_at_assignments(&self) -> Result<AssignmentsReport, SweepError> {
        let polled = self.poll.run().await;
        let moved = self.mover.move_due().await.map_err(SweepError::Agenda)?;
        let polled = polled.map_err(SweepError::Poll)?;
        self.telemetry.count(Count::Heartbeat, 1);
        let Polled { assigned, came, gone, held } = polled;
        if held > 0 {
            tracing::error!(
                report.held = held,
                "many assignments are gone at once, and wait for an operator: look at them with \
                 `entra-mirror holds`, then approve or discard them"
            );
        }
        let report = AssignmentsReport { assigned, came, gone, held, moved };
        tracing::info!(assigned, came, gone, held, moved, "looked at the assignments");
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_says_what_to_look_at() {
        for (word, event) in [
            ("assignments", SweepEvent::Assignments),
            ("everything", SweepEvent::Everything),
            ("unfinished", SweepEvent::Unfinished),
        ] {
            let text = format!(r#"{{"look_at":"{word}"}}"#);
            assert_eq!(serde_json::from_str::<SweepEvent>(&text).unwrap(), event);
        }
    }

    #[test]
    fn a_schedule_that_says_something_else_is_refused() {
        assert!(serde_json::from_str::<SweepEvent>(r#"{"look_at":"nothing"}"#).is_err());
        assert!(serde_json::from_str::<SweepEvent>("{}").is_err());
    }
}
