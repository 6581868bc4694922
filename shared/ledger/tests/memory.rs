//! The facts about ledger, agenda and queues, in the memory of one process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[macro_use]
mod facts;
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use async_trait::async_trait;
use engine::trigger::Trigger;
use ledger::memory::{MemoryLedger, MemoryLifecycleQueue, MemoryQueue};
use std::sync::Arc;
use world::{Consumer, World};

every_fact!(crate::in_memory);

async fn in_memory() -> Option<World> {
    let ledger = Arc::new(MemoryLedger::default());
    let (queue, lifecycle) = (MemoryQueue::default(), MemoryLifecycleQueue::default());
    Some(World {
        ledger: ledger.clone(),
        holds: ledger.clone(),
        rotation: ledger.clone(),
        desk: ledger.clone(),
        evidence: ledger.clone(),
        subscriptions: ledger.clone(),
        access: ledger.clone(),
        agenda: ledger.clone(),
        watch: ledger,
        queue: Arc::new(queue.clone()),
        redelivery: Arc::new(queue.clone()),
        lifecycle: Arc::new(lifecycle.clone()),
        consumer: Box::new(MemoryConsumer(queue, lifecycle)),
    })
}

struct MemoryConsumer(MemoryQueue, MemoryLifecycleQueue);

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn receive(&self) -> Vec<(String, Trigger)> {
        let received = self.0.receive(10).into_iter();
        received.map(|message| (message.receipt.to_string(), message.trigger)).collect()
    }

    async fn delete(&self, receipt_handle: &str) {
        self.0.delete(receipt_handle.parse().unwrap());
    }

    async fn events(&self) -> Vec<String> {
        self.1.take()
    }
}
