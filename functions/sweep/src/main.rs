//! Wires the sweep function.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use std::sync::Arc;
use std::time::SystemTime;
use sweep::{SweepEvent, SweepFunction};
use wiring::full_sweep::FullSweepConfiguration;
use wiring::telemetry::LambdaTelemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let telemetry = Arc::new(LambdaTelemetry::new("sweep"));
    let configuration = FullSweepConfiguration::from_environment()?;
    let parts = wiring::sweep::assemble(configuration, telemetry.clone()).await?;
    let wiring::sweep::SweepParts { poll, mover, full, access } = parts;
    let function = SweepFunction { poll, mover, full, access, telemetry };
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SweepEvent>| async move {
        let time = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        function.handle(event.payload, time).await.map_err(Error::from)
    }))
    .await
}
