//! Puts the doctor together, as far as an operator's credentials reach.

use crate::clock::SystemClock;
use crate::configuration::{StoreConfiguration, environment};
use crate::http::SharedHttp;
use crate::operator::{OperatorError, given_credential};
use crate::variables::Variables;
use crate::{aws, budgets, graph};
use async_trait::async_trait;
use aws_sdk_sts::error::ProvideErrorMetadata;
use engine::doctor::Doctor;
use engine::doctor::ports::{AwsProbe, QueueProbe};
use engine::ports::{CallError, Cause};
use entra::{GraphDirectory, GraphProbe, Handshake};
use identity_center::{Instance, Organization};
use ledger::{DynamoLedger, SqsQueueState};
use planning::doctor::{AccountReading, InstanceReading, SignIn};
use std::sync::Arc;

/// Connects to both sides, the ledger and the queues. It takes the variables of the sweep function, and
/// `LIFECYCLE_QUEUE_URL`, `WEBHOOK_URL` and `GRAPH_ACCESS_TOKEN` where they are set.
///
/// # Errors
/// When a variable is missing or wrong, or TLS cannot be set up.
pub async fn assemble() -> Result<Doctor, OperatorError> {
    let variables = Variables(&environment);
    let configuration = StoreConfiguration::read(&variables)?;
    let http = SharedHttp::new()?;
    let config = aws::configuration(http.clone()).await;
    let read = &configuration.sweep.graph;
    let given = given_credential();
    let sign_in = match (&given, &read.credential_secret) {
        (Some(_), _) => SignIn::Given,
        (None, Some(_)) => SignIn::Secret,
        (None, None) => SignIn::Federated,
    };
    let credential = given.unwrap_or_else(|| graph::credential(read, &http, &config));
    let client = graph::client_with(credential.clone(), read, &http, budgets::graph_of_full_sweep());
    let ledger = Arc::new(DynamoLedger::new(
        aws_sdk_dynamodb::Client::new(&config),
        configuration.sweep.ledger_table.clone(),
    ));
    let store_id = configuration.identity_store_id.clone();
    let store = aws::identity_store(&config, store_id.clone(), budgets::identity_store(1));
    let clock = Arc::new(SystemClock);
    let service_principal = read.service_principal_id.clone();
    let sqs = aws_sdk_sqs::Client::new(&config);
    let queue = |name, url| -> Arc<dyn QueueProbe> { Arc::new(SqsQueueState::new(sqs.clone(), name, url)) };
    let lifecycle = variables.optional("LIFECYCLE_QUEUE_URL");
    let queues = [("changes", Some(configuration.sweep.changes_queue_url.clone())), ("lifecycle", lifecycle)];
    Ok(Doctor {
        entra: Arc::new(GraphProbe::new(
            client.clone(),
            credential,
            clock.clone(),
            service_principal.clone(),
            read.client_id.clone(),
        )),
        directory: Arc::new(GraphDirectory::new(client, service_principal, read.flatten_nested_groups)),
        aws: Arc::new(Account {
            sts: aws_sdk_sts::Client::new(&config),
            instance: aws::instance(&config, store_id, budgets::admin_of_sweep()),
            organization: Organization::new(
                aws_sdk_organizations::Client::new(&config),
                Arc::new(budgets::organizations()),
            ),
        }),
        lister: Arc::new(store.reader()),
        ledger: ledger.clone(),
        sweeps: ledger.clone(),
        holds: ledger.clone(),
        desk: ledger,
        queues: queues.into_iter().filter_map(|(name, url)| Some(queue(name, url?))).collect(),
        webhook: Arc::new(Handshake::new(Arc::new(http))),
        webhook_url: variables.optional("WEBHOOK_URL"),
        sign_in,
        mapping: configuration.settings.mapping,
        region: config.region().map(ToString::to_string).unwrap_or_default(),
        clock,
    })
}

/// The account that the credentials lead to, and its place in the organization.
struct Account {
    sts: aws_sdk_sts::Client,
    instance: Instance,
    organization: Organization,
}

#[async_trait]
impl AwsProbe for Account {
    async fn account(&self) -> Result<AccountReading, CallError> {
        let failed = |cause| CallError::new("sts:GetCallerIdentity", "the AWS credentials", cause);
        let answer = self.sts.get_caller_identity().send().await.map_err(|error| {
            failed(match error.code() {
                Some(code) => Cause::Denied {
                    remedy: format!("AWS does not accept the credentials ({code}): sign in to AWS anew, and check AWS_REGION"),
                },
                None => Cause::Unanswered {
                    detail: "no answer: are credentials and a Region configured?".to_owned(),
                },
            })
        })?;
        match (answer.account, answer.arn) {
            (Some(account), Some(arn)) => Ok(AccountReading { account, arn }),
            _ => Err(failed(Cause::Incomplete { missing: "the answer names no account".to_owned() })),
        }
    }

    async fn management_account(&self) -> Result<String, CallError> {
        self.organization.management_account().await
    }

    async fn instance(&self) -> Result<Option<InstanceReading>, CallError> {
        self.instance.reading().await
    }
}
