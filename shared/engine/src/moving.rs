//! Moves due agenda entries to the queue: only as many as keep the services busy for about two seconds.

use crate::ports::{Agenda, CallError, Clock, TriggerQueue};
use crate::telemetry::{Count, Telemetry};
use jiff::SignedDuration;
use std::sync::Arc;

/// At most this many entries are in flight. An entry costs one write and often several; Identity Center
/// takes 20 writes of a kind per second. So a live change never waits behind more than about two seconds
/// of other work, however long the agenda is.
const IN_FLIGHT: usize = 40;

/// An entry that is not ticked off within this time counts as lost, and is moved again: longer than the
/// queue's visibility timeout, so that a message is not doubled while it is still being handled.
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// What moving needs.
#[derive(Clone)]
pub struct Mover {
    /// Where entries stand.
    pub agenda: Arc<dyn Agenda>,
    /// Where they go.
    pub queue: Arc<dyn TriggerQueue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Reports.
    pub telemetry: Arc<dyn Telemetry>,
}

impl Mover {
    /// Moves due entries, revocations first; answers how many. An entry stays on the agenda until its
    /// handling ticks it off.
    ///
    /// # Errors
    /// When the ledger or the queue fails; entries that were marked as moved but not queued are moved
    /// again later.
    pub async fn move_due(&self) -> Result<usize, CallError> {
        let now = self.clock.now();
        let due = self.agenda.due(now, IN_FLIGHT).await?;
        let room = IN_FLIGHT.saturating_sub(due.in_flight);
        let mut triggers = Vec::new();
        for entry in due.ready.iter().take(room) {
            if self.agenda.set_in_flight(&entry.key(), now, now + LOST_AFTER).await? {
                triggers.push(entry.trigger());
            }
        }
        if !triggers.is_empty() {
            self.queue.send(&triggers).await?;
            self.telemetry.count(Count::AgendaMoved, triggers.len() as u64);
        }
        Ok(triggers.len())
    }
}
