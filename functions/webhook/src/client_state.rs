//! The clientState secrets as this process knows them.

use engine::ports::CallError;
use entra::{ClientStateSource, ClientStates};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use tokio::sync::Mutex;

/// After a mismatch the secret is read again at most this often, so that a flood of forged notifications
/// costs no more than one read a minute.
const REFETCH_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// The secrets, read once and again after a mismatch.
pub struct StateStore {
    source: Arc<dyn ClientStateSource>,
    known: Mutex<Option<Known>>,
}

struct Known {
    states: ClientStates,
    read_at: Timestamp,
}

impl StateStore {
    /// Reads nothing yet.
    pub fn new(source: Arc<dyn ClientStateSource>) -> Self {
        Self { source, known: Mutex::new(None) }
    }

    /// The secrets as they were last read.
    ///
    /// # Errors
    /// When they were never read and cannot be.
    pub async fn known(&self, now: Timestamp) -> Result<ClientStates, CallError> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref() {
            return Ok(known.states.clone());
        }
        let states = self.source.read().await?;
        *known = Some(Known { states: states.clone(), read_at: now });
        Ok(states)
    }

    /// The secrets as they are now, for a request that only Graph can have sent, since it holds something good.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn fresh(&self, now: Timestamp) -> Result<ClientStates, CallError> {
        let mut known = self.known.lock().await;
        let states = self.source.read().await?;
        *known = Some(Known { states: states.clone(), read_at: now });
        Ok(states)
    }

    /// The secrets as they are now; `None` if they were read a moment ago, or cannot be read.
    pub async fn refetched(&self, now: Timestamp) -> Option<ClientStates> {
        let mut known = self.known.lock().await;
        let due = known.as_ref().is_none_or(|known| now.duration_since(known.read_at) >= REFETCH_EVERY);
        if !due {
            return None;
        }
        if let Some(known) = known.as_mut() {
            known.read_at = now;
        }
        match self.source.read().await {
            Ok(states) => {
                *known = Some(Known { states: states.clone(), read_at: now });
                Some(states)
            }
            Err(error) => {
                tracing::warn!(%error, "the clientState secret was not read again");
                None
            }
        }
    }
}
