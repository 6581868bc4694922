//! Puts the mirror function together.

use crate::configuration::MirrorConfiguration;
use crate::http::SharedHttp;
use crate::{access, aws, budgets, graph, sweep};
use engine::mirror::{Mirror, MirrorPorts};
use engine::ports::Redelivery;
use engine::telemetry::Telemetry;
use ledger::SqsReceipts;
use std::sync::Arc;

/// What the mirror function consists of.
pub struct MirrorParts {
    /// Handles triggers.
    pub mirror: Mirror,
    /// Decides when failed messages come again.
    pub redelivery: Arc<dyn Redelivery>,
}

/// Connects the mirror to Graph, Identity Center, the ledger and the queue.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn assemble(
    configuration: MirrorConfiguration,
    telemetry: Arc<dyn Telemetry>,
) -> anyhow::Result<MirrorParts> {
    let MirrorConfiguration { store: configuration, concurrency } = configuration;
    let http = SharedHttp::new()?;
    let aws = aws::configuration(http.clone()).await;
    let units = budgets::graph_of_mirror(concurrency).reporting_to(telemetry.clone());
    let calls = budgets::identity_store(concurrency).reporting_to(telemetry.clone());
    let directory = Arc::new(graph::directory(&configuration.sweep.graph, &http, &aws, units));
    let ledger = sweep::ledger(&configuration.sweep, &aws);
    let mover = sweep::mover(&configuration.sweep, &aws, &ledger, telemetry);
    let access = configuration
        .access()
        .map(|access| access::of_mirror(access, &aws, &ledger, concurrency, mover.telemetry.clone()));
    let store = aws::identity_store(&aws, configuration.identity_store_id, calls);
    let ports = MirrorPorts {
        directory,
        reader: Arc::new(store.reader()),
        writer: Arc::new(store.writer()),
        ledger: Arc::new(ledger.clone()),
        holds: Arc::new(ledger),
        mover,
    };
    let receipts = SqsReceipts::new(aws_sdk_sqs::Client::new(&aws), configuration.sweep.changes_queue_url);
    let mirror = Mirror::new(ports, configuration.settings);
    let mirror = match access {
        Some(access) => mirror.with_access(access),
        None => mirror,
    };
    Ok(MirrorParts { mirror, redelivery: Arc::new(receipts) })
}
