//! What runs the functions: the queue's event source with two concurrent invocations, and the minute's schedule.

use super::product::Product;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use ledger::memory::Received;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use sweep::SweepEvent;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// As the deployed event source has it.
const BATCH_SIZE: usize = 10;
/// How long one batch may take: as the deployed function's time-out, less what it keeps for itself.
const BATCH_TIME: Duration = Duration::from_secs(110);
/// The sweep's time-out.
const SWEEP_TIME: Duration = Duration::from_secs(55);
/// The schedule.
const MINUTE: Duration = Duration::from_mins(1);

/// Functions that are running right now.
pub type Running = Arc<AtomicUsize>;

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
        for message in received {
            if !failed.contains(&message.receipt.to_string()) {
                product.queue.delete(message.receipt);
            }
        }
    }
}

/// Runs the sweep every minute, never two at once. Never ends.
pub async fn run_every_minute(product: Arc<Product>, running: Running) {
    let (mut function, mut life) = product.sweep();
    let mut ticks = interval(MINUTE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        running.fetch_add(1, Ordering::Relaxed);
        let ended = tokio::select! {
            biased;
            () = life.ended() => true,
            result = timeout(SWEEP_TIME, function.handle(SweepEvent::Assignments, SWEEP_TIME)) => {
                if let Ok(Err(error)) = result {
                    product.journal.write(format!("    minute run: {error}"));
                }
                false
            }
        };
        if ended {
            product.journal.write("    the minute run dies");
            (function, life) = product.sweep();
        }
        running.fetch_sub(1, Ordering::Relaxed);
    }
}

fn message(received: &Received) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(received.receipt.to_string());
    message.receipt_handle = Some(received.receipt.to_string());
    message.body = serde_json::to_string(&received.trigger).ok();
    message.attributes.insert("ApproximateReceiveCount".to_owned(), received.receive_count.to_string());
    message
}
