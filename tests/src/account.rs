//! What template.yaml puts into an AWS account, in moto: queues, ledger and secrets.

use crate::moto;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// The Region of everything.
pub const REGION: &str = "us-east-1";
/// What notifications carry.
pub const CLIENT_STATE: &str = "client-state-of-the-tests";

/// As in template.yaml: seconds, and receives until a message is dead.
const VISIBILITY_TIMEOUT: &str = "240";
const MOST_RECEIVES: u32 = 5;

/// The account that moto takes everybody to.
const ACCOUNT: &str = "123456789012";
const ACCESS_KEY: &str = "access-key-of-the-tests";

static STACKS: AtomicU64 = AtomicU64::new(1);

/// What one deployment has in its account.
pub struct Account {
    url: String,
    http: reqwest::Client,
    /// Part of every name, as a stack's is: all tests share the account.
    stack: String,
    /// The ledger's table.
    pub table: String,
    /// The secret that holds clientState.
    pub client_state: String,
    /// The secret that holds Entra ID's credential.
    pub entra_credential: String,
    /// The changes queue.
    pub changes: String,
    /// Where its messages go after five receives.
    pub changes_dead: String,
    /// The lifecycle queue.
    pub lifecycle: String,
    /// The secret that holds the rotator's credential; made on demand.
    pub rotator_credential: String,
    /// The secret in which signing certificates are published; made on demand.
    pub certificates: String,
    /// Where notices go, and a queue that is subscribed to it; made on demand.
    pub notices: (String, String),
    /// The parameter that holds the rules, where there are any.
    pub rules: String,
}

/// A message as it was received.
#[derive(Debug, Clone)]
pub struct Message(pub Value);

impl Account {
    /// Deploys; `None` without moto.
    ///
    /// # Errors
    /// When moto refuses something.
    pub async fn open(entra_client_secret: &str) -> anyhow::Result<Option<Self>> {
        let Some(url) = moto::address().await? else { return Ok(None) };
        let stack = format!("stack-{}", STACKS.fetch_add(1, Ordering::Relaxed));
        let mut account = Self {
            url,
            http: reqwest::Client::new(),
            table: format!("{stack}-ledger"),
            client_state: format!("{stack}/client-state"),
            entra_credential: format!("{stack}/entra-credential"),
            changes: String::new(),
            changes_dead: String::new(),
            lifecycle: String::new(),
            rotator_credential: format!("{stack}/rotator-credential"),
            certificates: format!("{stack}/idp-certificate"),
            notices: (String::new(), String::new()),
            rules: format!("/{stack}/rules"),
            stack,
        };
        account.create_queues().await?;
        account.create_table().await?;
        account.create_secret(&account.client_state, CLIENT_STATE).await?;
        let credential = json!({"client_secret": entra_client_secret}).to_string();
        account.create_secret(&account.entra_credential, &credential).await?;
        Ok(Some(account))
    }

