//! Adapts schedules and CloudTrail's events to the rotation. A run that fails is a failed invocation, never a returned text.

mod sign_in;

use engine::ports::CallError;
use engine::rotation::{Ran, RotationError, Rotator, Wanted};
use jiff::Timestamp;
use planning::rotation::Health;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a schedule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "look_at")]
pub enum LookEvent {
    /// The certificate, in any case.
    Certificate,
    /// The certificate, if it is time, or an operator wants something: this schedule runs every two minutes, and mostly
    /// costs two reads of the ledger.
    Due,
}

/// What a run did, for its log line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateReport {
    /// `looked`, `not_due`, `somebody_else`, `counted` (a sign-in) or `ignored` (an event of another kind).
    pub outcome: &'static str,
    /// How it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// How it is, in a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// The writes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<String>,
    /// When to look again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_again: Option<Timestamp>,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The rotation.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// A sign-in.
    #[error("a sign-in was not counted: {0}")]
    Evidence(CallError),
    /// A schedule that nobody knows.
    #[error(
        "the event is neither one of CloudTrail nor {{\"look_at\": \"certificate\"}} or {{\"look_at\": \"due\"}}: correct the schedule"
    )]
    UnknownEvent,
}

/// The certificate function.
pub struct CertificateFunction {
    /// Looks and acts.
    pub rotator: Rotator,
}

impl CertificateFunction {
    /// Does what the event asks for.
    ///
    /// # Errors
    /// When something was not done; the next run repeats it.
    pub async fn handle(&self, event: Value) -> Result<CertificateReport, CertificateError> {
        if event.get("detail-type").is_some() {
            return self.count(&event["detail"]).await;
        }
        let wanted = match serde_json::from_value(event) {
            Ok(LookEvent::Certificate) => Wanted::Anyway,
            Ok(LookEvent::Due) => Wanted::IfDue,
            Err(_) => return Err(CertificateError::UnknownEvent),
        };
        Ok(match self.rotator.run(wanted).await? {
            Ran::NotDue => CertificateReport::of("not_due"),
            Ran::SomebodyElse => CertificateReport::of("somebody_else"),
            Ran::Looked(looked) => CertificateReport {
                outcome: "looked",
                health: Some(looked.look.verdict.health),
                verdict: Some(looked.look.verdict.to_string()),
                writes: looked.writes,
                look_again: Some(looked.look_again),
            },
        })
    }

    /// Counts a sign-in. Events that are none, or are not understood, are no failure: they would only come again.
    async fn count(&self, record: &Value) -> Result<CertificateReport, CertificateError> {
        let Some(event) = sign_in::read(record) else {
            return Ok(CertificateReport::of("ignored"));
        };
        self.rotator.evidence.count(&event).await.map_err(CertificateError::Evidence)?;
        Ok(CertificateReport::of("counted"))
    }
}

impl CertificateReport {
    fn of(outcome: &'static str) -> Self {
        Self { outcome, health: None, verdict: None, writes: Vec::new(), look_again: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_says_when_to_look() {
        let read = |text: &str| serde_json::from_str::<LookEvent>(text);
        assert_eq!(read(r#"{"look_at":"certificate"}"#).unwrap(), LookEvent::Certificate);
        assert_eq!(read(r#"{"look_at":"due"}"#).unwrap(), LookEvent::Due);
        assert!(read(r#"{"look_at":"everything"}"#).is_err() && read("{}").is_err());
    }
}
