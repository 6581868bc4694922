//! Puts the sweep function together.

use crate::clock::SystemClock;
use crate::configuration::SweepConfiguration;
use crate::http::SharedHttp;
use crate::{aws, budgets, graph};
use aws_config::SdkConfig;
use engine::assignments::AssignmentPoll;
use engine::moving::Mover;
use engine::telemetry::Telemetry;
use ledger::{DynamoLedger, SqsTriggerQueue};
use std::sync::Arc;

/// What the sweep function consists of.
pub struct SweepParts {
    /// Polls the assignments.
    pub poll: AssignmentPoll,
    /// Moves due work to the queue.
    pub mover: Mover,
}

/// Connects the sweep to Graph, the ledger and the queue.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn assemble(
    configuration: SweepConfiguration,
    telemetry: Arc<dyn Telemetry>,
) -> anyhow::Result<SweepParts> {
    let http = SharedHttp::new()?;
    let aws = aws::configuration(http.clone()).await;
    let ledger = ledger(&configuration, &aws);
    let units = budgets::graph_of_sweep().reporting_to(telemetry.clone());
    let poll = AssignmentPoll {
        directory: Arc::new(graph::directory(&configuration.graph, &http, &aws, units)),
        ledger: Arc::new(ledger.clone()),
        holds: Arc::new(ledger.clone()),
        clock: Arc::new(SystemClock),
        telemetry: telemetry.clone(),
    };
    Ok(SweepParts { poll, mover: mover(&configuration, &aws, &ledger, telemetry) })
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
