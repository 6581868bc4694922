//! A group's account assignments: what they should be, what they are, and what is asked for to make them so.
//!
//! Requests take their time. The group does not wait for them: it steps back to the agenda, and the next look goes by
//! what the group has then.

use super::AccessPorts;
use super::apply::Round;
use super::desired::CalledFor;
use super::requests::Standing;
use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::mirror::Mirror;
use crate::ports::{CallError, Cause};
use crate::recheck;
use crate::telemetry::Count;
use crate::trigger::{Look, Subject};
use crate::work::Work;
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::access::{AccountAssignment, AssignmentPlan, Caller, Circumstances, plan_assignments};
use planning::group_plan::DesiredGroup;
use planning::record::{GroupRecord, Record};
use std::collections::{BTreeMap, BTreeSet};

/// When a group is looked at again whose requests are under way.
pub(super) const UNDER_WAY: SignedDuration = SignedDuration::from_secs(1);

/// When a group is looked at whose name means another one: that is written down by then.
const DISPLACED: SignedDuration = SignedDuration::from_secs(5);

/// What is left to do after a look.
pub(super) enum Left {
    Nothing,
    /// Requests are under way: look again soon.
    UnderWay {
        revokes: bool,
    },
    /// What is left failed: look again when it may be otherwise.
    Resting {
        revokes: bool,
    },
}

impl Mirror {
    /// Brings the group's account assignments on their way to what they should be. Whatever goes wrong here is tried
    /// again by the agenda: memberships do not wait for it. The record is to be stored by the caller, who has read it.
    pub(crate) async fn converge_access(
        &self,
        work: &Work,
        record: &mut Record<GroupRecord>,
        desired: &DesiredGroup,
    ) -> Result<(), CallError> {
        let Some(access) = &self.access else { return Ok(()) };
        if !is_asked_for(work, record, desired) {
            return Ok(());
        }
        let entry = match self.look_at_access(access, work, record, desired).await {
            Ok(Left::Nothing) => return Ok(()),
            Ok(Left::UnderWay { revokes }) => self.access_entry(work, revokes, UNDER_WAY),
            Ok(Left::Resting { revokes }) => {
                let retry_at = record.principal.access.retry_at;
                let rest = retry_at.map(|retry_at| retry_at.duration_since(self.clock.now()));
                self.access_entry(work, revokes, rest.unwrap_or(UNDER_WAY).max(UNDER_WAY))
            }
            Err(CallError { cause: Cause::Throttled { retry_after }, .. }) => {
                self.telemetry.count(Count::Throttled, 1);
                let wait = retry_after.unwrap_or_else(|| recheck::growing(work, self.clock.now()));
                self.access_entry(work, *desired == DesiredGroup::Absent, wait.max(UNDER_WAY))
            }
            Err(error) => {
                tracing::error!(principal.id = %record.id, %error, "account assignments were not looked at; they are tried again by themselves");
                self.telemetry.count(Count::FailedHandlings, 1);
                let wait = recheck::growing(work, self.clock.now());
                self.access_entry(work, *desired == DesiredGroup::Absent, wait)
            }
        };
        self.agenda.put(&[entry]).await
    }

