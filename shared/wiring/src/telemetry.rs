//! Telemetry: log lines through `tracing`, metrics as lines in CloudWatch's embedded metric format.

use engine::access::FailedChange;
use engine::telemetry::{Applied, AppliedAssignment, Count, Telemetry};
use jiff::Timestamp;
use planning::EntraObjectId;
use planning::access::SkippedAssignment;
use planning::skipped::Skipped;
use serde_json::{Map, Value, json};
use std::io::Write;

/// The CloudWatch namespace of every metric.
const NAMESPACE: &str = "EntraMirror";

/// Writes log lines and metrics of one function to standard output, where CloudWatch finds both.
#[derive(Debug, Clone)]
pub struct LambdaTelemetry {
    function: &'static str,
}

impl LambdaTelemetry {
    /// Telemetry of this function.
    pub fn new(function: &'static str) -> Self {
        Self { function }
    }

    /// Writes a metric; `dimensions` have few values and are never personal.
    pub(crate) fn metric(&self, name: &str, unit: &str, value: f64, dimensions: &[(&str, &str)]) {
        let line = metric_line(Timestamp::now(), self.function, name, unit, value, dimensions);
        // A metric that cannot be written must not stop the work it counts.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

impl Telemetry for LambdaTelemetry {
    fn applied(&self, applied: &Applied<'_>) {
        let lag = applied.lag.as_millis();
        tracing::info!(
            principal.id = %applied.principal,
            change = applied.change.name(),
            what = %applied.change,
            cause = applied.cause,
            lag_ms = i64::try_from(lag).unwrap_or(i64::MAX),
            "applied"
        );
        self.metric("Changes", "Count", 1.0, &[("Change", applied.change.name())]);
        self.metric("Lag", "Milliseconds", lag as f64, &[]);
    }

    fn skipped(&self, principal: &EntraObjectId, skipped: &Skipped) {
        tracing::warn!(principal.id = %principal, reason = %skipped, "skipped");
        self.metric("Skipped", "Count", 1.0, &[("Reason", skipped.why().metric_name())]);
    }

    fn assignment_applied(&self, applied: &AppliedAssignment<'_>) {
        let lag = applied.lag.as_millis();
        tracing::info!(
            principal.id = %applied.group,
            change = applied.change.name(),
            what = %applied.change,
            rules = applied.rules.join(", "),
            cause = applied.cause,
            lag_ms = i64::try_from(lag).unwrap_or(i64::MAX),
            "applied"
        );
        self.metric("Changes", "Count", 1.0, &[("Change", applied.change.name())]);
        self.metric("AccessLag", "Milliseconds", lag as f64, &[]);
    }

    fn assignment_skipped(&self, group: &EntraObjectId, skipped: &SkippedAssignment) {
        let assignment = skipped.assignment.as_ref().map(ToString::to_string).unwrap_or_default();
        let reason = skipped.why.metric_name();
        tracing::warn!(principal.id = %group, assignment, reason, "an account assignment is skipped");
        self.metric("Skipped", "Count", 1.0, &[("Reason", reason)]);
    }

    fn assignment_failed(&self, group: &EntraObjectId, failed: &FailedChange) {
        tracing::error!(
            principal.id = %group,
            change = failed.change.name(),
            what = %failed.change,
            reason = failed.reason,
            "AWS did not carry out a change of an account assignment; it is tried again by itself"
        );
        self.metric("FailedAssignments", "Count", 1.0, &[("Change", failed.change.name())]);
    }

    fn count(&self, count: Count, times: u64) {
        if times > 0 {
            self.metric(count.name(), "Count", times as f64, &[]);
        }
    }

    fn throttled(&self, api: &'static str) {
        self.metric("Throttles", "Count", 1.0, &[("Api", api)]);
    }
}

/// One line in the embedded metric format (CloudWatch user guide, "Specification: Embedded metric format").
fn metric_line(
    now: Timestamp,
    function: &str,
    name: &str,
    unit: &str,
    value: f64,
    dimensions: &[(&str, &str)],
) -> Value {
    let mut line = Map::new();
    let names: Vec<&str> =
        std::iter::once("Function").chain(dimensions.iter().map(|(dimension, _)| *dimension)).collect();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": [{"Name": name, "Unit": unit}],
            }],
        }),
    );
    line.insert("Function".to_owned(), json!(function));
    for (dimension, dimension_value) in dimensions {
        line.insert((*dimension).to_owned(), json!(dimension_value));
    }
    line.insert(name.to_owned(), json!(value));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_holds_a_value_for_every_dimension_and_metric_that_it_names() {
        let line =
            metric_line(Timestamp::UNIX_EPOCH, "mirror", "Skipped", "Count", 1.0, &[("Reason", "too_long")]);
        let declared = &line["_aws"]["CloudWatchMetrics"][0];
        let names =
            declared["Dimensions"][0].as_array().unwrap().iter().chain([&declared["Metrics"][0]["Name"]]);
        for name in names {
            assert!(!line[name.as_str().unwrap()].is_null(), "{name} has no value in {line}");
        }
    }
}
