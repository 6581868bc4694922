//! Wires the certificate function.

use certificate::CertificateFunction;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use std::sync::Arc;
use wiring::certificate_configuration::CertificateConfiguration;
use wiring::telemetry::LambdaTelemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let telemetry = Arc::new(LambdaTelemetry::new("certificate"));
    let configuration = CertificateConfiguration::from_environment()?;
    let rotator = wiring::certificate::assemble(configuration, telemetry).await?;
    let function = CertificateFunction { rotator };
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        function.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}
