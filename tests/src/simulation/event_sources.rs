//! What runs the functions: the queue's event source with two concurrent invocations, and the sweep's schedules.

use super::product::Product;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use ledger::memory::Received;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use sweep::SweepEvent;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at, sleep, timeout};

/// As the deployed event source has it.
const BATCH_SIZE: usize = 10;
/// How long one batch may take: as the deployed function's time-out, less what it keeps for itself.
const BATCH_TIME: Duration = Duration::from_secs(110);
/// The sweep's time-out in template.yaml.
pub const SWEEP_TIME: Duration = Duration::from_mins(15);
/// The schedule of the minute run.
const MINUTE: Duration = Duration::from_mins(1);
/// That of the rest of a full sweep; every twelfth is a new one.
const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// Takes batches from the queue, and deletes what was handled. A function that dies loses its whole batch,
/// which comes again after the visibility timeout. Never ends.
pub async fn poll_queue(product: Arc<Product>) {
    let (mut function, mut life) = product.mirror();
    loop {
        product.queue.notified().await;
        let received = product.queue.receive(BATCH_SIZE);
        if received.is_empty() {
            sleep(Duration::from_millis(1)).await;
            continue;
        }
        for Received { trigger, .. } in &received {
            product.journal.write(format!("    mirror: {} ({})", trigger.subject, trigger.origin));
        }
        let mut event = SqsEvent::default();
        event.records = received.iter().map(message).collect();
        let response = tokio::select! {
            biased;
            () = life.ended() => None,
            response = function.handle(event, BATCH_TIME) => Some(response),
        };
        let Some(response) = response else {
            product.journal.write("    the mirror dies in the middle of a batch");
            (function, life) = product.mirror();
            continue;
        };
        let failed: BTreeSet<String> =
            response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        for failed in &failed {
            product.journal.write(format!("    message {failed} returns"));
        }
        for message in received {
            let handled = !failed.contains(&message.receipt.to_string());
            if handled && !product.chaos.stays_in_queue() {
                product.queue.delete(message.receipt);
            }
        }
    }
}

/// Looks at the assignments every minute, and moves due work. Never ends.
pub async fn run_every_minute(product: Arc<Product>) {
    run_on_schedule(product, interval(MINUTE), SWEEP_TIME, |_| SweepEvent::Assignments).await;
}

/// Compares everything every hour, and goes on every five minutes where a run was cut off. Never ends.
pub async fn run_every_hour(product: Arc<Product>, first: Duration) {
    let ticks = interval_at(Instant::now() + first, FIVE_MINUTES);
    let event =
        |tick: u64| if tick.is_multiple_of(12) { SweepEvent::Everything } else { SweepEvent::Unfinished };
    run_on_schedule(product, ticks, SWEEP_TIME, event).await;
}

/// Invokes the sweep function on a schedule, never twice at once: as soon as one invocation takes longer than the
/// schedule, others are skipped.
async fn run_on_schedule(
    product: Arc<Product>,
    mut ticks: Interval,
    time: Duration,
    event: impl Fn(u64) -> SweepEvent,
) {
    let (mut function, mut life) = product.sweep();
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for tick in 0.. {
        ticks.tick().await;
        let died = tokio::select! {
            biased;
            () = life.ended() => true,
            result = timeout(time, function.handle(event(tick), time)) => match result {
                Ok(Ok(_)) => false,
                Ok(Err(error)) => {
                    product.journal.write(format!("    sweep, {:?}: {error}", event(tick)));
                    false
                }
                Err(_) => true,
            }
        };
        if died {
            product.journal.write(format!("    sweep, {:?}: dies", event(tick)));
            (function, life) = product.sweep();
        }
    }
}

/// As Lambda hands it to the function.
pub(crate) fn message(received: &Received) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(received.receipt.to_string());
    message.receipt_handle = Some(received.receipt.to_string());
    message.body = serde_json::to_string(&received.trigger).ok();
    message.attributes.insert("ApproximateReceiveCount".to_owned(), received.receive_count.to_string());
    message
}
