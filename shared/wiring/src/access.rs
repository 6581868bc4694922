//! Puts together what account assignments are read, decided and written with.

use crate::aws;
use crate::budgets;
use crate::clock::SystemClock;
use crate::rules::{GivenRules, RulesParameter};
use aws_config::SdkConfig;
use engine::access::{AccessOfSnapshot, AccessPorts, AccessSweep, AccessWatch, Worlds};
use engine::budget::Budget;
use engine::telemetry::Telemetry;
use identity_center::{Instance, Organization};
use ledger::DynamoLedger;
use std::sync::Arc;

/// Where the rules are, and which instance they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessConfiguration {
    pub rules_parameter: String,
    pub identity_store_id: String,
}

/// The readers, with the instance for whoever may write.
struct Connected {
    rules: RulesParameter,
    organization: Arc<Organization>,
    instance: Instance,
}

impl Connected {
    fn worlds(&self) -> Arc<Worlds> {
        Arc::new(Worlds::new(
            Arc::new(self.rules.clone()),
            self.organization.clone(),
            Arc::new(self.instance.reader()),
            Arc::new(SystemClock),
        ))
    }
}

/// What one of so many mirrors needs.
pub(crate) fn of_mirror(
    configuration: AccessConfiguration,
    aws: &SdkConfig,
    ledger: &DynamoLedger,
    mirrors: u16,
    telemetry: Arc<dyn Telemetry>,
) -> AccessPorts {
    let calls = budgets::admin_of_mirror(mirrors).reporting_to(telemetry.clone());
    let reads = budgets::organizations().reporting_to(telemetry);
    let connected = connect(configuration, aws, calls, reads);
    AccessPorts {
        worlds: connected.worlds(),
        reader: Arc::new(connected.instance.reader()),
        writer: Arc::new(connected.instance.writer()),
        ledger: Arc::new(ledger.clone()),
    }
}

/// What the sweep needs; it cannot write.
pub(crate) fn of_sweep(
    configuration: AccessConfiguration,
    aws: &SdkConfig,
    ledger: &DynamoLedger,
    telemetry: Arc<dyn Telemetry>,
) -> AccessSweep {
    let calls = budgets::admin_of_sweep().reporting_to(telemetry.clone());
    let reads = budgets::organizations().reporting_to(telemetry.clone());
    let connected = connect(configuration, aws, calls, reads);
    let watch = AccessWatch {
        worlds: connected.worlds(),
        ledger: Arc::new(ledger.clone()),
        access: Arc::new(ledger.clone()),
        holds: Arc::new(ledger.clone()),
        agenda: Arc::new(ledger.clone()),
        clock: Arc::new(SystemClock),
        telemetry,
    };
    AccessSweep { watch, reader: Arc::new(connected.instance.reader()) }
}

/// What a snapshot is read from, with these rules instead of those in use, if any are given; it cannot write.
pub(crate) fn of_snapshot(
    configuration: AccessConfiguration,
    rules: Option<String>,
    aws: &SdkConfig,
    ledger: &DynamoLedger,
) -> AccessOfSnapshot {
    let connected = connect(configuration, aws, budgets::admin_of_sweep(), budgets::organizations());
    let reader = Arc::new(connected.instance.reader());
    AccessOfSnapshot {
        rules: match rules {
            Some(rules) => Arc::new(GivenRules(rules)),
            None => Arc::new(connected.rules),
        },
        organization: connected.organization,
        permission_sets: reader.clone(),
        assignments: reader,
        ledger: Arc::new(ledger.clone()),
    }
}

fn connect(configuration: AccessConfiguration, aws: &SdkConfig, calls: Budget, reads: Budget) -> Connected {
    let AccessConfiguration { rules_parameter, identity_store_id } = configuration;
    Connected {
        rules: RulesParameter::new(aws_sdk_ssm::Client::new(aws), rules_parameter),
        organization: Arc::new(Organization::new(aws_sdk_organizations::Client::new(aws), Arc::new(reads))),
        instance: aws::instance(aws, identity_store_id, calls),
    }
}
