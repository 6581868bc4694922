//! DynamoDB and SQS in moto: a table and queues of its own for every test.

use super::moto::Moto;
use super::{Consumer, World};
use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use engine::trigger::Trigger;
use ledger::{DynamoLedger, SqsLifecycleQueue, SqsReceipts, SqsTriggerQueue};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A table and queues that no other test uses.
pub struct Account {
    pub table: String,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub sqs: aws_sdk_sqs::Client,
    /// Loses answers on demand.
    pub losses: Losses,
    changes: String,
    lifecycle: String,
    _moto: Arc<Moto>,
}

/// Answers that get lost on their way, by operation.
#[derive(Debug, Clone, Default)]
pub struct Losses(Arc<Mutex<Vec<&'static str>>>);

static ACCOUNTS: AtomicUsize = AtomicUsize::new(1);

/// The ports over an account, `None` without moto.
pub async fn world() -> Option<World> {
    Some(Account::open().await?.world())
}

impl Account {
    /// An account with a table and queues as `template.yaml` has them; `None` without moto.
    pub async fn open() -> Option<Arc<Self>> {
        let moto = Moto::running()?;
        let losses = Losses::default();
        let number = ACCOUNTS.fetch_add(1, Ordering::Relaxed);
        let (dynamodb, sqs) = clients(&moto.url, losing(losses.clone()));
        let table = format!("ledger-{number}");
        create_table(&dynamodb, &table).await;
        let fifo = [
            (QueueAttributeName::FifoQueue, "true"),
            (QueueAttributeName::DeduplicationScope, "messageGroup"),
            (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId"),
        ];
        let changes = sqs.create_queue().queue_name(format!("changes-{number}.fifo"));
        let changes = fifo.into_iter().fold(changes, |queue, (name, value)| queue.attributes(name, value));
        let changes = changes.send().await.unwrap().queue_url.unwrap();
        let lifecycle = sqs.create_queue().queue_name(format!("lifecycle-{number}")).send().await;
        let lifecycle = lifecycle.unwrap().queue_url.unwrap();
        Some(Arc::new(Self { table, dynamodb, sqs, losses, changes, lifecycle, _moto: moto }))
    }

    pub fn ledger(&self) -> DynamoLedger {
        DynamoLedger::new(self.dynamodb.clone(), self.table.clone())
    }

    pub fn world(self: Arc<Self>) -> World {
        let ledger = Arc::new(self.ledger());
        World {
            ledger: ledger.clone(),
            holds: ledger.clone(),
            rotation: ledger.clone(),
            desk: ledger.clone(),
            evidence: ledger.clone(),
            subscriptions: ledger.clone(),
            access: ledger.clone(),
            agenda: ledger.clone(),
            watch: ledger,
            queue: Arc::new(SqsTriggerQueue::new(self.sqs.clone(), self.changes.clone())),
            redelivery: Arc::new(SqsReceipts::new(self.sqs.clone(), self.changes.clone())),
            lifecycle: Arc::new(SqsLifecycleQueue::new(self.sqs.clone(), self.lifecycle.clone())),
            consumer: Box::new(SqsConsumer(self)),
        }
    }
}

impl Losses {
    /// The next answer of this operation is lost after it took effect.
    pub fn lose_answer_of(&self, operation: &'static str) {
        self.0.lock().unwrap().push(operation);
    }

    /// True if every answer that was to be lost has been.
    pub fn are_over(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    fn meets(&self, target: &str) -> bool {
        let mut lost = self.0.lock().unwrap();
        let found = lost.iter().position(|operation| target.ends_with(&format!(".{operation}")));
        found.map(|at| lost.remove(at)).is_some()
    }
}

/// Clients that retry as the wiring's do, only sooner.
pub fn clients(endpoint: &str, http: SharedHttpClient) -> (aws_sdk_dynamodb::Client, aws_sdk_sqs::Client) {
    let credentials = Credentials::from_keys("AKIDTEST", "secret", None);
    let region = Region::new("eu-west-1");
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region.clone())
        .credentials_provider(credentials.clone())
        .retry_config(retries.clone())
        .endpoint_url(endpoint)
        .http_client(http.clone());
    let sqs = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(credentials)
        .retry_config(retries)
        .endpoint_url(endpoint)
        .http_client(http);
    (aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), aws_sdk_sqs::Client::from_conf(sqs.build()))
}

async fn create_table(dynamodb: &aws_sdk_dynamodb::Client, name: &str) {
    let mut request = dynamodb.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        request = request
            .attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build().unwrap())
            .key_schema(key.build().unwrap());
    }
    request.send().await.unwrap();
}

/// Plain HTTP that loses the answers it is told to lose.
fn losing(losses: Losses) -> SharedHttpClient {
    let http = Builder::new().build_http();
    http_client_fn(move |settings, components| {
        let inner = http.http_connector(settings, components);
        SharedHttpConnector::new(LosingConnector { inner, losses: losses.clone() })
    })
}

#[derive(Debug)]
struct LosingConnector {
    inner: SharedHttpConnector,
    losses: Losses,
}

impl HttpConnector for LosingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let lost = request.headers().get("x-amz-target").is_some_and(|target| self.losses.meets(target));
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if lost { Err(ConnectorError::io("the answer got lost".into())) } else { Ok(answer) }
        })
    }
}

struct SqsConsumer(Arc<Account>);

#[async_trait]
impl Consumer for SqsConsumer {
    async fn receive(&self) -> Vec<(String, Trigger)> {
        let request = self.0.sqs.receive_message().queue_url(&self.0.changes).max_number_of_messages(10);
        let messages = request.send().await.unwrap().messages.unwrap_or_default();
        let received = messages.into_iter().map(|message| {
            let trigger = serde_json::from_str(&message.body.unwrap()).unwrap();
            (message.receipt_handle.unwrap(), trigger)
        });
        received.collect()
    }

    async fn delete(&self, receipt_handle: &str) {
        let request = self.0.sqs.delete_message().queue_url(&self.0.changes);
        request.receipt_handle(receipt_handle).send().await.unwrap();
    }

    async fn events(&self) -> Vec<String> {
        let mut events = Vec::new();
        loop {
            let request =
                self.0.sqs.receive_message().queue_url(&self.0.lifecycle).max_number_of_messages(10);
            let messages = request.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return events;
            }
            events.extend(messages.into_iter().map(|message| message.body.unwrap()));
        }
    }
}
