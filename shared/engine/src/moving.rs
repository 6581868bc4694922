//! Moves due agenda entries to the queue: only as many as keep the services busy for about two seconds.

use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::ports::{Agenda, CallError, Clock, DueWork, TriggerQueue};
use crate::telemetry::{Count, Telemetry};
use crate::trigger::Trigger;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// What may be in flight of each priority, in writes: what Identity Center takes of one kind in two seconds (20
/// per second and API). So a live change never waits behind more than a few seconds of other work, however long
/// the agenda is. Each list has its own room: revocations and what gives are written through different APIs, and
/// what a live change takes away must not wait for thousands of revocations that an operator approved.
const IN_FLIGHT: usize = 40;

/// The same of what gives while more live changes arrive than can be written: enough that it goes on.
const IN_FLIGHT_BESIDE_LIVE: usize = 8;

/// What is moved at once, in writes: about what one of several mirrors does in two seconds. SQS would give more
/// to one mirror while others have nothing to do.
const AT_ONCE: usize = 8;

/// Entries whose state is noted at a time: enough to hide the ledger's latency.
const CONCURRENT_NOTES: usize = 8;

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
    /// Moves a few due entries of each priority; answers how many. An entry stays on the agenda until its
    /// handling ticks it off.
    ///
    /// # Errors
    /// When the ledger or the queue fails; what was to be moved then is free to be moved again.
    pub async fn move_due(&self) -> Result<usize, CallError> {
        self.move_some(IN_FLIGHT).await
    }

    /// The same beside more live changes than can be written: little of what gives, which would only take turns with
    /// them and make them wait.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn move_little(&self) -> Result<usize, CallError> {
        self.move_some(IN_FLIGHT_BESIDE_LIVE).await
    }

    async fn move_some(&self, ordinary: usize) -> Result<usize, CallError> {
        let now = self.clock.now();
        let due = self.agenda.due(now, IN_FLIGHT).await?;
        let chosen = chosen(due, ordinary);
        let moved = self.move_chosen(&chosen, now).await;
        if moved.is_err() {
            // Some are marked and on no queue: a mark whose answer was lost would cost a revocation many minutes.
            self.agenda.put(&chosen).await?;
        }
        moved
    }

    async fn move_chosen(&self, chosen: &[AgendaEntry], now: Timestamp) -> Result<usize, CallError> {
        let moved = stream::iter(chosen).map(|entry| async move {
            let moved = self.agenda.set_in_flight(&entry.key(), now, now + LOST_AFTER).await?;
            Ok::<_, CallError>(moved.then(|| entry.trigger()))
        });
        let moved: Vec<Option<Trigger>> = moved.buffered(CONCURRENT_NOTES).try_collect().await?;
        let triggers: Vec<Trigger> = moved.into_iter().flatten().collect();
        if !triggers.is_empty() {
            self.queue.send(&triggers).await?;
            self.telemetry.count(Count::AgendaMoved, triggers.len() as u64);
        }
        Ok(triggers.len())
    }
}

/// What there is room for, in the agenda's order: so much in flight of the ordinary list.
fn chosen(due: DueWork, ordinary: usize) -> Vec<AgendaEntry> {
    let mut chosen = Vec::new();
    for priority in Priority::ALL {
        let in_flight = due.in_flight.iter().filter(|key| key.priority == priority);
        let in_flight: usize = in_flight.map(|key| writes(key.reason)).sum();
        let most = if priority == Priority::Ordinary { ordinary } else { IN_FLIGHT };
        let mut room = most.saturating_sub(in_flight).min(AT_ONCE);
        for entry in due.ready.iter().filter(|entry| entry.priority == priority) {
            let writes = writes(entry.reason);
            if writes > room {
                break;
            }
            room -= writes;
            chosen.push(entry.clone());
        }
    }
    chosen
}

/// How many writes an entry comes to. It is not known before it is handled; who is newly assigned, or in a new
/// group, is often new altogether: a user and some memberships. All else is mostly one write, or none. An entry
/// that comes to more is done bit by bit (see `Mirror::handle`).
fn writes(reason: Reason) -> usize {
    match reason {
        Reason::Assignment | Reason::FanOut => 2,
        Reason::RevocationCheck
        | Reason::Contradiction
        | Reason::Deferred
        | Reason::GraceOver
        | Reason::Approved
        | Reason::Adopted
        | Reason::Doubt
        | Reason::Sweep
        | Reason::Repair
        | Reason::Access => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::{Look, Subject};
    use planning::EntraObjectId;

    fn entries(priority: Priority, reason: Reason, count: usize) -> Vec<AgendaEntry> {
        let numbers = 0..count;
        let id = |number| EntraObjectId::parse(&format!("00000000-0000-4000-8000-{number:012}")).unwrap();
        let entry = |number| AgendaEntry {
            due: Timestamp::UNIX_EPOCH,
            priority,
            subject: Subject::user(id(number)),
            reason,
            look: Look::ReadAnyway,
            expectations: Vec::new(),
            noticed_at: Timestamp::UNIX_EPOCH,
        };
        numbers.map(entry).collect()
    }

    #[test]
    fn revocations_and_what_gives_do_not_wait_for_each_other() {
        let mut ready = entries(Priority::Revocation, Reason::Approved, 100);
        ready.extend(entries(Priority::Ordinary, Reason::Deferred, 100));
        let chosen = chosen(DueWork { ready, in_flight: Vec::new() }, IN_FLIGHT);
        let revocations = chosen.iter().filter(|entry| entry.priority == Priority::Revocation).count();
        assert_eq!((revocations, chosen.len()), (AT_ONCE, 2 * AT_ONCE));
    }

    #[test]
    fn a_live_changes_revocation_goes_first_however_many_approved_ones_are_under_way() {
        let mut ready = entries(Priority::Revocation, Reason::Approved, 100);
        ready.extend(entries(Priority::LiveRevocation, Reason::Deferred, 1));
        let under_way = entries(Priority::Revocation, Reason::Approved, IN_FLIGHT);
        let in_flight = under_way.iter().map(AgendaEntry::key).collect();
        let chosen = chosen(DueWork { ready, in_flight }, IN_FLIGHT_BESIDE_LIVE);
        assert_eq!(chosen, entries(Priority::LiveRevocation, Reason::Deferred, 1));
    }

    #[test]
    fn no_more_is_in_flight_than_two_seconds_of_writes() {
        let in_flight =
            |count| entries(Priority::Ordinary, Reason::FanOut, count).iter().map(AgendaEntry::key).collect();
        let ready = entries(Priority::Ordinary, Reason::FanOut, 100);
        let chosen =
            |count| chosen(DueWork { ready: ready.clone(), in_flight: in_flight(count) }, IN_FLIGHT).len();
        assert_eq!([0, 18, 20].map(chosen), [AT_ONCE / 2, 2, 0]);
    }
}
