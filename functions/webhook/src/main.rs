//! Wires the webhook function.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use std::sync::Arc;
use webhook::{FunctionUrlRequest, StateStore, WebhookFunction};
use wiring::clock::SystemClock;
use wiring::configuration::WebhookConfiguration;
use wiring::telemetry::LambdaTelemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let telemetry = Arc::new(LambdaTelemetry::new("webhook"));
    let configuration = WebhookConfiguration::from_environment()?;
    let tenant_id = configuration.tenant_id.clone();
    let parts = wiring::webhook::assemble(configuration).await?;
    let function = WebhookFunction {
        tenant_id,
        client_states: StateStore::new(Arc::new(parts.client_state)),
        changes: Arc::new(parts.changes),
        lifecycle: Arc::new(parts.lifecycle),
        clock: Arc::new(SystemClock),
        telemetry,
    };
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<FunctionUrlRequest>| async move {
        Ok::<_, Error>(function.handle(event.payload).await)
    }))
    .await
}
