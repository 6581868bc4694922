//! Facts about the queues.

use crate::world::{World, trigger};
use engine::ports::Cause;
use engine::trigger::Trigger;
use std::collections::{BTreeMap, BTreeSet};

/// Receives and deletes until nothing is left.
async fn drained(world: &World) -> Vec<Trigger> {
    let mut all = Vec::new();
    loop {
        let received = world.consumer.receive().await;
        if received.is_empty() {
            return all;
        }
        for (receipt, trigger) in received {
            world.consumer.delete(&receipt).await;
            all.push(trigger);
        }
    }
}

pub async fn messages_of_a_principal_keep_their_order_over_several_batches(world: &World) {
    // Principal 0 speaks in every batch, and more often than a batch holds.
    let who = |number: u32| if number.is_multiple_of(3) { 0 } else { number };
    let sent: Vec<Trigger> = (0..45).map(|number| trigger(who(number), Some(&number.to_string()))).collect();
    world.queue.send(&sent).await.unwrap();
    let mut by_principal: BTreeMap<_, Vec<Trigger>> = BTreeMap::new();
    for trigger in drained(world).await {
        by_principal.entry(trigger.subject.clone()).or_default().push(trigger);
    }
    let mut expected: BTreeMap<_, Vec<Trigger>> = BTreeMap::new();
    for trigger in sent {
        expected.entry(trigger.subject.clone()).or_default().push(trigger);
    }
    assert_eq!(by_principal, expected);
}

pub async fn a_principal_in_flight_waits(world: &World) {
    world.queue.send(&[trigger(1, Some("a"))]).await.unwrap();
    let (receipt, _) = world.consumer.receive().await.remove(0);
    world.queue.send(&[trigger(1, Some("b")), trigger(2, Some("c"))]).await.unwrap();
    let received: Vec<_> = world.consumer.receive().await.into_iter().map(|(_, trigger)| trigger).collect();
    assert_eq!(received, [trigger(2, Some("c"))]);
    world.consumer.delete(&receipt).await;
    assert_eq!(drained(world).await, [trigger(1, Some("b"))]);
}

pub async fn a_notification_is_queued_once(world: &World) {
    world.queue.send(&[trigger(1, Some("a")), trigger(1, Some("a"))]).await.unwrap();
    world.queue.send(&[trigger(1, Some("a"))]).await.unwrap();
    assert_eq!(drained(world).await, [trigger(1, Some("a"))]);
}

pub async fn what_has_no_identity_is_never_taken_for_something_else(world: &World) {
    let alike = [trigger(1, None), trigger(1, None)];
    world.queue.send(&alike).await.unwrap();
    assert_eq!(drained(world).await, alike);
    // Nor is an identity that is too long to be one, nor that of another principal.
    let long = "x".repeat(200);
    let sent = [trigger(1, Some("a")), trigger(2, Some("a")), trigger(3, Some(&long))];
    world.queue.send(&sent).await.unwrap();
    assert_eq!(drained(world).await, sent);
}

pub async fn a_returned_message_comes_again(world: &World) {
    world.queue.send(&[trigger(1, Some("a")), trigger(1, Some("b"))]).await.unwrap();
    let mut first = world.consumer.receive().await;
    for (receipt, _) in first.drain(..) {
        world.redelivery.retry_after(&receipt, 0).await.unwrap();
    }
    assert_eq!(drained(world).await, [trigger(1, Some("a")), trigger(1, Some("b"))]);
}

pub async fn a_void_receipt_returns_nothing(world: &World) {
    world.queue.send(&[trigger(1, Some("a"))]).await.unwrap();
    let (receipt, _) = world.consumer.receive().await.remove(0);
    world.consumer.delete(&receipt).await;
    let refused = world.redelivery.retry_after(&receipt, 0).await.unwrap_err();
    assert_eq!(refused.cause, Cause::NotFound, "{refused}");
}

pub async fn every_lifecycle_event_arrives(world: &World) {
    let sent: Vec<String> =
        (0..23).map(|number| format!("{{\"lifecycleEvent\":\"missed\",\"number\":{number}}}")).collect();
    world.lifecycle.send(&sent).await.unwrap();
    let arrived: BTreeSet<String> = world.consumer.events().await.into_iter().collect();
    assert_eq!(arrived, sent.into_iter().collect());
}
