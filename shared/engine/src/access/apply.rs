//! Asks AWS for what an approved plan says, and reports what became of it.

use super::AccessPorts;
use super::desired::CalledFor;
use super::group::{Left, UNDER_WAY};
use super::ports::{BegunRequest, FailedChange, RequestStatus};
use super::requests::Standing;
use crate::mirror::Mirror;
use crate::ports::{CallError, Cause};
use crate::recheck;
use crate::telemetry::AppliedAssignment;
use crate::work::Work;
use jiff::Timestamp;
use planning::GroupId;
use planning::access::{AccountAssignment, AssignmentChange, AssignmentPlan, AssignmentRequest, RequestKind};
use planning::guard_rail::{ApprovedAssignmentPlan, OurAssignments, approve_assignments};
use planning::record::{GroupRecord, Record};
use std::collections::BTreeSet;

/// One look at a group.
#[derive(Clone, Copy)]
pub(super) struct Round<'a> {
    pub access: &'a AccessPorts,
    pub work: &'a Work,
    pub group_id: &'a GroupId,
    pub called_for: &'a CalledFor,
}

impl Mirror {
    /// Asks for the plan's changes. Before that the record says what is begun, and the agenda that there is something to
    /// look at.
    pub(super) async fn ask_for(
        &self,
        round: Round<'_>,
        record: &mut Record<GroupRecord>,
        plan: AssignmentPlan,
        standing: Standing,
    ) -> Result<Left, CallError> {
        let approved = approved(round, record, plan)?;
        record.principal.access.begin(approved.plan());
        record.version = self.ledger.put_group(record).await?;
        let revokes = approved.plan().revocations().next().is_some();
        self.agenda.put(&[self.access_entry(round.work, revokes, UNDER_WAY)]).await?;
        let now = self.clock.now();
        let asked = round.access.ask(round.group_id, &approved, standing.listed, now).await?;
        for failed in &asked.failed {
            self.telemetry.assignment_failed(&record.id, failed);
        }
        let failed = asked.failed.iter().map(|failed| failed.change.assignment().clone());
        let failed: BTreeSet<AccountAssignment> = failed.chain(asked.put_off).collect();
        if !failed.is_empty() {
            record.principal.access.rest(failed, now + recheck::growing(round.work, now), now);
        }
        // What found no room is asked for as soon as there is some.
        let all_rest = plan_rests(&approved, record, now);
        if !standing.open.is_empty() || asked.under_way > 0 || !all_rest {
            return Ok(Left::UnderWay { revokes });
        }
        Ok(Left::Resting { revokes })
    }

    /// What came of requests that ended: by what the group has now, and where that does not show it by their status.
    /// Answers how the others stand, and what is not to be asked for again at once.
    pub(super) async fn concluded(
        &self,
        access: &AccessPorts,
        work: &Work,
        record: &Record<GroupRecord>,
        called_for: &CalledFor,
        mut standing: Standing,
        actual: &BTreeSet<AccountAssignment>,
    ) -> Result<(Standing, BTreeSet<AccountAssignment>), CallError> {
        let (mut over, mut failed) = (BTreeSet::new(), BTreeSet::new());
        for request in std::mem::take(&mut standing.ended) {
            let shows = actual.contains(&request.assignment) == (request.kind == RequestKind::Creation);
            let status = match &request.id {
                Some(id) if !shows => access.reader.status(request.kind, id).await?,
                _ => None,
            };
            match status {
                Some(RequestStatus::InProgress) => {
                    standing.open.push(request);
                    continue;
                }
                Some(RequestStatus::Failed(reason)) => {
                    let failure = FailedChange { change: change_of(&request), reason };
                    self.telemetry.assignment_failed(&record.id, &failure);
                    failed.insert(request.assignment.clone());
                }
                Some(RequestStatus::Succeeded) | None if shows => {
                    self.report_applied(work, record, called_for, &request);
                }
                // Nobody will ever hear of it; the plan goes by what the group has.
                Some(RequestStatus::Succeeded) | None => {}
            }
            over.insert(request.assignment);
        }
        access.forget(&record.id, &over).await?;
        Ok((standing, failed))
    }

    fn report_applied(
        &self,
        work: &Work,
        record: &Record<GroupRecord>,
        called_for: &CalledFor,
        request: &AssignmentRequest,
    ) {
        let rules = called_for.desired.granted.get(&request.assignment);
        let rules: Vec<String> = rules.into_iter().flatten().map(ToString::to_string).collect();
        self.telemetry.assignment_applied(&AppliedAssignment {
            group: &record.id,
            change: &change_of(request),
            rules: &rules,
            cause: &work.cause,
            lag: self.clock.now().duration_since(work.noticed_at),
        });
    }
}

impl AccessPorts {
    /// Asks for one change that was approved, and for which a place was taken.
    pub(super) async fn asked_for(
        &self,
        group: &GroupId,
        change: AssignmentChange,
    ) -> (AssignmentChange, Result<BegunRequest, CallError>) {
        let answer = match &change {
            AssignmentChange::Revoke(assignment) => self.writer.delete(group, assignment).await,
            AssignmentChange::Grant(assignment) => self.writer.create(group, assignment).await,
        };
        (change, answer)
    }
}

fn change_of(request: &AssignmentRequest) -> AssignmentChange {
    match request.kind {
        RequestKind::Creation => AssignmentChange::Grant(request.assignment.clone()),
        RequestKind::Deletion => AssignmentChange::Revoke(request.assignment.clone()),
    }
}

fn approved(
    round: Round<'_>,
    record: &Record<GroupRecord>,
    plan: AssignmentPlan,
) -> Result<ApprovedAssignmentPlan, CallError> {
    let ours = OurAssignments {
        group: record.principal.group_id.clone(),
        recorded: record.principal.access.recorded(),
        excluded: round.called_for.desired.excluded.clone(),
    };
    approve_assignments(plan, &ours).map_err(|error| {
        CallError::new("approve", &record.id, Cause::Incomplete { missing: error.to_string() })
    })
}

/// True if nothing of the plan is to be asked for soon.
fn plan_rests(approved: &ApprovedAssignmentPlan, record: &Record<GroupRecord>, now: Timestamp) -> bool {
    let resting = record.principal.access.resting(now);
    approved.plan().changes.iter().all(|change| resting.contains(change.assignment()))
}
