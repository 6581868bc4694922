//! The changes queue in memory: first in, first out per principal, as an SQS FIFO queue has it.

use async_trait::async_trait;
use engine::ports::{CallError, Cause, Redelivery, TriggerQueue};
use engine::trigger::Trigger;
use planning::EntraObjectId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// SQS forgets a deduplication id after five minutes.
const DEDUPLICATION: Duration = Duration::from_mins(5);
/// As `template.yaml` has it: what was received this often without success is a dead letter.
const RECEIVES: u32 = 5;
/// As `template.yaml` has it: a message that is neither deleted nor returned comes again after this time.
const VISIBILITY_TIMEOUT: Duration = Duration::from_mins(4);

/// Proves that a message was received; good until the message is deleted or comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt {
    message: u64,
    receive_count: u32,
}

/// A message that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// To delete or return it with.
    pub receipt: Receipt,
    /// What it says.
    pub trigger: Trigger,
    /// How often it was handed out, this time included.
    pub receive_count: u32,
}

/// A queue of triggers. Clones share their content. Time is tokio's, which tests may pause.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue {
    state: Arc<Mutex<State>>,
    arrival: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// By arrival.
    messages: BTreeMap<u64, Message>,
    /// Since when a deduplication id is known, per message group.
    known: BTreeMap<(EntraObjectId, String), Instant>,
    dead: Vec<Trigger>,
}

#[derive(Debug)]
struct Message {
    trigger: Trigger,
    receive_count: u32,
    hidden_until: Option<Instant>,
}

impl MemoryQueue {
    /// Hands out at most `max` messages, the oldest first. While a message of a principal is handed out, or
    /// waits after it was returned, no later one of that principal is.
    pub fn receive(&self, max: usize) -> Vec<Received> {
        self.state().receive(max, Instant::now())
    }

    /// The message was handled. False if it has come again meanwhile, so that the receipt is void.
    pub fn delete(&self, receipt: Receipt) -> bool {
        let deleted = self.state().delete(receipt);
        self.arrival.notify_waiters();
        deleted
    }

    /// Has a message come again after `delay`. False if the receipt is void.
    pub fn return_after(&self, receipt: Receipt, delay: Duration) -> bool {
        let returned = self.state().return_at(receipt, Instant::now() + delay);
        self.arrival.notify_waiters();
        returned
    }

    /// Waits until there is something to receive, without polling.
    pub async fn notified(&self) {
        loop {
            let arrival = self.arrival.notified();
            tokio::pin!(arrival);
            // From here on no notification is missed, so that looking and waiting cannot overlap badly.
            arrival.as_mut().enable();
            let now = Instant::now();
            let next = match self.state().next_ready(now) {
                Some(at) if at <= now => return,
                next => next,
            };
            match next {
                Some(at) => {
                    let _ = tokio::time::timeout_at(at, arrival).await;
                }
                None => arrival.await,
            }
        }
    }

    /// How many messages wait or are handed out; dead letters are not counted.
    pub fn open(&self) -> usize {
        self.state().messages.len()
    }

    /// What was received five times without being deleted.
    pub fn dead_letters(&self) -> Vec<Trigger> {
        self.state().dead.clone()
    }

    /// A step either happens or not, so what a panicking thread leaves behind is in order.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TriggerQueue for MemoryQueue {
    async fn send(&self, triggers: &[Trigger]) -> Result<(), CallError> {
        self.state().send(triggers, Instant::now());
        self.arrival.notify_waiters();
        Ok(())
    }
}

#[async_trait]
impl Redelivery for MemoryQueue {
    async fn retry_after(&self, receipt_handle: &str, seconds: u32) -> Result<(), CallError> {
        let receipt = receipt_handle.parse().ok();
        let returned = receipt.is_some_and(|receipt| {
            let delay = Duration::from_secs(seconds.into());
            self.return_after(receipt, delay)
        });
        if returned { Ok(()) } else { Err(CallError::new("return message", receipt_handle, Cause::NotFound)) }
    }
}

