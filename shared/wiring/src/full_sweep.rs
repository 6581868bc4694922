//! Puts the full sweep together: its configuration, its parts, and its reports.

use crate::access::AccessConfiguration;
use crate::clock::SystemClock;
use crate::configuration::{ConfigurationError, StoreConfiguration, SweepConfiguration};
use crate::http::SharedHttp;
use crate::pace::EvenPace;
use crate::telemetry::LambdaTelemetry;
use crate::variables::Variables;
use crate::{aws, budgets, graph};
use aws_config::SdkConfig;
use engine::sweep::ports::SweepTelemetry;
use engine::sweep::{DriftPolicy, FullSweep, SweepReport, SweepSettings};
use engine::telemetry::Count;
use jiff::SignedDuration;
use ledger::DynamoLedger;
use planning::sweep::{Difference, ForeignMember};
use std::sync::Arc;

/// The configuration of the full sweep.
#[derive(Debug, Clone)]
pub struct FullSweepConfiguration {
    /// What it shares with the minute run.
    pub sweep: SweepConfiguration,
    /// `IDENTITY_STORE_ID`.
    pub identity_store_id: String,
    /// `RULES_PARAMETER` and the instance that they are for, if there are rules.
    pub(crate) access: Option<AccessConfiguration>,
    /// `DRIFT`, `GRACE_DAYS`; and as the mirror has them `USER_NAME_SOURCE`, `LOCALE_SOURCE`,
    /// `TIME_ZONE_SOURCE`.
    pub settings: SweepSettings,
}

impl FullSweepConfiguration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::read(&Variables(&crate::configuration::environment))
    }

    fn read(variables: &Variables<'_>) -> Result<Self, ConfigurationError> {
        let store = StoreConfiguration::read(variables)?;
        let access = store.access();
        let drift = variables.choice(
            "DRIFT",
            "report or repair: what becomes of memberships of managed groups that somebody else wrote",
            DriftPolicy::default(),
            &[("report", DriftPolicy::Report), ("repair", DriftPolicy::Repair)],
        )?;
        let settings =
            SweepSettings { mapping: store.settings.mapping, drift, grace: store.settings.grace.0 };
        Ok(Self { sweep: store.sweep, identity_store_id: store.identity_store_id, access, settings })
    }
}

/// Connects the full sweep to Graph, Identity Center and the ledger.
pub(crate) fn connect(
    configuration: FullSweepConfiguration,
    http: &SharedHttp,
    config: &SdkConfig,
    ledger: &DynamoLedger,
    telemetry: Arc<dyn SweepTelemetry>,
) -> FullSweep {
    let units = budgets::graph_of_full_sweep();
    let store = aws::identity_store(config, configuration.identity_store_id, budgets::identity_store(1));
    FullSweep {
        directory: Arc::new(graph::directory(&configuration.sweep.graph, http, config, units)),
        lister: Arc::new(store.reader()),
        ledger: Arc::new(ledger.clone()),
        agenda: Arc::new(ledger.clone()),
        clock: Arc::new(SystemClock),
        pace: Arc::new(EvenPace::default()),
        telemetry,
        settings: configuration.settings,
    }
}

impl SweepTelemetry for LambdaTelemetry {
    fn foreign_member(&self, member: &ForeignMember, repaired: bool) {
        let owner = member.owner.as_ref().map_or("nobody of ours", |owner| owner.as_str());
        tracing::warn!(
            group.id = %member.group,
            identity_center.group = %member.group_id,
            identity_center.user = %member.user,
            principal.id = owner,
            repaired,
            "drift: somebody else wrote a membership that Entra ID does not call for; DRIFT=repair takes such ones away"
        );
    }

    fn swept(&self, report: &SweepReport, took: SignedDuration) {
        for difference in Difference::ALL {
            let name = difference.metric_name();
            let Some(times) = report.differences.get(name) else { continue };
            let metric = if difference.is_drift() { "Drift" } else { "Differences" };
            self.metric(metric, "Count", *times as f64, &[("Kind", name)]);
        }
        self.metric("SweepCalls", "Count", report.identity_store_calls as f64, &[]);
        self.metric("SweepPlanned", "Count", report.planned as f64, &[]);
        self.metric("SweepDuration", "Seconds", took.as_secs_f64(), &[]);
        self.metric(Count::Heartbeat.name(), "Count", 1.0, &[("Run", "everything")]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ID: &str = "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e";

    fn read(also: &[(&str, &str)]) -> Result<FullSweepConfiguration, ConfigurationError> {
        let mut variables = BTreeMap::from([
            ("ENTRA_TENANT_ID", ID),
            ("ENTRA_SERVICE_PRINCIPAL_ID", ID),
            ("ENTRA_CLIENT_ID", ID),
            ("LEDGER_TABLE", "ledger"),
            ("CHANGES_QUEUE_URL", "https://queue"),
            ("IDENTITY_STORE_ID", "d-1234567890"),
        ]);
        variables.extend(also.iter().copied());
        FullSweepConfiguration::read(&Variables(&|name| variables.get(name).map(ToString::to_string)))
    }

    #[test]
    fn drift_is_only_reported_and_grace_is_a_week_unless_said_otherwise() {
        let settings = read(&[]).unwrap().settings;
        assert_eq!((settings.drift, settings.grace), (DriftPolicy::Report, SignedDuration::from_hours(168)));
        let settings = read(&[("DRIFT", "repair"), ("GRACE_DAYS", "30")]).unwrap().settings;
        assert_eq!((settings.drift, settings.grace), (DriftPolicy::Repair, SignedDuration::from_hours(720)));
    }

    #[test]
    fn a_wrong_choice_is_named() {
        for (name, value) in [("DRIFT", "yes"), ("GRACE_DAYS", "0"), ("GRACE_DAYS", "a week")] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains('\n'), "{error}");
        }
    }
}
