//! Wires the subscriptions function.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use std::sync::Arc;
use std::time::SystemTime;
use subscriptions::SubscriptionsFunction;
use wiring::subscriptions::SubscriptionsConfiguration;
use wiring::telemetry::LambdaTelemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let telemetry = Arc::new(LambdaTelemetry::new("subscriptions"));
    let configuration = SubscriptionsConfiguration::from_environment()?;
    let subscriber = wiring::subscriptions::assemble(configuration, telemetry).await?;
    let function = SubscriptionsFunction { subscriber };
    let function = &function;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let time = event.context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        function.handle(event.payload, time).await.map_err(Error::from)
    }))
    .await
}
