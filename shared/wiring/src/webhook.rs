//! Puts the webhook function together.

use crate::aws;
use crate::configuration::WebhookConfiguration;
use crate::http::SharedHttp;
use crate::secrets::{Secret, Stage};
use async_trait::async_trait;
use engine::ports::CallError;
use entra::{ClientStateSource, ClientStates};
use ledger::{SqsLifecycleQueue, SqsTriggerQueue};

/// What the webhook function consists of.
pub struct WebhookParts {
    /// The secret that notifications carry.
    pub client_state: ClientStateSecret,
    /// Where triggers go.
    pub changes: SqsTriggerQueue,
    /// Where lifecycle notifications go.
    pub lifecycle: SqsLifecycleQueue,
}

/// clientState in Secrets Manager; during a rotation the previous version is good, too.
#[derive(Debug)]
pub struct ClientStateSecret(Secret);

#[async_trait]
impl ClientStateSource for ClientStateSecret {
    async fn read(&self) -> Result<ClientStates, CallError> {
        let (current, previous) = futures::try_join!(self.0.current(), self.0.read(Stage::Previous))?;
        Ok(ClientStates::new(current, previous))
    }
}

/// Connects the webhook to its secret and its queues.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn assemble(configuration: WebhookConfiguration) -> anyhow::Result<WebhookParts> {
    let aws = aws::configuration(SharedHttp::new()?).await;
    let sqs = aws_sdk_sqs::Client::new(&aws);
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    Ok(WebhookParts {
        client_state: ClientStateSecret(Secret::new(secrets, configuration.client_state_secret)),
        changes: SqsTriggerQueue::new(sqs.clone(), configuration.changes_queue_url),
        lifecycle: SqsLifecycleQueue::new(sqs, configuration.lifecycle_queue_url),
    })
}