    async fn look_at_access(
        &self,
        access: &AccessPorts,
        work: &Work,
        record: &mut Record<GroupRecord>,
        desired: &DesiredGroup,
    ) -> Result<Left, CallError> {
        let Some(group_id) = record.principal.group_id.clone() else { return Ok(Left::Nothing) };
        let called_for = match desired {
            DesiredGroup::Absent => {
                access.ledger.release_names(&record.id).await?;
                access.nothing().await?
            }
            DesiredGroup::Present { name } => {
                let displaces = async |holder: &EntraObjectId| self.look_at_displaced(work, holder).await;
                access.called_for(record, name, displaces).await?
            }
        };
        let now = self.clock.now();
        record.principal.access.known_as.clone_from(&called_for.known_as);
        record.principal.access.looked_at_as = match desired {
            DesiredGroup::Present { name } => Some(name.clone()),
            DesiredGroup::Absent => None,
        };
        if work.look != Look::InDoubt
            && record.marks.approved_access.is_empty()
            && record.principal.access.is_in_step(&called_for.desired)
        {
            return Ok(Left::Nothing);
        }
        let standing = access.standing(&record.id, now).await?;
        if work.look != Look::InDoubt && standing.only_waits() {
            return Ok(Left::UnderWay { revokes: standing.revokes() });
        }
        let relevant = relevant(record, &called_for, &standing);
        let (actual, caller) = if relevant.is_empty() {
            // Nothing can come of it but a hold: who calls does not matter.
            (BTreeSet::new(), Caller::ManagementAccount)
        } else {
            let held = access.reader.of_group(&group_id, &relevant).await?;
            (held.assignments, held.caller)
        };
        let (standing, failed) = self.concluded(access, work, record, &called_for, standing, &actual).await?;
        let groups = BTreeMap::new();
        let circumstances = Circumstances { accounts: &called_for.accounts, caller, groups: &groups };
        let recorded = record.principal.access.recorded();
        let foreseen = standing.foreseen(&actual);
        let plan = plan_assignments(&record.id, &called_for.desired, &foreseen, &recorded, circumstances);
        for skipped in plan.skipped.iter().filter(|_| standing.open.is_empty()) {
            self.telemetry.assignment_skipped(&record.id, skipped);
        }
        let withheld = self.withheld(record, &plan, called_for.managed).await?;
        let revokes = plan.revocations().any(|assignment| !withheld.contains(assignment));
        let waiting = waiting(&plan, &withheld);
        if !failed.is_empty() {
            record.principal.access.rest(failed, now + recheck::growing(work, now), now);
        }
        let resting = record.principal.access.resting(now);
        let left: BTreeSet<AccountAssignment> = withheld.into_iter().chain(standing.changing()).collect();
        let plan = plan.without(&left);
        let settled = plan.changes.is_empty();
        let plan = plan.without(&resting);
        if !plan.changes.is_empty() {
            let round = Round { access, work, group_id: &group_id, called_for: &called_for };
            return self.ask_for(round, record, plan, standing).await;
        }
        record.principal.access.made.extend(plan.claimed);
        match (standing.open.is_empty(), settled) {
            (true, true) => self.settled(record, &called_for, &actual, waiting).await,
            (false, _) => Ok(Left::UnderWay { revokes }),
            (true, false) => Ok(Left::Resting { revokes }),
        }
    }

    /// A name that means another group from now on gives this one nothing any more.
    async fn look_at_displaced(&self, work: &Work, holder: &EntraObjectId) -> Result<(), CallError> {
        let entry = self.access_entry(work, true, DISPLACED);
        self.agenda.put(&[AgendaEntry { subject: Subject::group(holder.clone()), ..entry }]).await
    }

    async fn settled(
        &self,
        record: &mut Record<GroupRecord>,
        called_for: &CalledFor,
        actual: &BTreeSet<AccountAssignment>,
        waiting: BTreeSet<AccountAssignment>,
    ) -> Result<Left, CallError> {
        record.principal.access.settle(&called_for.desired, actual);
        self.spend_access_marks(record, &waiting).await?;
        Ok(Left::Nothing)
    }

    /// The next look at the group's account assignments.
    pub(super) fn access_entry(&self, work: &Work, revokes: bool, after: SignedDuration) -> AgendaEntry {
        AgendaEntry {
            due: self.clock.now() + after,
            priority: if revokes { work.list_of_revocations() } else { Priority::Ordinary },
            subject: work.subject.clone(),
            reason: Reason::Access,
            look: Look::ReadAnyway,
            expectations: Vec::new(),
            noticed_at: work.noticed_at,
        }
    }
}

/// A change of members is none of access: nothing is read then, not even what the ledger has of all groups.
fn is_asked_for(work: &Work, record: &Record<GroupRecord>, desired: &DesiredGroup) -> bool {
    let access = &record.principal.access;
    match desired {
        DesiredGroup::Absent => !access.is_empty() || access.known_as.is_some(),
        DesiredGroup::Present { name } => {
            access.looked_at_as.as_ref() != Some(name)
                || work.asks_for_access()
                || access.applied.is_none() && !work.agenda.is_empty()
        }
    }
}

/// The assignments that may have to change, or that have.
fn relevant(
    record: &Record<GroupRecord>,
    called_for: &CalledFor,
    standing: &Standing,
) -> BTreeSet<AccountAssignment> {
    let requested = standing.open.iter().chain(&standing.ended).map(|request| request.assignment.clone());
    let desired = &called_for.desired;
    let wanted = desired.granted.keys().chain(&desired.excluded).cloned();
    record.principal.access.recorded().into_iter().chain(wanted).chain(requested).collect()
}

/// What an operator has to decide about.
fn waiting(plan: &AssignmentPlan, withheld: &BTreeSet<AccountAssignment>) -> BTreeSet<AccountAssignment> {
    plan.held.iter().map(|held| held.assignment.clone()).chain(withheld.iter().cloned()).collect()
}
