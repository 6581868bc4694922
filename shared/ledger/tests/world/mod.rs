//! A small world for the facts: what they ask, and what they ask it with.

pub mod aws;
pub mod moto;
pub mod script;

use async_trait::async_trait;
use engine::access::ports::AccessLedger;
use engine::agenda::{AgendaEntry, Priority, Reason};
use engine::holds::Holds;
use engine::ports::{Agenda, Ledger, LifecycleQueue, Redelivery, TriggerQueue};
use engine::reviewed::AgendaWatch;
use engine::rotation::ports::{OperatorDesk, RotationLedger, SignInEvidence};
use engine::subscriptions::ports::SubscriptionLedger;
use engine::trigger::{Look, Origin, Subject, Trigger};
use jiff::Timestamp;
use planning::record::{GroupRecord, Record, UserRecord};
use planning::{EntraObjectId, GroupId, MembershipId, UserId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The ports of one implementation, with nothing in them.
pub struct World {
    pub ledger: Arc<dyn Ledger>,
    pub holds: Arc<dyn Holds>,
    pub access: Arc<dyn AccessLedger>,
    pub agenda: Arc<dyn Agenda>,
    pub watch: Arc<dyn AgendaWatch>,
    pub queue: Arc<dyn TriggerQueue>,
    pub redelivery: Arc<dyn Redelivery>,
    pub lifecycle: Arc<dyn LifecycleQueue>,
    pub rotation: Arc<dyn RotationLedger>,
    pub desk: Arc<dyn OperatorDesk>,
    pub evidence: Arc<dyn SignInEvidence>,
    pub subscriptions: Arc<dyn SubscriptionLedger>,
    pub consumer: Box<dyn Consumer>,
}

/// The other end of the queues.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// At most ten triggers, with their receipt handles.
    async fn receive(&self) -> Vec<(String, Trigger)>;
    /// Deletes the message of a receipt handle.
    async fn delete(&self, receipt_handle: &str);
    /// Every lifecycle event that waits.
    async fn events(&self) -> Vec<String>;
}

impl World {
    /// The record of a user that is there.
    pub async fn user(&self, number: u32) -> Record<UserRecord> {
        let mut found = self.ledger.users(&ids([number])).await.unwrap();
        found.remove(&id(number)).unwrap_or_else(|| panic!("user {number} has no record"))
    }

    /// The record of a group that is there.
    pub async fn group(&self, number: u32) -> Record<GroupRecord> {
        let mut found = self.ledger.groups(&ids([number])).await.unwrap();
        found.remove(&id(number)).unwrap_or_else(|| panic!("group {number} has no record"))
    }

    /// What is due at this second and not in flight.
    pub async fn ready(&self, second: i64) -> Vec<AgendaEntry> {
        self.agenda.due(at(second), 100).await.unwrap().ready
    }
}

pub fn id(number: u32) -> EntraObjectId {
    EntraObjectId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
}

pub fn ids(numbers: impl IntoIterator<Item = u32>) -> BTreeSet<EntraObjectId> {
    numbers.into_iter().map(id).collect()
}

pub fn user_id(number: u32) -> UserId {
    UserId::parse(&identity_store_id(number)).unwrap()
}

pub fn group_id(number: u32) -> GroupId {
    GroupId::parse(&identity_store_id(number)).unwrap()
}

pub fn membership_id(number: u32) -> MembershipId {
    MembershipId::parse(&identity_store_id(number)).unwrap()
}

fn identity_store_id(number: u32) -> String {
    format!("906769a0b1-00000000-0000-4000-8000-{number:012x}")
}

/// A user's record that was never stored; its object is `user_id` of the same number.
pub fn new_user(number: u32) -> Record<UserRecord> {
    let mut record = Record::unknown(id(number));
    record.principal = UserRecord { user_id: Some(user_id(number)), ..UserRecord::default() };
    record
}

/// As [`new_user`], for groups.
pub fn new_group(number: u32) -> Record<GroupRecord> {
    let mut record = Record::unknown(id(number));
    record.principal = GroupRecord { group_id: Some(group_id(number)), ..GroupRecord::default() };
    record
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Ordinary work on a user, due at this second.
pub fn entry(number: u32, second: i64) -> AgendaEntry {
    AgendaEntry {
        due: at(second),
        priority: Priority::Ordinary,
        subject: Subject::user(id(number)),
        reason: Reason::FanOut,
        look: Look::ReadAnyway,
        expectations: vec![],
        noticed_at: at(7),
    }
}

/// A user's trigger. A notification's id makes it one that may be deduplicated.
pub fn trigger(number: u32, notification: Option<&str>) -> Trigger {
    Trigger {
        subject: Subject::user(id(number)),
        look: Look::Ordinary,
        origin: Origin::Notification { id: notification.map(str::to_owned) },
        expectations: vec![],
        noticed_at: at(7),
    }
}
