//! What a run reports.

use super::report::{Report, SubscriptionError};
use crate::ports::CallError;
use crate::telemetry::Telemetry;
use planning::subscriptions::Step;

/// Where a run's reports go.
pub trait SubscriptionTelemetry: Telemetry {
    /// A step took effect.
    fn stepped(&self, step: &Step);
    /// A call failed in a way that passes by itself, and is tried again.
    fn retried(&self, error: &CallError);
    /// A step failed; the others are carried out all the same.
    fn failed(&self, error: &SubscriptionError);
    /// A run is over; this is how everything stands.
    fn looked(&self, report: &Report);
}