impl State {
    fn send(&mut self, triggers: &[Trigger], now: Instant) {
        self.known.retain(|_, since| now.duration_since(*since) < DEDUPLICATION);
        for trigger in triggers {
            if let Some(id) = trigger.deduplication_id() {
                let key = (trigger.subject.id.clone(), id);
                if self.known.contains_key(&key) {
                    continue;
                }
                self.known.insert(key, now);
            }
            let message = Message { trigger: trigger.clone(), receive_count: 0, hidden_until: None };
            self.messages.insert(self.next, message);
            self.next += 1;
        }
    }

    fn receive(&mut self, max: usize, now: Instant) -> Vec<Received> {
        self.bury(now);
        let hidden = self.messages.values().filter(|message| message.is_hidden(now));
        let blocked: BTreeSet<EntraObjectId> = hidden.map(|message| message.group().clone()).collect();
        let free = self.messages.iter_mut().filter(|(_, message)| !blocked.contains(message.group()));
        free.take(max).map(|(number, message)| message.hand_out(*number, now)).collect()
    }

    /// Moves what would be received once too often to the dead letters.
    fn bury(&mut self, now: Instant) {
        let is_dead = |message: &Message| message.receive_count >= RECEIVES && !message.is_hidden(now);
        let dead = self.messages.extract_if(.., |_, message| is_dead(message));
        self.dead.extend(dead.map(|(_, message)| message.trigger));
    }

    fn delete(&mut self, receipt: Receipt) -> bool {
        let held = self.held(receipt).is_some();
        if held {
            self.messages.remove(&receipt.message);
        }
        held
    }

    fn return_at(&mut self, receipt: Receipt, at: Instant) -> bool {
        let Some(message) = self.held(receipt) else { return false };
        message.hidden_until = Some(at);
        true
    }

    /// The message of a receipt, unless it was handed out again since.
    fn held(&mut self, receipt: Receipt) -> Option<&mut Message> {
        let message = self.messages.get_mut(&receipt.message)?;
        (message.receive_count == receipt.receive_count).then_some(message)
    }

    /// When the next message can be received, if any can: a group is ready when none of its messages is
    /// hidden any more.
    fn next_ready(&self, now: Instant) -> Option<Instant> {
        let mut groups: BTreeMap<&EntraObjectId, Instant> = BTreeMap::new();
        for message in self.messages.values() {
            let ready = message.hidden_until.unwrap_or(now).max(now);
            let group = groups.entry(message.group()).or_insert(ready);
            *group = ready.max(*group);
        }
        groups.into_values().min()
    }
}

impl Message {
    fn group(&self) -> &EntraObjectId {
        &self.trigger.subject.id
    }

    fn hand_out(&mut self, number: u64, now: Instant) -> Received {
        self.receive_count += 1;
        self.hidden_until = Some(now + VISIBILITY_TIMEOUT);
        Received {
            receipt: Receipt { message: number, receive_count: self.receive_count },
            trigger: self.trigger.clone(),
            receive_count: self.receive_count,
        }
    }

    fn is_hidden(&self, now: Instant) -> bool {
        self.hidden_until.is_some_and(|until| until > now)
    }
}

impl fmt::Display for Receipt {
    /// The receipt handle.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.message, self.receive_count)
    }
}

impl FromStr for Receipt {
    type Err = InvalidReceipt;
    fn from_str(text: &str) -> Result<Self, InvalidReceipt> {
        let (message, receive_count) = text.split_once('-').ok_or(InvalidReceipt)?;
        Ok(Self {
            message: message.parse().map_err(|_| InvalidReceipt)?,
            receive_count: receive_count.parse().map_err(|_| InvalidReceipt)?,
        })
    }
}

/// A text that is no receipt handle of this queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a receipt handle of the queue in memory: use what `receive` gave")]
pub struct InvalidReceipt;

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
