//! Holds: where bulk revocations wait, and how an operator decides about them.

use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::ports::{Agenda, CallError, Clock};
use crate::trigger::{Look, Subject};
use async_trait::async_trait;
use futures::{TryStreamExt, stream};
use jiff::Timestamp;
use planning::access::AccountAssignment;
use planning::hold::{Held, Hold, HoldCause, HoldId};
use planning::{EntraObjectId, GroupId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Principals that are read at a time.
const PAGE: usize = 1_000;
/// Decisions at a time: enough to hide the ledger's latency.
const CONCURRENT_DECISIONS: usize = 16;

/// What is said about the revocation of a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It waits for an operator.
    Held,
    /// An operator approved it.
    Approved,
    /// Nothing any more.
    None,
}

/// What many people can lose at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// The assignment to the enterprise application.
    Assignment,
    /// A membership.
    Membership,
    /// An account assignment.
    Access,
}

/// The ledger's holds, marks and counts of losses. All reads are strongly consistent.
#[async_trait]
pub trait Holds: Send + Sync {
    /// Every hold with something left to decide, the oldest first.
    async fn open_holds(&self) -> Result<Vec<Hold>, CallError>;
    /// Stores a hold with these principals, or adds them to it. Records are marked before the hold shows them.
    async fn hold(&self, hold: &Hold, held: &[Held]) -> Result<(), CallError>;
    /// At most `limit` principals of a hold, in the order of their ids, after this one.
    async fn held(
        &self,
        hold: &HoldId,
        after: Option<&EntraObjectId>,
        limit: usize,
    ) -> Result<Vec<Held>, CallError>;
    /// Notes that an operator approved the loss of this assignment.
    async fn approve_assignment(&self, hold: &HoldId, principal: &EntraObjectId) -> Result<(), CallError>;
    /// Takes principals out of a hold; the hold goes with the last one.
    async fn strike(&self, hold: &HoldId, principals: &BTreeSet<EntraObjectId>) -> Result<(), CallError>;
    /// Changes the marks of a user's memberships; nothing if there is no such record.
    async fn mark(
        &self,
        user: &EntraObjectId,
        groups: &BTreeSet<GroupId>,
        mark: Mark,
    ) -> Result<(), CallError>;
    /// As [`Holds::mark`], of a group's account assignments.
    async fn mark_access(
        &self,
        group: &EntraObjectId,
        assignments: &BTreeSet<AccountAssignment>,
        mark: Mark,
    ) -> Result<(), CallError>;
    /// Counts principals that are about to lose something.
    async fn note_losses(&self, loss: Loss, now: Timestamp, principals: u64) -> Result<(), CallError>;
    /// How many lost something in the ten minutes before `now`.
    async fn recent_losses(&self, loss: Loss, now: Timestamp) -> Result<u64, CallError>;
    /// How many users stand in Identity Center and are ours, tombstones included.
    async fn managed_users(&self) -> Result<u64, CallError>;
}

/// Lets an operator decide. What is approved is done by the mirror, if Entra ID still says so; nothing is
/// written to Identity Center here.
#[derive(Clone)]
pub struct HoldDecisions {
    /// The holds.
    pub holds: Arc<dyn Holds>,
    /// Where approved work goes.
    pub agenda: Arc<dyn Agenda>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl HoldDecisions {
    /// Approves a hold, or one principal of it; answers how many principals that were. Can be repeated: what
    /// a first attempt did not reach is done by the second.
    ///
    /// # Errors
    /// When the ledger fails; what was approved before stays approved.
    pub async fn approve(&self, hold: &Hold, only: Option<&EntraObjectId>) -> Result<u64, CallError> {
        self.decide(hold, only, true).await
    }

    /// Discards a hold, or one principal of it: nothing is revoked, and nobody is asked again until Entra ID
    /// says something else. Answers how many principals that were.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn discard(&self, hold: &Hold, only: Option<&EntraObjectId>) -> Result<u64, CallError> {
        self.decide(hold, only, false).await
    }

    async fn decide(
        &self,
        hold: &Hold,
        only: Option<&EntraObjectId>,
        approve: bool,
    ) -> Result<u64, CallError> {
        let (mut decided, mut after) = (0, None);
        loop {
            let page = self.holds.held(&hold.id, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(decided) };
            after = Some(last.principal.clone());
            let chosen: Vec<Held> =
                page.into_iter().filter(|held| only.is_none_or(|only| *only == held.principal)).collect();
            decided += chosen.len() as u64;
            if approve {
                stream::iter(chosen.clone().into_iter().map(Ok::<_, CallError>))
                    .try_for_each_concurrent(CONCURRENT_DECISIONS, |held| async move {
                        self.approve_one(hold, &held).await
                    })
                    .await?;
            }
            // An approved assignment stays in its hold until the next poll has carried it out.
            if !(approve && hold.cause == HoldCause::Assignments) {
                let struck = chosen.into_iter().map(|held| held.principal).collect();
                self.holds.strike(&hold.id, &struck).await?;
            }
        }
    }

    async fn approve_one(&self, hold: &Hold, held: &Held) -> Result<(), CallError> {
        if hold.cause == HoldCause::Assignments {
            return self.holds.approve_assignment(&hold.id, &held.principal).await;
        }
        self.holds.mark(&held.principal, &held.groups, Mark::Approved).await?;
        self.holds.mark_access(&held.principal, &held.access, Mark::Approved).await?;
        let now = self.clock.now();
        let entry = AgendaEntry {
            due: now,
            priority: Priority::Revocation,
            subject: Subject { kind: held.kind, id: held.principal.clone() },
            // What is approved for account assignments says nothing about members.
            reason: if held.access.is_empty() { Reason::Approved } else { Reason::Access },
            look: Look::ReadAnyway,
            expectations: Vec::new(),
            noticed_at: now,
        };
        self.agenda.put(&[entry]).await
    }
}

/// Every principal of a hold, page by page.
pub async fn all_held(holds: &dyn Holds, hold: &HoldId) -> Result<Vec<Held>, CallError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = holds.held(hold, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.principal.clone());
        all.extend(page);
    }
}

/// The open hold of this cause, or a new one that begins now.
pub(crate) async fn hold_for(holds: &dyn Holds, cause: HoldCause, now: Timestamp) -> Result<Hold, CallError> {
    let open = holds.open_holds().await?;
    let found = open.into_iter().find(|hold| hold.cause == cause);
    Ok(found.unwrap_or_else(|| Hold { id: HoldId::new(&cause, now), cause, since: now }))
}
