//! Wires the mirror function.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mirror::MirrorFunction;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use wiring::configuration::MirrorConfiguration;
use wiring::telemetry::LambdaTelemetry;

/// Kept free before the deadline, so that the answer still reaches Lambda.
const MARGIN: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let telemetry = Arc::new(LambdaTelemetry::new("mirror"));
    let parts = wiring::mirror::assemble(MirrorConfiguration::from_environment()?, telemetry.clone()).await?;
    let function = MirrorFunction { mirror: parts.mirror, redelivery: parts.redelivery, telemetry };
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        let time = left.saturating_sub(MARGIN);
        Ok::<_, Error>(function.handle(event.payload, time).await)
    }))
    .await
}
