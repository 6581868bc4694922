//! What the ledger remembers of our subscriptions.

use crate::SubscriptionId;
use crate::digest::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The subscriptions that we made, and what is owed because of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Ours, by their ids.
    #[serde(default)]
    pub known: BTreeMap<SubscriptionId, Known>,
    /// A full sweep is owed and was not asked for yet: there were no notifications for a while.
    #[serde(default)]
    pub sweep_owed: bool,
}

/// A subscription of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The digest of the clientState that it was made with.
    pub client_state: Digest,
    /// When it was made, renewed or reauthorized last. What asked for it before is answered.
    pub refreshed_at: Timestamp,
}

impl Remembered {
    /// Remembers one that was made.
    pub fn note_created(&mut self, id: SubscriptionId, client_state: Digest, at: Timestamp) {
        self.known.insert(id, Known { client_state, refreshed_at: at });
    }

    /// Remembers that one was renewed, and so reauthorized.
    pub fn note_renewed(&mut self, id: &SubscriptionId, at: Timestamp) {
        if let Some(known) = self.known.get_mut(id) {
            known.refreshed_at = at;
        }
    }

    /// Forgets one that is gone.
    pub fn forget(&mut self, id: &SubscriptionId) {
        self.known.remove(id);
    }
}
