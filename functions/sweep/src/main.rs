//! Wires the sweep function.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use std::sync::Arc;
use sweep::{SweepEvent, SweepFunction};
use wiring::configuration::SweepConfiguration;
use wiring::telemetry::LambdaTelemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let telemetry = Arc::new(LambdaTelemetry::new("sweep"));
    let parts = wiring::sweep::assemble(SweepConfiguration::from_environment()?, telemetry.clone()).await?;
    let function = SweepFunction { poll: parts.poll, mover: parts.mover, telemetry };
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SweepEvent>| async move {
        function.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}
