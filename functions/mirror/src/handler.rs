//! Adapts an SQS batch to the mirror: decodes, handles, and reports what has to come again.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use engine::mirror::{Mirror, Outcome};
use engine::ports::{CallError, Cause, Redelivery};
use engine::telemetry::{Count, Telemetry};
use engine::trigger::{Subject, Trigger};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A failed message comes again after this many seconds at the most.
const LONGEST_WAIT_SECONDS: u32 = 30;

/// The mirror function.
pub struct MirrorFunction {
    /// Handles triggers.
    pub mirror: Mirror,
    /// Decides when failed messages come again.
    pub redelivery: Arc<dyn Redelivery>,
    /// Reports.
    pub telemetry: Arc<dyn Telemetry>,
}

impl MirrorFunction {
    /// Handles a batch within `time`. The messages of a principal succeed or fail together, and every
    /// principal alone: within one batch SQS may well hold a principal's second message behind its first.
    pub async fn handle(&self, event: SqsEvent, time: Duration) -> SqsBatchResponse {
        let mut by_subject: BTreeMap<Subject, Vec<SqsMessage>> = BTreeMap::new();
        let mut triggers = Vec::new();
        for message in event.records {
            match decode(&message) {
                Some(trigger) => {
                    by_subject.entry(trigger.subject.clone()).or_default().push(message);
                    triggers.push(trigger);
                }
                None => self.drop_undecodable(&message),
            }
        }
        if triggers.is_empty() {
            return SqsBatchResponse::default();
        }
        let subjects: Vec<Subject> = by_subject.keys().cloned().collect();
        let outcomes = match tokio::time::timeout(time, self.mirror.handle(triggers)).await {
            Ok(outcomes) => outcomes,
            Err(_) => subjects.into_iter().map(|subject| (subject, Outcome::Failed(out_of_time()))).collect(),
        };
        let mut response = SqsBatchResponse::default();
        for (subject, outcome) in outcomes {
            let Outcome::Failed(error) = outcome else { continue };
            tracing::error!(trigger = %subject, %error, "not handled; the message comes again");
            for message in by_subject.remove(&subject).unwrap_or_default() {
                self.return_to_queue(&message, &mut response).await;
            }
        }
        response
    }

    async fn return_to_queue(&self, message: &SqsMessage, response: &mut SqsBatchResponse) {
        if let Some(handle) = &message.receipt_handle
            && let Err(error) = self.redelivery.retry_after(handle, wait_seconds(message)).await
        {
            tracing::warn!(%error, "the message comes again only after the queue's visibility timeout");
        }
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.message_id.clone().unwrap_or_default();
        response.batch_item_failures.push(failure);
    }

    /// What cannot be decoded never can be: it is counted and acknowledged, for it must not stop its queue.
    fn drop_undecodable(&self, message: &SqsMessage) {
        tracing::error!(
            message.id = message.message_id.as_deref().unwrap_or("unknown"),
            "a message of the changes queue is no trigger and was dropped: \
             find out who else sends to the queue; the next full sweep covers what was lost"
        );
        self.telemetry.count(Count::UndecodableMessages, 1);
    }
}

fn decode(message: &SqsMessage) -> Option<Trigger> {
    serde_json::from_str(message.body.as_deref()?).ok()
}

/// 1 s after the first receive, doubling up to 30 s.
fn wait_seconds(message: &SqsMessage) -> u32 {
    let received: u32 =
        message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1);
    2_u32.saturating_pow(received.saturating_sub(1)).clamp(1, LONGEST_WAIT_SECONDS)
}

fn out_of_time() -> CallError {
    let detail = "the function's time was up; what was written is remembered".to_owned();
    CallError::new("handle", "batch", Cause::Unanswered { detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(times: &str) -> SqsMessage {
        let mut message = SqsMessage::default();
        message.attributes.insert("ApproximateReceiveCount".to_owned(), times.to_owned());
        message
    }

    #[test]
    fn a_message_waits_longer_every_time_but_never_longer_than_thirty_seconds() {
        let waits: Vec<u32> =
            ["1", "2", "3", "9", "4000000000"].iter().map(|times| wait_seconds(&received(times))).collect();
        assert_eq!(waits, [1, 2, 4, 30, 30]);
    }

    #[test]
    fn what_is_no_trigger_is_not_decoded() {
        let mut message = SqsMessage::default();
        message.body = Some("{\"subject\":{\"kind\":\"user\",\"id\":\"nobody\"}}".to_owned());
        assert_eq!(decode(&message), None);
    }
}
