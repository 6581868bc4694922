//! What lifecycle notifications tell (change-notifications-lifecycle-events).

use crate::SubscriptionId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a subscription needs. As JSON it is the lifecycle queue's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifecycleNotification {
    /// Which one.
    pub subscription_id: SubscriptionId,
    /// What happened to it.
    pub lifecycle_event: LifecycleEvent,
}

/// What happened to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LifecycleEvent {
    /// Notifications got lost: everything has to be compared.
    Missed,
    /// Graph took it away.
    SubscriptionRemoved,
    /// Its token or itself is about to expire.
    ReauthorizationRequired,
}

/// What lifecycle notifications told that is not answered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Subscriptions that need a new token, with when we were told last.
    pub reauthorize: BTreeMap<SubscriptionId, Timestamp>,
    /// Subscriptions that are gone, whatever a list still shows.
    pub removed: BTreeSet<SubscriptionId>,
    /// Notifications got lost.
    pub missed: bool,
}

impl Told {
    /// Takes note of a notification that arrived at this time.
    pub fn add(&mut self, notification: &LifecycleNotification, at: Timestamp) {
        let id = notification.subscription_id.clone();
        match notification.lifecycle_event {
            LifecycleEvent::Missed => self.missed = true,
            LifecycleEvent::SubscriptionRemoved => drop(self.removed.insert(id)),
            LifecycleEvent::ReauthorizationRequired => {
                let last = self.reauthorize.entry(id).or_insert(at);
                *last = at.max(*last);
            }
        }
    }
}
