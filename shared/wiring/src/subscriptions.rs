//! Puts the subscriptions function together: its configuration, its parts, and its reports.

use crate::clock::SystemClock;
use crate::configuration::{ConfigurationError, GRAPH_ENDPOINT, GraphConfiguration, LOGIN_ENDPOINT};
use crate::http::SharedHttp;
use crate::secrets::Secret;
use crate::telemetry::LambdaTelemetry;
use crate::variables::Variables;
use crate::{aws, budgets, graph};
use async_trait::async_trait;
use engine::ports::CallError;
use engine::subscriptions::telemetry::SubscriptionTelemetry;
use engine::subscriptions::{Report, Subscriber, SubscriptionError};
use entra::{CurrentClientState, GraphSubscriptions};
use ledger::DynamoLedger;
use planning::EntraObjectId;
use planning::subscriptions::{Step, WebhookAddress};
use secrecy::SecretString;
use std::sync::Arc;

/// The subscriptions function's configuration.
#[derive(Debug, Clone)]
pub struct SubscriptionsConfiguration {
    /// Microsoft Graph, with the reader's app registration.
    pub(crate) graph: GraphConfiguration,
    /// `CLIENT_STATE_SECRET`: the Secrets Manager secret that holds clientState.
    pub(crate) client_state_secret: String,
    /// `WEBHOOK_URL`: where Graph sends notifications to.
    pub(crate) webhook: WebhookAddress,
    /// `LEDGER_TABLE`: the DynamoDB table.
    pub(crate) ledger_table: String,
}

impl SubscriptionsConfiguration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::read(&Variables(&crate::configuration::environment))
    }

    fn read(variables: &Variables<'_>) -> Result<Self, ConfigurationError> {
        let webhook = "the https address of the webhook (output WebhookUrl of the stack)";
        Ok(Self {
            graph: Self::graph(variables)?,
            client_state_secret: variables
                .required("CLIENT_STATE_SECRET", "the ARN of the secret that holds clientState")?,
            webhook: {
                variables.required("WEBHOOK_URL", webhook)?;
                WebhookAddress::new(&variables.address("WEBHOOK_URL", "")?)
            },
            ledger_table: variables.required("LEDGER_TABLE", "the name of the DynamoDB table")?,
        })
    }

    fn graph(variables: &Variables<'_>) -> Result<GraphConfiguration, ConfigurationError> {
        let tenant_id: EntraObjectId =
            variables.parsed("ENTRA_TENANT_ID", "the directory (tenant) id of Entra ID")?;
        Ok(GraphConfiguration {
            // Subscriptions are the tenant's; the enterprise application is not asked for.
            service_principal_id: tenant_id.clone(),
            tenant_id,
            client_id: variables
                .parsed("ENTRA_CLIENT_ID", "the application (client) id of the reader app registration")?,
            credential_secret: variables.optional("ENTRA_CREDENTIAL_SECRET"),
            graph_endpoint: variables.address("GRAPH_ENDPOINT", GRAPH_ENDPOINT)?,
            login_endpoint: variables.address("LOGIN_ENDPOINT", LOGIN_ENDPOINT)?,
            flatten_nested_groups: false,
        })
    }
}

/// Connects the subscriber to Graph, its secret and the ledger.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn assemble(
    configuration: SubscriptionsConfiguration,
    telemetry: Arc<LambdaTelemetry>,
) -> anyhow::Result<Subscriber> {
    let http = SharedHttp::new()?;
    let aws = aws::configuration(http.clone()).await;
    let ledger = Arc::new(DynamoLedger::new(aws_sdk_dynamodb::Client::new(&aws), configuration.ledger_table));
    let units = budgets::graph_of_subscriptions().reporting_to(telemetry.clone());
    let client = graph::client(&configuration.graph, &http, &aws, units);
    let secrets = aws_sdk_secretsmanager::Client::new(&aws);
    let client_state = CurrentSecret(Secret::new(secrets, configuration.client_state_secret));
    Ok(Subscriber {
        subscriptions: Arc::new(GraphSubscriptions::new(client, Arc::new(client_state))),
        ledger: ledger.clone(),
        sweeps: ledger,
        clock: Arc::new(SystemClock),
        telemetry,
        webhook: configuration.webhook,
    })
}

/// clientState in Secrets Manager. The webhook accepts the version before it, too.
struct CurrentSecret(Secret);

#[async_trait]
impl CurrentClientState for CurrentSecret {
    async fn current(&self) -> Result<SecretString, CallError> {
        self.0.current().await
    }
}

impl SubscriptionTelemetry for LambdaTelemetry {
    fn stepped(&self, step: &Step) {
        tracing::info!(what = %step, "applied");
    }

    fn retried(&self, error: &CallError) {
        tracing::warn!(%error, "it is tried again in a moment");
    }

    fn failed(&self, error: &SubscriptionError) {
        tracing::error!(%error, "a step failed; the others are carried out all the same");
    }

    fn looked(&self, report: &Report) {
        let Report { steps, sweep, minutes_left, foreign } = report;
        tracing::info!(steps = steps.len(), sweep, minutes_left, foreign, "looked at the subscriptions");
        self.metric("SubscriptionMinutesLeft", "Count", *minutes_left as f64, &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ID: &str = "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e";

    fn read(also: &[(&str, &str)]) -> Result<SubscriptionsConfiguration, ConfigurationError> {
        let mut variables = BTreeMap::from([
            ("ENTRA_TENANT_ID", ID),
            ("ENTRA_CLIENT_ID", ID),
            ("ENTRA_CREDENTIAL_SECRET", "arn:secret"),
            ("CLIENT_STATE_SECRET", "arn:client-state"),
            ("WEBHOOK_URL", "https://id.lambda-url.us-east-1.on.aws/"),
            ("LEDGER_TABLE", "ledger"),
        ]);
        variables.extend(also.iter().copied());
        SubscriptionsConfiguration::read(&Variables(&|name| variables.get(name).map(ToString::to_string)))
    }

    #[test]
    fn a_webhook_that_graph_could_never_reach_is_refused() {
        assert_eq!(
            read(&[]).unwrap().webhook.notification_url(),
            "https://id.lambda-url.us-east-1.on.aws/notify"
        );
        for url in ["http://webhook.example", "webhook.example", ""] {
            let line = read(&[("WEBHOOK_URL", url)]).unwrap_err().to_string();
            assert!(line.contains("WEBHOOK_URL") && !line.contains('\n'), "{line}");
        }
    }
}
