//! The poll of the assignments: app role assignments have no notifications, so they are read every minute.

use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::ports::{CallError, Cause, Clock, Directory, Ledger};
use crate::telemetry::{Count, Telemetry};
use crate::trigger::{Look, Subject};
use futures::{TryStreamExt, stream};
use jiff::Timestamp;
use planning::EntraObjectId;
use planning::assigned::{self, AssignedSet, EmptyAnswer};
use planning::record::PrincipalKind;
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
}

/// Why a poll came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The answer cannot be believed.
    #[error(transparent)]
    EmptyAnswer(#[from] EmptyAnswer),
}

impl AssignmentPoll {
    /// Reads all assignments and compares them with the set in the ledger. For every principal that came
    /// or is gone, the record and the agenda change in one transaction; the set follows last, so that a
    /// crash in between repeats the poll and loses nothing.
    ///
    /// # Errors
    /// An incomplete read, an empty one where there were assignments, or a ledger that fails: nothing is
    /// revoked because of it.
    pub async fn run(&self) -> Result<Polled, PollError> {
        match self.run_once().await {
            // Somebody else polled at the same time: what is left to do is told by the set that they stored.
            Err(PollError::Call(CallError { cause: Cause::Concurrent, .. })) => self.run_once().await,
            polled => polled,
        }
    }

    async fn run_once(&self) -> Result<Polled, PollError> {
        let header = self.ledger.assigned_header().await?;
        let read = self.directory.assigned_principals().await?;
        if header.as_ref().is_some_and(|header| header.agrees_with(&read)) {
            return Ok(Polled { assigned: read.len(), came: 0, gone: 0 });
        }
        let known = match &header {
            Some(header) => self.ledger.assigned_set(header).await?,
            None => AssignedSet::default(),
        };
        let outcome = assigned::poll(&known, &read)?;
        let now = self.clock.now();
        let gone = outcome.gone.iter().map(|(id, kind)| (false, entry(id, *kind, Priority::Revocation, now)));
        let came = outcome.came.iter().map(|(id, kind)| (true, entry(id, *kind, Priority::Ordinary, now)));
        stream::iter(gone.chain(came).map(Ok::<_, CallError>))
            .try_for_each_concurrent(CONCURRENT_TRANSACTIONS, |(assigned, entry)| async move {
                self.ledger.set_assigned(assigned, &entry).await
            })
            .await?;
        self.ledger.store_assigned_set(header.as_ref(), &outcome.next).await?;
        self.telemetry.count(Count::Assigned, outcome.came.len() as u64);
        self.telemetry.count(Count::Unassigned, outcome.gone.len() as u64);
        Ok(Polled { assigned: read.len(), came: outcome.came.len(), gone: outcome.gone.len() })
    }
}

fn entry(id: &EntraObjectId, kind: PrincipalKind, priority: Priority, now: Timestamp) -> AgendaEntry {
    AgendaEntry {
        due: now,
        priority,
        subject: Subject { kind, id: id.clone() },
        reason: Reason::Assignment,
        look: Look::ReadAnyway,
        expectations: Vec::new(),
        noticed_at: now,
    }
}
