//! Agenda and queues on which any call can fail, take effect without an answer, or be the function's last.

use super::chaos::{Chaos, Fate, Life};
use async_trait::async_trait;
use engine::agenda::{AgendaEntry, AgendaKey};
use engine::ports::{Agenda, CallError, Cause, DueWork, LifecycleQueue, Redelivery, TriggerQueue};
use engine::trigger::Trigger;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest a call to ledger or queue takes, in milliseconds.
const LATENCY_MS: u64 = 8;

/// The product's functions: a death is chosen for a kind of call of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// It makes one call only, and is not chosen.
    Webhook,
    /// The mirror.
    Mirror,
    /// The sweep.
    Sweep,
}

/// What threatens the calls of one execution environment.
#[derive(Debug, Clone)]
pub struct Perils {
    /// Draws what happens.
    pub chaos: Arc<Chaos>,
    /// What a crash ends.
    pub life: Arc<Life>,
    /// Whose calls they are.
    pub function: Function,
}

/// A port whose calls are in peril.
pub struct Unreliable<P: ?Sized> {
    pub(super) inner: Arc<P>,
    pub(super) perils: Perils,
}

impl<P: ?Sized> Unreliable<P> {
    /// Puts the calls of a port in peril.
    pub fn new(inner: Arc<P>, perils: Perils) -> Self {
        Self { inner, perils }
    }
}

impl Perils {
    /// Makes a call, or what fate makes of it.
    pub async fn meet<T, E>(
        &self,
        operation: &str,
        call: impl Future<Output = Result<T, E>>,
        no_answer: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let kind = match (self.function, operation) {
            (Function::Webhook, _) => "notify",
            (Function::Sweep, "send") => "move",
            _ => operation,
        };
        match self.chaos.fate(kind) {
            Fate::Good => call.await,
            Fate::Fails => Err(no_answer()),
            Fate::AnswerLost => {
                let _ = call.await;
                Err(no_answer())
            }
            Fate::CrashBefore => self.life.end().await,
            Fate::CrashAfter => {
                let _ = call.await;
                self.life.end().await
            }
        }
    }

    /// Makes a call of ledger or queue.
    pub(super) async fn port<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        self.chaos.latency(LATENCY_MS).await;
        self.meet(operation, call, || {
            CallError::new(operation, "", Cause::Unanswered { detail: "simulated".to_owned() })
        })
        .await
    }
}

#[async_trait]
impl Agenda for Unreliable<dyn Agenda> {
    async fn put(&self, entries: &[AgendaEntry]) -> Result<(), CallError> {
        self.perils.port("put on agenda", self.inner.put(entries)).await
    }

    async fn done(&self, keys: &BTreeSet<AgendaKey>) -> Result<(), CallError> {
        self.perils.port("tick off", self.inner.done(keys)).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<DueWork, CallError> {
        self.perils.port("read agenda", self.inner.due(now, limit)).await
    }

    async fn set_in_flight(
        &self,
        key: &AgendaKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, CallError> {
        self.perils.port("set in flight", self.inner.set_in_flight(key, now, until)).await
    }
}

#[async_trait]
impl TriggerQueue for Unreliable<dyn TriggerQueue> {
    async fn send(&self, triggers: &[Trigger]) -> Result<(), CallError> {
        self.perils.port("send", self.inner.send(triggers)).await
    }
}

#[async_trait]
impl Redelivery for Unreliable<dyn Redelivery> {
    async fn retry_after(&self, receipt_handle: &str, seconds: u32) -> Result<(), CallError> {
        self.perils.port("return message", self.inner.retry_after(receipt_handle, seconds)).await
    }
}

#[async_trait]
impl LifecycleQueue for Unreliable<dyn LifecycleQueue> {
    async fn send(&self, events: &[String]) -> Result<(), CallError> {
        self.perils.port("send lifecycle", self.inner.send(events)).await
    }
}
