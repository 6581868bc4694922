//! The list of requests that are under way, which all processes share.

use super::AccessPorts;
use super::ports::{BegunRequest, FailedChange, RequestStatus};
use crate::ports::{CallError, Cause};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use planning::access::{AccountAssignment, AssignmentChange, AssignmentRequest, Outstanding, RequestKind};
use planning::guard_rail::ApprovedAssignmentPlan;
use planning::ids::AssignmentRequestId;
use planning::{EntraObjectId, GroupId};
use std::collections::BTreeSet;

/// How often the list is read and stored anew because somebody was faster.
const ATTEMPTS: usize = 8;

/// For so long AWS's list of what is under way is taken for what it was; who begins something meanwhile takes a place
/// that counts whether it is listed or not.
const LISTED_FOR: SignedDuration = SignedDuration::from_secs(1);

/// How a group's requests stand.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// What AWS lists as under way, whoever began it, and when it was asked; `None` if it was not.
    pub listed: Option<(BTreeSet<AssignmentRequestId>, Timestamp)>,
    /// There is no room for a further request.
    pub full: bool,
    /// The group's that may be under way.
    pub open: Vec<AssignmentRequest>,
    /// The group's that ended.
    pub ended: Vec<AssignmentRequest>,
}

/// What became of the changes that were asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Under way, or perhaps.
    pub under_way: usize,
    /// They failed at once.
    pub failed: Vec<FailedChange>,
    /// An earlier change of theirs has not ended, or the service is busy: AWS wants some time.
    pub put_off: BTreeSet<AccountAssignment>,
}

impl Standing {
    /// True if nothing has come to its end, and nothing more can be asked for.
    pub fn only_waits(&self) -> bool {
        self.full && self.ended.is_empty() && !self.open.is_empty()
    }

    /// True if something is being taken away.
    pub fn revokes(&self) -> bool {
        self.open.iter().any(|request| request.kind == RequestKind::Deletion)
    }

    /// Assignments with an open request.
    pub fn changing(&self) -> BTreeSet<AccountAssignment> {
        self.open.iter().map(|request| request.assignment.clone()).collect()
    }

    /// What the group has once all that is under way has taken effect.
    pub fn foreseen(&self, actual: &BTreeSet<AccountAssignment>) -> BTreeSet<AccountAssignment> {
        let mut foreseen = actual.clone();
        for request in &self.open {
            match request.kind {
                RequestKind::Creation => foreseen.insert(request.assignment.clone()),
                RequestKind::Deletion => foreseen.remove(&request.assignment),
            };
        }
        foreseen
    }
}

impl AccessPorts {
    /// How the group's requests stand. AWS is asked only if there are any: one call for all creations, one for all
    /// deletions.
    pub(super) async fn standing(
        &self,
        group: &EntraObjectId,
        now: Timestamp,
    ) -> Result<Standing, CallError> {
        let (outstanding, _) = self.ledger.outstanding().await?;
        let own: Vec<AssignmentRequest> = outstanding.of(group).into_iter().cloned().collect();
        if own.is_empty() {
            return Ok(Standing::default());
        }
        let in_progress = self.reader.in_progress().await?;
        let (open, ended) = own.into_iter().partition(|request| request.may_be_open(&in_progress, now));
        let full = outstanding.room(&in_progress, now) == 0;
        Ok(Standing { listed: Some((in_progress, now)), full, open, ended })
    }

    /// Asks for the plan's changes, revocations first, as many as there is room for. A place is taken before each
    /// call, and everybody's places are counted: there are never too many, whoever else is at it.
    pub(super) async fn ask(
        &self,
        group_id: &GroupId,
        approved: &ApprovedAssignmentPlan,
        listed: Option<(BTreeSet<AssignmentRequestId>, Timestamp)>,
        now: Timestamp,
    ) -> Result<Asked, CallError> {
        let group = &approved.plan().group;
        let in_progress = match listed.filter(|(_, at)| now.duration_since(*at) < LISTED_FOR) {
            Some((in_progress, _)) => in_progress,
            None => self.reader.in_progress().await?,
        };
        let mut chosen: Vec<AssignmentChange> = Vec::new();
        self.edit(|outstanding| {
            let room = outstanding.room(&in_progress, now);
            chosen = approved.plan().changes.iter().take(room).cloned().collect();
            outstanding.take(group, &chosen, now);
        })
        .await?;
        let mut asked = Asked::default();
        let (revoked, granted): (Vec<_>, Vec<_>) =
            chosen.into_iter().partition(|change| matches!(change, AssignmentChange::Revoke(_)));
        let mut answers = Vec::new();
        for changes in [revoked, granted] {
            answers
                .extend(join_all(changes.into_iter().map(|change| self.asked_for(group_id, change))).await);
        }
        self.note(group, answers, &mut asked).await?;
        Ok(asked)
    }

    /// Takes ended requests off the list.
    pub(super) async fn forget(
        &self,
        group: &EntraObjectId,
        ended: &BTreeSet<AccountAssignment>,
    ) -> Result<(), CallError> {
        if ended.is_empty() {
            return Ok(());
        }
        self.edit(|outstanding| outstanding.ended(group, ended)).await
    }

    /// Notes what the calls were answered with: ids of what is under way, and places that are free again.
    async fn note(
        &self,
        group: &EntraObjectId,
        answers: Vec<(AssignmentChange, Result<BegunRequest, CallError>)>,
        asked: &mut Asked,
    ) -> Result<(), CallError> {
        for (change, answer) in &answers {
            match answer {
                Ok(BegunRequest { status: RequestStatus::Failed(reason), .. }) => {
                    asked.failed.push(FailedChange { change: change.clone(), reason: reason.clone() });
                }
                // It is still to be seen in what the group has.
                Ok(_) => asked.under_way += 1,
                Err(error) => match &error.cause {
                    // It is gone, which is what was wanted; the next look shows it.
                    Cause::NotFound if matches!(change, AssignmentChange::Revoke(_)) => asked.under_way += 1,
                    Cause::Unanswered { .. } => asked.under_way += 1,
                    Cause::Conflict | Cause::Concurrent | Cause::Throttled { .. } => {
                        asked.put_off.insert(change.assignment().clone());
                    }
                    _ => {
                        asked.failed.push(FailedChange { change: change.clone(), reason: error.to_string() });
                    }
                },
            }
        }
        self.edit(|outstanding| {
            for (change, answer) in &answers {
                match answer {
                    Ok(begun) if begun.status == RequestStatus::InProgress => {
                        outstanding.answered(group, change, &begun.id);
                    }
                    // Whether it took effect is not known: its place stays taken for a while.
                    Err(CallError { cause: Cause::Unanswered { .. }, .. }) => {}
                    _ => outstanding.refused(group, change),
                }
            }
        })
        .await
    }

    async fn edit(&self, mut change: impl FnMut(&mut Outstanding)) -> Result<(), CallError> {
        let mut attempt = 1;
        loop {
            let (mut outstanding, version) = self.ledger.outstanding().await?;
            let before = outstanding.clone();
            change(&mut outstanding);
            if outstanding == before {
                return Ok(());
            }
            match self.ledger.store_outstanding(&outstanding, version).await {
                Err(CallError { cause: Cause::Concurrent, .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(CallError { cause: Cause::Concurrent, operation, object }) => {
                    // Many groups are at it: this one comes again.
                    return Err(CallError {
                        cause: Cause::Throttled { retry_after: None },
                        operation,
                        object,
                    });
                }
                stored => return stored,
            }
        }
    }
}
