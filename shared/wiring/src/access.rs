//! Puts together what account assignments are read, decided and written with.

use crate::aws;
use crate::budgets;
use crate::clock::SystemClock;
use crate::rules::RulesParameter;
use aws_config::SdkConfig;
use engine::access::{AccessPorts, AccessSweep, AccessWatch, Worlds};
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
    worlds: Arc<Worlds>,
    instance: Instance,
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
    let Connected { worlds, instance } = connect(configuration, aws, calls, telemetry);
    AccessPorts {
        worlds,
        reader: Arc::new(instance.reader()),
        writer: Arc::new(instance.writer()),
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
    let Connected { worlds, instance } = connect(configuration, aws, calls, telemetry.clone());
    let watch = AccessWatch {
        worlds,
        ledger: Arc::new(ledger.clone()),
        access: Arc::new(ledger.clone()),
        holds: Arc::new(ledger.clone()),
        agenda: Arc::new(ledger.clone()),
        clock: Arc::new(SystemClock),
        telemetry,
    };
    AccessSweep { watch, reader: Arc::new(instance.reader()) }
}

fn connect(
    configuration: AccessConfiguration,
    aws: &SdkConfig,
    calls: Budget,
    telemetry: Arc<dyn Telemetry>,
) -> Connected {
    let AccessConfiguration { rules_parameter, identity_store_id } = configuration;
    let instance = aws::instance(aws, identity_store_id, calls);
    let reads = budgets::organizations().reporting_to(telemetry);
    let organization = Organization::new(aws_sdk_organizations::Client::new(aws), Arc::new(reads));
    let rules = RulesParameter::new(aws_sdk_ssm::Client::new(aws), rules_parameter);
    let worlds = Worlds::new(
        Arc::new(rules),
        Arc::new(organization),
        Arc::new(instance.reader()),
        Arc::new(SystemClock),
    );
    Connected { worlds: Arc::new(worlds), instance }
}
