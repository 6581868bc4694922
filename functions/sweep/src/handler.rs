//! Adapts a scheduled event to the sweep. A run that fails is a failed invocation, never a returned text.

use engine::assignments::{AssignmentPoll, Polled};
use engine::moving::Mover;
use engine::ports::CallError;
use engine::telemetry::{Count, Telemetry};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "look_at")]
pub enum SweepEvent {
    /// The assignments to the enterprise application, and the agenda.
    Assignments,
}

/// What a run did, for its log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SweepReport {
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
}

/// The sweep function.
pub struct SweepFunction {
    /// Reads the assignments.
    pub poll: AssignmentPoll,
    /// Moves due work.
    pub mover: Mover,
    /// Reports.
    pub telemetry: Arc<dyn Telemetry>,
}

impl SweepFunction {
    /// Does what the schedule asks for. Due work is moved even if the poll fails: a revocation on the agenda
    /// must not wait for Graph.
    ///
    /// # Errors
    /// When the poll or the moving failed; what was done stays done, and the next run repeats the rest.
    pub async fn handle(&self, event: SweepEvent) -> Result<SweepReport, SweepError> {
        let SweepEvent::Assignments = event;
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
        let report = SweepReport { assigned, came, gone, held, moved };
        tracing::info!(assigned, came, gone, held, moved, "looked at the assignments");
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_says_what_to_look_at() {
        let event: SweepEvent = serde_json::from_str(r#"{"look_at":"assignments"}"#).unwrap();
        assert_eq!(event, SweepEvent::Assignments);
    }

    #[test]
    fn a_schedule_that_says_something_else_is_refused() {
        assert!(serde_json::from_str::<SweepEvent>(r#"{"look_at":"nothing"}"#).is_err());
        assert!(serde_json::from_str::<SweepEvent>("{}").is_err());
    }
}
