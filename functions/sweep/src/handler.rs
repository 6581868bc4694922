//! Adapts a scheduled event to the sweep. A run that fails is a failed invocation, never a returned text.

use engine::access::{AccessSweep, AccessSwept, Watched};
use engine::assignments::{AssignmentPoll, Polled};
use engine::moving::Mover;
use engine::ports::CallError;
use engine::sweep::{FullSweep, Swept, Wanted};
use engine::telemetry::{Count, Telemetry};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A full sweep stops after this time, however much is left; the next one goes on.
const LONGEST: Duration = Duration::from_mins(12);

/// Kept free before the deadline, for the slices that are being read.
const MARGIN: Duration = Duration::from_mins(1);

/// For so long a minute run attends to account assignments that are under way; the next one goes on.
const ATTENDED: Duration = Duration::from_secs(55);

/// For so long it waits for the first of them after work was moved to the queue.
const EXPECTED: Duration = Duration::from_secs(10);

/// Between two looks at what is due.
const PAUSE: Duration = Duration::from_secs(1);

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
    /// What was found of account assignments, where they were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessSwept>,
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
    /// Groups whose account assignments are to be looked at, for rules, accounts or permission sets changed.
    pub access: usize,
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
    /// Rules, accounts or permission sets were not read.
    #[error("account assignments were not weighed, and nobody's change because of rules: {0}")]
    Access(CallError),
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
    /// Weighs and compares account assignments; `None` where no rules are configured.
    pub access: Option<AccessSweep>,
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
            SweepEvent::Assignments => self.look_at_assignments(time).await.map(SweepReport::Assignments),
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
        let access = match &self.access {
            Some(access) if outcome == "finished" => Some(access.run().await.map_err(SweepError::Access)?),
            _ => None,
        };
        let report = EverythingReport { outcome, swept, access };
        if let Ok(report) = serde_json::to_string(&report) {
            tracing::info!(report, "looked at everything");
        }
        Ok(SweepReport::Everything(report))
    }

    /// Due work is moved even if the poll fails: a revocation on the agenda must not wait for Graph.
    async fn look_at_assignments(&self, time: Duration) -> Result<AssignmentsReport, SweepError> {
        let polled = self.poll.run().await;
        let watched = self.watch_access().await;
        let mut moved = self.mover.move_due().await.map_err(SweepError::Agenda)?;
        let polled = polled.map_err(SweepError::Poll)?;
        let access = watched.map_err(SweepError::Access)?.groups;
        moved += self.attend(moved > 0, time).await?;
        self.telemetry.count(Count::Heartbeat, 1);
        let Polled { assigned, came, gone, held } = polled;
        if held > 0 {
            tracing::error!(
                report.held = held,
                "many assignments are gone at once, and wait for an operator: look at them with \
                 `entra-mirror holds`, then approve or discard them"
            );
        }
        let report = AssignmentsReport { assigned, came, gone, held, moved, access };
        tracing::info!(assigned, came, gone, held, moved, access, "looked at the assignments");
        Ok(report)
    }

    async fn watch_access(&self) -> Result<Watched, CallError> {
        match &self.access {
            Some(access) => access.watch.run().await,
            None => Ok(Watched::default()),
        }
    }

    /// Moves what becomes due while account assignments are under way: AWS takes seconds for each, only so many are
    /// under way at once, and no group waits for them in a mirror. Ends as soon as none are.
    async fn attend(&self, has_moved: bool, time: Duration) -> Result<usize, SweepError> {
        let Some(access) = &self.access else { return Ok(0) };
        let began = Instant::now();
        let end = began + time.saturating_sub(MARGIN).min(ATTENDED);
        let expected_until = began + if has_moved { EXPECTED } else { Duration::ZERO };
        let mut moved = 0;
        while Instant::now() < end {
            let under_way = access.watch.is_under_way().await.map_err(SweepError::Access)?;
            if !under_way && Instant::now() >= expected_until {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            moved += self.mover.move_due().await.map_err(SweepError::Agenda)?;
        }
        Ok(moved)
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
