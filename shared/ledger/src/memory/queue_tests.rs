//! Facts about the queue in memory, in paused time.

use super::*;
use engine::trigger::{Look, Origin, Subject};
use jiff::Timestamp;

fn id(number: u32) -> EntraObjectId {
    EntraObjectId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
}

/// A trigger of a principal; the text tells it from others of the same principal.
fn trigger(principal: u32, notification: Option<&str>) -> Trigger {
    Trigger {
        subject: Subject::user(id(principal)),
        look: Look::Ordinary,
        origin: Origin::Notification { id: notification.map(str::to_owned) },
        expectations: vec![],
        noticed_at: Timestamp::UNIX_EPOCH,
    }
}

async fn queue(triggers: &[Trigger]) -> MemoryQueue {
    let queue = MemoryQueue::default();
    queue.send(triggers).await.unwrap();
    queue
}

fn triggers(received: &[Received]) -> Vec<Trigger> {
    received.iter().map(|received| received.trigger.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_come_in_the_order_in_which_they_were_sent() {
    let sent = [trigger(2, Some("a")), trigger(1, Some("b")), trigger(2, Some("c"))];
    let queue = queue(&sent).await;
    assert_eq!(triggers(&queue.receive(10)), sent);
}

#[tokio::test(start_paused = true)]
async fn a_principal_in_flight_is_not_handed_out_again() {
    let sent = [trigger(1, Some("a")), trigger(1, Some("b")), trigger(2, Some("c"))];
    let queue = queue(&sent).await;
    let first = queue.receive(1);
    assert_eq!(triggers(&queue.receive(10)), [sent[2].clone()]);
    assert!(queue.delete(first[0].receipt));
    assert_eq!(triggers(&queue.receive(10)), [sent[1].clone()]);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_message_waits_for_a_later_one_in_flight() {
    let queue = queue(&[trigger(1, Some("a")), trigger(1, Some("b"))]).await;
    let both = queue.receive(2);
    queue.return_after(both[0].receipt, Duration::ZERO);
    assert_eq!(queue.receive(2), [], "one message of the principal is still in flight");
    queue.delete(both[1].receipt);
    assert_eq!(queue.receive(2).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_returned_message_comes_again_after_its_delay_and_before_later_ones() {
    let sent = [trigger(1, Some("a")), trigger(1, Some("b"))];
    let queue = queue(&sent).await;
    let received = queue.receive(1);
    assert!(queue.return_after(received[0].receipt, Duration::from_secs(4)));
    assert_eq!(queue.receive(10), []);
    let start = Instant::now();
    queue.notified().await;
    assert_eq!(start.elapsed().as_secs(), 4);
    let again = queue.receive(10);
    assert_eq!(triggers(&again), sent);
    assert_eq!(again[0].receive_count, 2);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_handle_is_void_once_its_message_came_again() {
    let queue = queue(&[trigger(1, None)]).await;
    let first = queue.receive(1)[0].receipt;
    queue.retry_after(&first.to_string(), 0).await.unwrap();
    let second = queue.receive(1)[0].receipt;
    assert!(!queue.delete(first), "somebody else is handling the message now");
    assert!(queue.retry_after(&first.to_string(), 0).await.is_err());
    assert!(queue.delete(second));
    assert_eq!(queue.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_neither_deleted_nor_returned_comes_again() {
    let queue = queue(&[trigger(1, None)]).await;
    queue.receive(1);
    let start = Instant::now();
    queue.notified().await;
    assert_eq!(start.elapsed(), VISIBILITY_TIMEOUT);
    assert_eq!(queue.receive(1)[0].receive_count, 2);
}

#[tokio::test(start_paused = true)]
async fn after_five_receives_a_message_is_a_dead_letter_and_blocks_nothing() {
    let sent = [trigger(1, Some("a")), trigger(1, Some("b"))];
    let queue = queue(&sent).await;
    for _ in 0..RECEIVES {
        let received = queue.receive(1);
        assert_eq!(received[0].trigger, sent[0]);
        queue.return_after(received[0].receipt, Duration::ZERO);
    }
    assert_eq!(triggers(&queue.receive(1)), [sent[1].clone()]);
    assert_eq!(queue.dead_letters(), [sent[0].clone()]);
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_queued_once_in_five_minutes() {
    let queue = queue(&[trigger(1, Some("a"))]).await;
    let received = queue.receive(1);
    queue.delete(received[0].receipt);
    queue.send(&[trigger(1, Some("a"))]).await.unwrap();
    assert_eq!(queue.open(), 0, "a deleted message is remembered, too");
    queue.send(&[trigger(2, Some("a")), trigger(1, None), trigger(1, None)]).await.unwrap();
    assert_eq!(queue.open(), 3, "only equal ids of one principal are one message");
    tokio::time::advance(DEDUPLICATION).await;
    queue.send(&[trigger(1, Some("a"))]).await.unwrap();
    assert_eq!(queue.open(), 4);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_of_an_arrival() {
    let queue = MemoryQueue::default();
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.notified().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    queue.send(&[trigger(1, None)]).await.unwrap();
    waiting.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_a_principal_in_flight_is_told_when_it_is_done() {
    let queue = queue(&[trigger(1, Some("a")), trigger(1, Some("b"))]).await;
    let first = queue.receive(1)[0].receipt;
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.notified().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    queue.delete(first);
    waiting.await.unwrap();
}
