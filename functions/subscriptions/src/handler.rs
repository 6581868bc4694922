//! Adapts a schedule, an operator and the lifecycle queue to runs over the subscriptions. A run that fails is a failed
//! invocation, or has its messages come again.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use engine::subscriptions::{Ran, Report, Subscriber, SubscriptionError};
use engine::telemetry::Count;
use jiff::Timestamp;
use planning::subscriptions::{LifecycleNotification, Told};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// Nothing is tried again this long before the deadline: a call during which Graph asks the webhook takes up to 30 seconds.
const MARGIN: Duration = Duration::from_secs(40);

/// What a schedule or an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", tag = "look_at")]
pub enum LookEvent {
    /// The subscriptions.
    Subscriptions,
}

/// What the function answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a schedule or an operator.
    Run(RunReport),
    /// To the lifecycle queue: which messages have to come again.
    Batch(SqsBatchResponse),
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// `looked` or `somebody_else`.
    pub outcome: &'static str,
    /// How everything stands, where the run looked.
    #[serde(flatten)]
    pub report: Option<Report>,
}

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionsError {
    /// The run failed.
    #[error("not all subscriptions are as they should be: {0}")]
    Run(#[from] SubscriptionError),
    /// An event that nobody knows.
    #[error(
        "the event is neither a batch of the lifecycle queue nor {{\"look_at\": \"subscriptions\"}}: correct the schedule"
    )]
    UnknownEvent,
}

/// The subscriptions function.
pub struct SubscriptionsFunction {
    /// Looks and acts.
    pub subscriber: Subscriber,
}

impl SubscriptionsFunction {
    /// Does what the event asks for, within `time`, after which the process may be killed.
    ///
    /// # Errors
    /// When a run for a schedule or an operator failed; what was done stays done, and the next run does the rest.
    pub async fn handle(&self, event: Value, time: Duration) -> Result<Answer, SubscriptionsError> {
        if event.get("Records").is_some() {
            let batch: SqsEvent =
                serde_json::from_value(event).map_err(|_| SubscriptionsError::UnknownEvent)?;
            return Ok(Answer::Batch(self.answer_batch(batch, time).await));
        }
        let LookEvent::Subscriptions =
            serde_json::from_value(event).map_err(|_| SubscriptionsError::UnknownEvent)?;
        Ok(Answer::Run(match self.run(&Told::default(), time).await? {
            Ran::Looked(report) => RunReport { outcome: "looked", report: Some(report) },
            Ran::SomebodyElse => RunReport { outcome: "somebody_else", report: None },
        }))
    }

    /// One run answers all messages of a batch: it looks at every subscription anyway. They succeed or fail together, but
    /// for those that say nothing.
    async fn answer_batch(&self, batch: SqsEvent, time: Duration) -> SqsBatchResponse {
        let mut told = Told::default();
        let mut understood = Vec::new();
        for message in batch.records {
            match decode(&message) {
                Some(notification) => {
                    told.add(&notification, sent_at(&message).unwrap_or_else(|| self.subscriber.clock.now()));
                    understood.push(message);
                }
                None => self.drop_undecodable(&message),
            }
        }
        let mut response = SqsBatchResponse::default();
        if understood.is_empty() {
            return response;
        }
        match self.run(&told, time).await {
            Ok(Ran::Looked(_)) => return response,
            // It may have looked before these were told.
            Ok(Ran::SomebodyElse) => {
                tracing::info!("another run is at it; the messages come again");
            }
            Err(error) => {
                tracing::error!(%error, "lifecycle notifications were not answered; they come again")
            }
        }
        response.batch_item_failures = understood.iter().map(failure).collect();
        response
    }

    async fn run(&self, told: &Told, time: Duration) -> Result<Ran, SubscriptionError> {
        let now = self.subscriber.clock.now();
        self.subscriber.run(told, now + time.saturating_sub(MARGIN), now + time).await
    }

    /// What cannot be decoded never can be: it is counted and acknowledged.
    fn drop_undecodable(&self, message: &SqsMessage) {
        tracing::error!(
            message.id = message.message_id.as_deref().unwrap_or("unknown"),
            "a message of the lifecycle queue is no lifecycle notification and was dropped: find out who else sends to \
             the queue; the next scheduled run looks at every subscription"
        );
        self.subscriber.telemetry.count(Count::UndecodableMessages, 1);
    }
}

fn decode(message: &SqsMessage) -> Option<LifecycleNotification> {
    serde_json::from_str(message.body.as_deref()?).ok()
}

/// When the webhook queued it: whatever was refreshed since then is answered.
fn sent_at(message: &SqsMessage) -> Option<Timestamp> {
    let milliseconds = message.attributes.get("SentTimestamp")?.parse().ok()?;
    Timestamp::from_millisecond(milliseconds).ok()
}

fn failure(message: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message.message_id.clone().unwrap_or_default();
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_says_what_to_look_at() {
        let read = |text: &str| serde_json::from_str::<LookEvent>(text);
        assert_eq!(read(r#"{"look_at":"subscriptions"}"#).unwrap(), LookEvent::Subscriptions);
        assert!(read(r#"{"look_at":"everything"}"#).is_err() && read("{}").is_err());
    }

    #[test]
    fn the_time_at_which_a_message_was_queued_is_read() {
        let mut message = SqsMessage::default();
        assert_eq!(sent_at(&message), None);
        message.attributes.insert("SentTimestamp".to_owned(), "1800000000500".to_owned());
        assert_eq!(sent_at(&message), Timestamp::from_millisecond(1_800_000_000_500).ok());
    }

    #[test]
    fn what_is_no_lifecycle_notification_is_not_decoded() {
        let mut message = SqsMessage::default();
        for body in ["", "{}", r#"{"subscriptionId":"me","lifecycleEvent":"missed"}"#] {
            message.body = Some(body.to_owned());
            assert_eq!(decode(&message), None, "{body}");
        }
    }
}