    /// Deploys what the certificate function needs besides.
    ///
    /// # Errors
    /// When moto refuses something.
    pub async fn open_for_certificates(mut self, rotator_secret: &str) -> anyhow::Result<Self> {
        let credential = json!({"client_secret": rotator_secret}).to_string();
        self.create_secret(&self.rotator_credential, &credential).await?;
        // Without a value, as in template.yaml.
        let secret = json!({"Name": self.certificates, "ClientRequestToken": uuid::Uuid::new_v4()});
        self.call("secretsmanager", "secretsmanager.CreateSecret", secret).await?;
        let queue = self.create_queue("notices", json!({"VisibilityTimeout": VISIBILITY_TIMEOUT})).await?;
        let topic =
            self.sns(&[("Action", "CreateTopic"), ("Name", &format!("{}-notices", self.stack))]).await?;
        let topic = element(&topic, "TopicArn").context("the new topic has no ARN")?;
        let endpoint = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}-notices", self.stack);
        let subscribe =
            [("Action", "Subscribe"), ("TopicArn", &topic), ("Protocol", "sqs"), ("Endpoint", &endpoint)];
        self.sns(&subscribe).await?;
        self.notices = (topic, queue);
        Ok(self)
    }

    /// Subject and text of every notice that nobody has taken yet.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn take_notices(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut notices = Vec::new();
        loop {
            let request =
                json!({"QueueUrl": self.notices.1, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0});
            let answer = self.sqs("ReceiveMessage", request).await?;
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return Ok(notices);
            }
            for message in messages {
                let notice: Value = serde_json::from_str(message["Body"].as_str().unwrap_or_default())?;
                let word = |name: &str| notice[name].as_str().unwrap_or_default().to_owned();
                notices.push((word("Subject"), word("Message")));
                let delete = json!({"QueueUrl": self.notices.1, "ReceiptHandle": message["ReceiptHandle"]});
                self.sqs("DeleteMessage", delete).await?;
            }
        }
    }

    /// What is published under a stage, `None` if there is no such version.
    ///
    /// # Errors
    /// When it is no JSON.
    pub async fn published(&self, stage: &str) -> anyhow::Result<Option<Value>> {
        let request = json!({"SecretId": self.certificates, "VersionStage": stage});
        match self.call("secretsmanager", "secretsmanager.GetSecretValue", request).await {
            Ok(answer) => {
                Ok(Some(serde_json::from_str(answer["SecretString"].as_str().unwrap_or_default())?))
            }
            Err(_) => Ok(None),
        }
    }

    async fn sns(&self, parameters: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("Version", "2010-03-31").extend_pairs(parameters);
        let scope = format!("Credential={ACCESS_KEY}/20261124/{REGION}/sns/aws4_request");
        let request = self.http.post(&self.url).body(form.finish());
        let request = request
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"))
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.context("moto did not answer SNS")?;
        let status = answer.status();
        let text = String::from_utf8_lossy(&answer.bytes().await?).into_owned();
        ensure!(status.is_success(), "moto refused {parameters:?}: {status} {text}");
        Ok(text)
    }

    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The variables with which an AWS SDK reaches this account.
    pub fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret-access-key-of-the-tests".to_owned()),
            ("AWS_SESSION_TOKEN", "session-token-of-the-tests".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ENDPOINT_URL", self.url.clone()),
        ]
    }

    /// Gives a secret another value.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn put_secret(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let value =
            json!({"SecretId": name, "SecretString": text, "ClientRequestToken": uuid::Uuid::new_v4()});
        self.call("secretsmanager", "secretsmanager.PutSecretValue", value).await.map(|_| ())
    }

    /// Sends a message to the changes queue, for this principal.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn send_change(&self, body: &str, principal: &str, deduplication: &str) -> anyhow::Result<()> {
        let message = json!({"QueueUrl": self.changes, "MessageBody": body, "MessageGroupId": principal,
                             "MessageDeduplicationId": deduplication});
        self.sqs("SendMessage", message).await.map(|_| ())
    }

    /// Lays a letter into the queue of those that were given up.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn send_dead_letter(&self) -> anyhow::Result<()> {
        let message = json!({"QueueUrl": self.changes_dead, "MessageBody": "{}", "MessageGroupId": "somebody",
                             "MessageDeduplicationId": "once"});
        self.sqs("SendMessage", message).await.map(|_| ())
    }

    /// Receives at most ten messages, waiting a little for the first.
    ///
    /// # Errors
    /// When the queue is gone.
    pub async fn receive(&self, queue: &str) -> anyhow::Result<Vec<Message>> {
        let request = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1,
                             "MessageSystemAttributeNames": ["All"]});
        let answer = self.sqs("ReceiveMessage", request).await?;
        Ok(answer["Messages"].as_array().into_iter().flatten().cloned().map(Message).collect())
    }

    /// How many messages of a queue are visible, and how many are in flight.
    ///
    /// # Errors
    /// When the queue is gone.
    pub async fn depth(&self, queue: &str) -> anyhow::Result<(u64, u64)> {
        let request = json!({"QueueUrl": queue, "AttributeNames": ["All"]});
        let answer = self.sqs("GetQueueAttributes", request).await?;
        let number = |name: &str| answer["Attributes"][name].as_str().and_then(|count| count.parse().ok());
        let visible = number("ApproximateNumberOfMessages").context("the queue has no depth")?;
        let in_flight = number("ApproximateNumberOfMessagesNotVisible").context("the queue has no depth")?;
        let delayed = number("ApproximateNumberOfMessagesDelayed").unwrap_or(0);
        Ok((visible + delayed, in_flight))
    }

    /// Deletes a message of a queue that was handled.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn delete(&self, queue: &str, message: &Message) -> anyhow::Result<()> {
        let request = json!({"QueueUrl": queue, "ReceiptHandle": message.receipt()});
        self.sqs("DeleteMessage", request).await.map(|_| ())
    }

    /// Makes a message of a queue visible at once, as if its visibility timeout had passed.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn make_visible(&self, queue: &str, message: &Message) -> anyhow::Result<()> {
        let request = json!({"QueueUrl": queue, "ReceiptHandle": message.receipt(), "VisibilityTimeout": 0});
        self.sqs("ChangeMessageVisibility", request).await.map(|_| ())
    }

    /// Deletes a queue: what is sent to it afterwards is refused.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn delete_queue(&self, queue: &str) -> anyhow::Result<()> {
        self.sqs("DeleteQueue", json!({"QueueUrl": queue})).await.map(|_| ())
    }

    /// Every item of the ledger's table, in DynamoDB's JSON.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn ledger_items(&self) -> anyhow::Result<Vec<Value>> {
        let answer =
            self.call("dynamodb", "DynamoDB_20120810.Scan", json!({"TableName": self.table})).await?;
        Ok(answer["Items"].as_array().cloned().unwrap_or_default())
    }

    /// Stores the rules; the parameter is made if there is none.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn store_rules(&self, rules: &str) -> anyhow::Result<()> {
        let parameter = json!({"Name": self.rules, "Value": rules, "Type": "String", "Overwrite": true});
        self.call("ssm", "AmazonSSM.PutParameter", parameter).await.map(|_| ())
    }

    /// Stores another clientState; the one before it stays as the previous version.
    ///
    /// # Errors
    /// When moto refuses it.
    pub async fn rotate_client_state(&self, text: &str) -> anyhow::Result<()> {
        let token = uuid::Uuid::new_v4();
        let version =
            json!({"SecretId": self.client_state, "SecretString": text, "ClientRequestToken": token});
        self.call("secretsmanager", "secretsmanager.PutSecretValue", version).await.map(|_| ())
    }

    async fn create_queues(&mut self) -> anyhow::Result<()> {
        let fifo = json!({"FifoQueue": "true", "DeduplicationScope": "messageGroup",
                          "FifoThroughputLimit": "perMessageGroupId"});
        self.changes_dead = self.create_queue("changes-dead.fifo", fifo.clone()).await?;
        let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}-changes-dead.fifo", self.stack);
        let redrive = json!({"deadLetterTargetArn": arn, "maxReceiveCount": MOST_RECEIVES}).to_string();
        let mut attributes = fifo;
        attributes["VisibilityTimeout"] = VISIBILITY_TIMEOUT.into();
        attributes["RedrivePolicy"] = redrive.into();
        self.changes = self.create_queue("changes.fifo", attributes).await?;
        self.create_queue("lifecycle-dead", json!({})).await?;
        let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}-lifecycle-dead", self.stack);
        let redrive = json!({"deadLetterTargetArn": arn, "maxReceiveCount": MOST_RECEIVES}).to_string();
        let attributes = json!({"VisibilityTimeout": VISIBILITY_TIMEOUT, "RedrivePolicy": redrive});
        self.lifecycle = self.create_queue("lifecycle", attributes).await?;
        Ok(())
    }

    async fn create_queue(&self, name: &str, attributes: Value) -> anyhow::Result<String> {
        let answer = self
            .sqs(
                "CreateQueue",
                json!({"QueueName": format!("{}-{name}", self.stack), "Attributes": attributes}),
            )
            .await?;
        Ok(answer["QueueUrl"].as_str().context("the new queue has no URL")?.to_owned())
    }

    async fn create_table(&self) -> anyhow::Result<()> {
        let table = json!({
            "TableName": self.table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"},
                                     {"AttributeName": "sk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        });
        self.call("dynamodb", "DynamoDB_20120810.CreateTable", table).await.map(|_| ())
    }

    async fn create_secret(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let secret = json!({"Name": name, "SecretString": text, "ClientRequestToken": uuid::Uuid::new_v4()});
        self.call("secretsmanager", "secretsmanager.CreateSecret", secret).await.map(|_| ())
    }

    async fn sqs(&self, operation: &str, body: Value) -> anyhow::Result<Value> {
        self.call("sqs", &format!("AmazonSQS.{operation}"), body).await
    }

    async fn call(&self, service: &str, target: &str, body: Value) -> anyhow::Result<Value> {
        // moto takes Region and service from the credential; it checks no signature.
        let scope = format!("Credential={ACCESS_KEY}/20261124/{REGION}/{service}/aws4_request");
        let version = if ["secretsmanager", "ssm"].contains(&service) { "1.1" } else { "1.0" };
        let request = self
            .http
            .post(&self.url)
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"))
            .header("x-amz-target", target)
            .header("content-type", format!("application/x-amz-json-{version}"))
            .body(body.to_string());
        let answer = request.send().await.with_context(|| format!("moto did not answer {target}"))?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        ensure!(status.is_success(), "moto refused {target}: {status} {}", String::from_utf8_lossy(&bytes));
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }
}

impl Message {
    /// The text.
    pub fn body(&self) -> &str {
        self.0["Body"].as_str().unwrap_or_default()
    }

    /// `MessageId`.
    pub fn id(&self) -> &str {
        self.0["MessageId"].as_str().unwrap_or_default()
    }

    fn receipt(&self) -> &Value {
        &self.0["ReceiptHandle"]
    }
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0.to_owned())
}
