//! How full a queue is, and the queue of those that were given up.

use crate::failure::Operation;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use engine::doctor::ports::QueueProbe;
use engine::ports::{CallError, Cause};
use planning::doctor::QueueState;
use serde::Deserialize;
use std::collections::HashMap;

const READ: Operation = Operation {
    name: "sqs:GetQueueAttributes",
    actions: "sqs:GetQueueAttributes, sqs:GetQueueUrl",
    resource: "the queues (CHANGES_QUEUE_URL, LIFECYCLE_QUEUE_URL)",
};

/// A queue that is looked at.
#[derive(Debug, Clone)]
pub struct SqsQueueState {
    client: Client,
    name: &'static str,
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
}

impl SqsQueueState {
    /// The queue at this URL; `name` says what it is for.
    pub fn new(client: Client, name: &'static str, url: String) -> Self {
        Self { client, name, url }
    }

    async fn attributes(&self, url: &str) -> Result<HashMap<Name, String>, CallError> {
        let request = self.client.get_queue_attributes().queue_url(url);
        let request = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
            Name::RedrivePolicy,
        ]
        .into_iter()
        .fold(request, |request, name| request.attribute_names(name));
        let answer = request.send().await.map_err(|error| READ.error(self.name, &error))?;
        Ok(answer.attributes.unwrap_or_default())
    }

    fn number(&self, attributes: &HashMap<Name, String>, name: &Name) -> Result<u64, CallError> {
        let number = attributes.get(name).and_then(|text| text.parse().ok());
        number.ok_or_else(|| {
            let missing = format!("the queue has no {}", name.as_str());
            READ.failed(self.name, Cause::Incomplete { missing })
        })
    }

    /// The messages in the dead letter queue, if there is one.
    async fn dead(&self, attributes: &HashMap<Name, String>) -> Result<Option<u64>, CallError> {
        let policy = attributes.get(&Name::RedrivePolicy);
        let policy: Option<RedrivePolicy> = policy.and_then(|text| serde_json::from_str(text).ok());
        let Some(policy) = policy else { return Ok(None) };
        let queue = policy.dead_letter_target_arn.rsplit(':').next().unwrap_or_default().to_owned();
        let answer = self.client.get_queue_url().queue_name(queue).send().await;
        let answer = answer.map_err(|error| READ.error("the dead letter queue", &error))?;
        let url = answer.queue_url.unwrap_or_default();
        let attributes = self.attributes(&url).await?;
        self.number(&attributes, &Name::ApproximateNumberOfMessages).map(Some)
    }
}

#[async_trait]
impl QueueProbe for SqsQueueState {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn state(&self) -> Result<QueueState, CallError> {
        let attributes = self.attributes(&self.url).await?;
        Ok(QueueState {
            waiting: self.number(&attributes, &Name::ApproximateNumberOfMessages)?,
            in_flight: self.number(&attributes, &Name::ApproximateNumberOfMessagesNotVisible)?,
            dead: self.dead(&attributes).await?,
        })
    }
}
