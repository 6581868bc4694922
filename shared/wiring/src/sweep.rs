//! Puts the sweep function together.

use crate::clock::SystemClock;
use crate::configuration::SweepConfiguration;
use crate::full_sweep::{self, FullSweepConfiguration};
use crate::http::SharedHttp;
use crate::telemetry::LambdaTelemetry;
use crate::{access, aws, budgets, graph};
use aws_config::SdkConfig;
use engine::access::AccessSweep;
use engine::assignments::AssignmentPoll;
use engine::moving::Mover;
use engine::sweep::FullSweep;
use engine::telemetry::Telemetry;
use ledger::{DynamoLedger, SqsTriggerQueue};
use std::sync::Arc;

/// What the sweep function consists of.
pub struct SweepParts {
    /// Polls the assignments.
    pub poll: AssignmentPoll,
    /// Moves due work to the queue.
    pub mover: Mover,
    /// Compares both sides.
    pub full: FullSweep,
    /// Weighs and compares account assignments, where there are rules.
    pub access: Option<AccessSweep>,
}

/// Connects the sweep to Graph, Identity Center, the ledger and the queue.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn assemble(
    configuration: FullSweepConfiguration,
    telemetry: Arc<LambdaTelemetry>,
) -> anyhow::Result<SweepParts> {
    let http = SharedHttp::new()?;
    let aws = aws::configuration(http.clone()).await;
    let minute = &configuration.sweep;
    let ledger = ledger(minute, &aws);
    let units = budgets::graph_of_sweep().reporting_to(telemetry.clone());
    let poll = AssignmentPoll {
        directory: Arc::new(graph::directory(&minute.graph, &http, &aws, units)),
        ledger: Arc::new(ledger.clone()),
        holds: Arc::new(ledger.clone()),
        clock: Arc::new(SystemClock),
        telemetry: telemetry.clone(),
    };
    let mover = mover(minute, &aws, &ledger, telemetry.clone());
    let access = configuration.access.clone();
    let access = access.map(|access| access::of_sweep(access, &aws, &ledger, telemetry.clone()));
    let full = full_sweep::connect(configuration, &http, &aws, &ledger, telemetry);
    Ok(SweepParts { poll, mover, full, access })
}

pub(crate) fn ledger(configuration: &SweepConfiguration, aws: &SdkConfig) -> DynamoLedger {
    DynamoLedger::new(aws_sdk_dynamodb::Client::new(aws), configuration.ledger_table.clone())
}

pub(crate) fn mover(
    configuration: &SweepConfiguration,
    aws: &SdkConfig,
    ledger: &DynamoLedger,
    telemetry: Arc<dyn Telemetry>,
) -> Mover {
    let queue = SqsTriggerQueue::new(aws_sdk_sqs::Client::new(aws), configuration.changes_queue_url.clone());
    Mover {
        agenda: Arc::new(ledger.clone()),
        queue: Arc::new(queue),
        clock: Arc::new(SystemClock),
        telemetry,
    }
}
