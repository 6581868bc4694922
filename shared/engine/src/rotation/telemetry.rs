//! What a run reports: the look for the metrics, and lines for the log.

use super::look::Look;
use crate::ports::CallError;
use crate::telemetry::Telemetry;
use planning::rotation::{Notice, TargetId, Write};

/// Where a run's reports go.
pub trait RotationTelemetry: Telemetry {
    /// A run is over; this is how everything stands.
    fn looked(&self, look: &Look);
    /// A write took effect.
    fn wrote(&self, write: &Write);
    /// Something that people should know.
    fn noticed(&self, notice: &Notice);
    /// Something could not be read; nothing is concluded from that.
    fn unread(&self, error: &CallError);
    /// A target did something unexpected: it counts as one that only people can change, for this run.
    fn left_to_people(&self, target: &TargetId, error: &CallError);
}
