//! The queues in SQS.

use crate::backoff::{ATTEMPTS, pause_before};
use crate::failure::Operation;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use engine::ports::{CallError, Cause, LifecycleQueue, Redelivery, TriggerQueue};
use engine::trigger::Trigger;
use futures::{StreamExt, TryStreamExt, stream};
use planning::EntraObjectId;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Messages of one SendMessageBatch (SQS API reference).
const BATCH: usize = 10;

/// Calls at a time: enough to hide their latency.
const CONCURRENT_CALLS: usize = 16;

const SEND_CHANGES: Operation = Operation {
    name: "sqs:SendMessageBatch",
    actions: "sqs:SendMessage",
    resource: "the changes queue (CHANGES_QUEUE_URL)",
};
const SEND_LIFECYCLE: Operation = Operation {
    name: "sqs:SendMessageBatch",
    actions: "sqs:SendMessage",
    resource: "the lifecycle queue (LIFECYCLE_QUEUE_URL)",
};
const CHANGE_VISIBILITY: Operation = Operation {
    name: "sqs:ChangeMessageVisibility",
    actions: "sqs:ChangeMessageVisibility",
    resource: "the changes queue (CHANGES_QUEUE_URL)",
};

/// The changes queue: first in, first out for each principal.
#[derive(Debug, Clone)]
pub struct SqsTriggerQueue(Queue);

/// The lifecycle queue.
#[derive(Debug, Clone)]
pub struct SqsLifecycleQueue(Queue);

/// Decides when messages of the changes queue come again.
#[derive(Debug, Clone)]
pub struct SqsReceipts(Queue);

#[derive(Debug, Clone)]
struct Queue {
    client: Client,
    url: String,
}

impl SqsTriggerQueue {
    /// The FIFO queue at this URL.
    pub fn new(client: Client, url: String) -> Self {
        Self(Queue { client, url })
    }
}

impl SqsLifecycleQueue {
    /// The standard queue at this URL.
    pub fn new(client: Client, url: String) -> Self {
        Self(Queue { client, url })
    }
}

impl SqsReceipts {
    /// Receipts of the queue at this URL.
    pub fn new(client: Client, url: String) -> Self {
        Self(Queue { client, url })
    }
}

#[async_trait]
impl TriggerQueue for SqsTriggerQueue {
    async fn send(&self, triggers: &[Trigger]) -> Result<(), CallError> {
        let lanes = stream::iter(lanes(triggers)).map(|lane| async move {
            for batch in lane.chunks(BATCH) {
                let entries: Result<Vec<_>, _> = batch.iter().enumerate().map(trigger_entry).collect();
                self.0.send(&SEND_CHANGES, entries?).await?;
            }
            Ok(())
        });
        lanes.buffer_unordered(CONCURRENT_CALLS).try_collect().await
    }
}

#[async_trait]
impl LifecycleQueue for SqsLifecycleQueue {
    async fn send(&self, events: &[String]) -> Result<(), CallError> {
        let batches: Vec<Vec<String>> = events.chunks(BATCH).map(<[String]>::to_vec).collect();
        let batches = stream::iter(batches).map(|batch| async move {
            let entries: Result<Vec<_>, _> = batch.iter().enumerate().map(lifecycle_entry).collect();
            self.0.send(&SEND_LIFECYCLE, entries?).await
        });
        batches.buffer_unordered(CONCURRENT_CALLS).try_collect().await
    }
}

#[async_trait]
impl Redelivery for SqsReceipts {
    async fn retry_after(&self, receipt_handle: &str, seconds: u32) -> Result<(), CallError> {
        let request = self.0.client.change_message_visibility().queue_url(&self.0.url);
        let request = request
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX));
        // A receipt handle says nothing to a person.
        request.send().await.map(|_| ()).map_err(|error| CHANGE_VISIBILITY.error("a message", &error))
    }
}

impl Queue {
    /// Sends a batch; the parts that fail are sent again.
    async fn send(
        &self,
        operation: &Operation,
        mut open: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<(), CallError> {
        let mut last = Cause::Throttled { retry_after: None };
        for attempt in 0..ATTEMPTS {
            pause_before(attempt).await;
            let request = self.client.send_message_batch().queue_url(&self.url);
            let answer = request.set_entries(Some(open.clone())).send().await;
            let failed =
                answer.map_err(|error| operation.error(format!("{} messages", open.len()), &error))?.failed;
            open.retain(|entry| failed.iter().any(|failure| failure.id == entry.id));
            if open.is_empty() {
                return Ok(());
            }
            if let Some(fault) = failed.iter().find(|failure| failure.sender_fault) {
                last = cause_of(operation, fault);
                break;
            }
            if let Some(failure) = failed.first() {
                last = cause_of(operation, failure);
            }
        }
        Err(operation.failed(format!("{} messages", open.len()), last))
    }
}

/// Triggers to be sent side by side, about a batch each. Those of one principal stay together and in order,
/// since calls that overlap may arrive in any order.
fn lanes(triggers: &[Trigger]) -> Vec<Vec<Trigger>> {
    let mut lane_of: BTreeMap<&EntraObjectId, usize> = BTreeMap::new();
    let mut lanes: Vec<Vec<Trigger>> = Vec::new();
    for trigger in triggers {
        if lanes.last().is_none_or(|lane| lane.len() >= BATCH) {
            lanes.push(Vec::new());
        }
        let lane = *lane_of.entry(&trigger.subject.id).or_insert(lanes.len() - 1);
        lanes[lane].push(trigger.clone());
    }
    lanes
}

fn cause_of(operation: &Operation, failure: &BatchResultErrorEntry) -> Cause {
    operation.cause_of(&failure.code, "part of a batch")
}

fn trigger_entry((position, trigger): (usize, &Trigger)) -> Result<SendMessageBatchRequestEntry, CallError> {
    let body = serde_json::to_string(trigger).map_err(|error| unsendable(&SEND_CHANGES, &error))?;
    let deduplication = trigger.deduplication_id().filter(|id| is_legal(id));
    SendMessageBatchRequestEntry::builder()
        .id(position.to_string())
        .message_body(body)
        .message_group_id(trigger.subject.id.as_str())
        .message_deduplication_id(deduplication.unwrap_or_else(|| Uuid::new_v4().to_string()))
        .build()
        .map_err(|error| unsendable(&SEND_CHANGES, &error))
}

fn lifecycle_entry((position, event): (usize, &String)) -> Result<SendMessageBatchRequestEntry, CallError> {
    let entry = SendMessageBatchRequestEntry::builder().id(position.to_string()).message_body(event);
    entry.build().map_err(|error| unsendable(&SEND_LIFECYCLE, &error))
}

/// SQS takes 1 to 128 letters, digits and punctuation marks of ASCII.
fn is_legal(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The message was not made; only a defect of ours can bring that about.
fn unsendable(operation: &Operation, error: &dyn std::error::Error) -> CallError {
    operation.failed("a message", Cause::Unanswered { detail: format!("the message was not made: {error}") })
}
