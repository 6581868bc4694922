//! The event source mapping: takes batches from a queue, has a function handle them, and deletes what it does not report
//! as failed (Lambda developer guide, "Using Lambda with Amazon SQS").

use crate::account::{Account, Message, REGION};
use crate::function::Function;
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// A queue that is gone need not be asked for all the time.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What becomes of a message that was not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wait {
    /// It comes again when the function has asked for, as deployed.
    #[default]
    AsAsked,
    /// It comes again at once.
    Skipped,
}

/// A running mapping; it stops when this is dropped.
pub struct EventSource(AbortHandle);

impl EventSource {
    /// Starts polling the queue at this URL.
    pub fn start(account: Arc<Account>, queue: String, function: Arc<Function>, wait: Wait) -> Self {
        Self(tokio::spawn(poll(account, queue, function, wait)).abort_handle())
    }
}

impl Drop for EventSource {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn poll(account: Arc<Account>, queue: String, function: Arc<Function>, wait: Wait) {
    loop {
        if let Err(error) = hand_over_a_batch(&account, &queue, &function, wait).await {
            // Shown with a failed test.
            eprintln!("the event source failed: {error:#}");
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        }
    }
}

async fn hand_over_a_batch(
    account: &Account,
    queue: &str,
    function: &Function,
    wait: Wait,
) -> anyhow::Result<()> {
    let messages = account.receive(queue).await?;
    if messages.is_empty() {
        return Ok(());
    }
    let event = json!({"Records": messages.iter().map(record).collect::<Vec<_>>()});
    let failed = match function.invoke(&event).await {
        Ok(answer) => failures(&answer)?,
        Err(error) => {
            eprintln!("the function failed with a whole batch: {error:#}");
            // Nobody asked for another time: the visibility timeout, which is not waited for here.
            for message in &messages {
                account.make_visible(queue, message).await?;
            }
            return Ok(());
        }
    };
    for message in &messages {
        if !failed.contains(message.id()) {
            account.delete(queue, message).await?;
        } else if wait == Wait::Skipped {
            account.make_visible(queue, message).await?;
        }
    }
    Ok(())
}

/// An entry of an SQS event, as Lambda makes it of a message.
fn record(message: &Message) -> Value {
    let message = &message.0;
    json!({
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:123456789012:queue"),
        "awsRegion": REGION,
    })
}

fn failures(answer: &Value) -> anyhow::Result<BTreeSet<String>> {
    let failures =
        answer["batchItemFailures"].as_array().context("the function's answer has no batchItemFailures")?;
    let id = |failure: &Value| failure["itemIdentifier"].as_str().map(str::to_owned);
    failures.iter().map(|failure| id(failure).context("a failure without itemIdentifier")).collect()
}
