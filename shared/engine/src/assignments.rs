//! The poll of the assignments: app role assignments have no notifications, so they are read every minute.

use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::holds::{Holds, Loss, all_held, hold_for};
use crate::ports::{CallError, Cause, Clock, Directory, Ledger};
use crate::telemetry::{Count, Telemetry};
use crate::trigger::{Look, Subject};
use futures::{TryStreamExt, stream};
use jiff::Timestamp;
use planning::EntraObjectId;
use planning::assigned::{self, AssignedSet, PollOutcome, Principals};
use planning::hold::{Held, Hold, HoldCause};
use planning::record::PrincipalKind;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Transactions on the ledger at a time: enough to hide their latency, few enough for any table.
const CONCURRENT_TRANSACTIONS: usize = 16;

/// What a poll needs: readers of Entra ID and the ledger, no writer of Identity Center.
#[derive(Clone)]
pub struct AssignmentPoll {
    /// Entra ID.
    pub directory: Arc<dyn Directory>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Where bulk losses wait.
    pub holds: Arc<dyn Holds>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Reports.
    pub telemetry: Arc<dyn Telemetry>,
}

/// What a poll found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// Principals that are assigned now.
    pub assigned: usize,
    /// Of these, newly.
    pub came: usize,
    /// Principals that two polls running did not show.
    pub gone: usize,
    /// Principals whose loss waits for an operator since this poll.
    pub held: usize,
}

impl AssignmentPoll {
    /// Reads all assignments and compares them with the set in the ledger. For every principal that came
    /// or is gone, the record and the agenda change in one transaction. The set says so before that, and what has
    /// come of it after it: a crash in between loses nothing, even if Entra ID says something else by the next
    /// poll. Losses in bulk are held.
    ///
    /// # Errors
    /// An incomplete read, or a ledger that fails: nothing is revoked because of it.
    pub async fn run(&self) -> Result<Polled, CallError> {
        match self.run_once().await {
            // Somebody else polled at the same time: what is left to do is told by the set that they stored.
            Err(CallError { cause: Cause::Concurrent, .. }) => self.run_once().await,
            polled => polled,
        }
    }

    async fn run_once(&self) -> Result<Polled, CallError> {
        let header = self.ledger.assigned_header().await?;
        let read = self.directory.assigned_principals().await?;
        if header.as_ref().is_some_and(|header| header.agrees_with(&read)) {
            return Ok(Polled { assigned: read.len(), came: 0, gone: 0, held: 0 });
        }
        let known = match &header {
            Some(header) => self.ledger.assigned_set(header).await?,
            None => AssignedSet::default(),
        };
        let now = self.clock.now();
        let open = self.open_holds(&known).await?;
        let approved: BTreeSet<EntraObjectId> = open
            .iter()
            .flat_map(|(_, held)| held)
            .filter(|held| held.approved)
            .map(|held| held.principal.clone())
            .collect();
        let recently = self.holds.recent_losses(Loss::Assignment, now).await?;
        let outcome = assigned::poll(&known, &read, &approved, recently);
        self.hold_and_count(&outcome, &approved, now).await?;
        let header = match &outcome.announced {
            Some(set) => Some(self.ledger.store_assigned_set(header.as_ref(), set).await?),
            None => header,
        };
        self.take_note(&outcome, &approved, now).await?;
        self.ledger.store_assigned_set(header.as_ref(), &outcome.next).await?;
        self.strike_settled(&open, &outcome).await?;
        self.telemetry.count(Count::Assigned, outcome.came.len() as u64);
        self.telemetry.count(Count::Unassigned, outcome.gone.len() as u64);
        self.telemetry.count(Count::Held, outcome.newly_held.len() as u64);
        let PollOutcome { came, gone, newly_held, .. } = outcome;
        Ok(Polled { assigned: read.len(), came: came.len(), gone: gone.len(), held: newly_held.len() })
    }

    /// Holds what is bulk, and counts what goes, before anything goes.
    async fn hold_and_count(
        &self,
        outcome: &PollOutcome,
        approved: &BTreeSet<EntraObjectId>,
        now: Timestamp,
    ) -> Result<(), CallError> {
        if !outcome.newly_held.is_empty() {
            let hold = hold_for(self.holds.as_ref(), HoldCause::Assignments, now).await?;
            self.holds.hold(&hold, &held(&outcome.newly_held)).await?;
        }
        let fresh =
            outcome.gone.keys().filter(|id| !approved.contains(*id) && !outcome.counted.contains(*id));
        let fresh = fresh.count() as u64;
        if fresh > 0 {
            self.holds.note_losses(Loss::Assignment, now, fresh).await?;
        }
        Ok(())
    }

    /// Records and agenda learn of every difference.
    async fn take_note(
        &self,
        outcome: &PollOutcome,
        approved: &BTreeSet<EntraObjectId>,
        now: Timestamp,
    ) -> Result<(), CallError> {
        let reason = |id: &EntraObjectId| {
            if approved.contains(id) { Reason::Approved } else { Reason::Assignment }
        };
        let gone = outcome.gone.iter();
        let gone = gone.map(|(id, kind)| (false, entry(id, *kind, Priority::Revocation, reason(id), now)));
        let came = outcome.came.iter();
        let came =
            came.map(|(id, kind)| (true, entry(id, *kind, Priority::Ordinary, Reason::Assignment, now)));
        stream::iter(gone.chain(came).map(Ok::<_, CallError>))
            .try_for_each_concurrent(CONCURRENT_TRANSACTIONS, |(assigned, entry)| async move {
                self.ledger.set_assigned(assigned, &entry).await
            })
            .await
    }

    /// The holds that this set's held principals stand in; none are read if nobody is held.
    async fn open_holds(&self, known: &AssignedSet) -> Result<Vec<(Hold, Vec<Held>)>, CallError> {
        let mut found = Vec::new();
        if known.held.is_empty() {
            return Ok(found);
        }
        for hold in self.holds.open_holds().await? {
            if hold.cause == HoldCause::Assignments {
                let held = all_held(self.holds.as_ref(), &hold.id).await?;
                found.push((hold, held));
            }
        }
        Ok(found)
    }

    /// Takes out of their holds who is assigned again, or was approved and is done.
    async fn strike_settled(
        &self,
        open: &[(Hold, Vec<Held>)],
        outcome: &PollOutcome,
    ) -> Result<(), CallError> {
        for (hold, held) in open {
            let settled = held.iter().filter(|held| !outcome.next.held.contains(&held.principal));
            let settled: BTreeSet<EntraObjectId> = settled.map(|held| held.principal.clone()).collect();
            if !settled.is_empty() {
                self.holds.strike(&hold.id, &settled).await?;
            }
        }
        Ok(())
    }
}

fn held(principals: &Principals) -> Vec<Held> {
    let held = principals.iter().map(|(id, kind)| Held {
        principal: id.clone(),
        kind: *kind,
        groups: BTreeSet::new(),
        access: BTreeSet::new(),
        approved: false,
    });
    held.collect()
}

fn entry(
    id: &EntraObjectId,
    kind: PrincipalKind,
    priority: Priority,
    reason: Reason,
    now: Timestamp,
) -> AgendaEntry {
    AgendaEntry {
        due: now,
        priority,
        subject: Subject { kind, id: id.clone() },
        reason,
        look: Look::ReadAnyway,
        expectations: Vec::new(),
        noticed_at: now,
    }
}
