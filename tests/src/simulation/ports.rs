//! Ledger and queues on which any call can fail, take effect without an answer, or be the function's last.

use super::chaos::{Chaos, Fate, Life};
use async_trait::async_trait;
use engine::agenda::{AgendaEntry, AgendaKey};
use engine::ports::{Agenda, CallError, Cause, DueWork, Ledger, LifecycleQueue, Redelivery, TriggerQueue};
use engine::trigger::Trigger;
use jiff::Timestamp;
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::record::{GroupRecord, Record, UserRecord};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The longest a call to ledger or queue takes, in milliseconds.
const LATENCY_MS: u64 = 8;

/// What threatens the calls of one execution environment.
#[derive(Debug, Clone)]
pub struct Perils {
    /// Draws what happens.
    pub chaos: Arc<Chaos>,
    /// What a crash ends.
    pub life: Arc<Life>,
}

/// A port whose calls are in peril.
pub struct Unreliable<P: ?Sized> {
    inner: Arc<P>,
    perils: Perils,
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
        call: impl Future<Output = Result<T, E>>,
        no_answer: impl FnOnce() -> E,
    ) -> Result<T, E> {
        match self.chaos.fate() {
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

    async fn port<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        self.chaos.latency(LATENCY_MS).await;
        self.meet(call, || {
            CallError::new(operation, "", Cause::Unanswered { detail: "simulated".to_owned() })
        })
        .await
    }
}

#[async_trait]
impl Ledger for Unreliable<dyn Ledger> {
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError> {
        self.perils.port("read users", self.inner.users(ids)).await
    }

    async fn groups(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        self.perils.port("read groups", self.inner.groups(ids)).await
    }

    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError> {
        self.perils.port("put user", self.inner.put_user(record)).await
    }

    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError> {
        self.perils.port("put group", self.inner.put_group(record)).await
    }

    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError> {
        self.perils.port("mark dirty", self.inner.mark_dirty(id)).await
    }

    async fn owners_of_users(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
        self.perils.port("read owners", self.inner.owners_of_users(users)).await
    }

    async fn owner_of_group(&self, group: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
        self.perils.port("read owner", self.inner.owner_of_group(group)).await
    }

    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError> {
        self.perils.port("read header", self.inner.assigned_header()).await
    }

    async fn assigned_set(&self, header: &AssignedHeader) -> Result<AssignedSet, CallError> {
        self.perils.port("read assigned set", self.inner.assigned_set(header)).await
    }

    async fn set_assigned(&self, assigned: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        self.perils.port("set assigned", self.inner.set_assigned(assigned, entry)).await
    }

    async fn store_assigned_set(
        &self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        self.perils.port("store assigned set", self.inner.store_assigned_set(previous, set)).await
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
