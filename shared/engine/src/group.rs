//! Handles a group: its object, and the triggers for the users whose membership changed.

use crate::agenda::Priority;
use crate::apply::{Effect, weightiest};
use crate::group_reading::GroupFacts;
use crate::mirror::Mirror;
use crate::ports::{CallError, Cause};
use crate::recheck;
use crate::trigger::{Look, Subject};
use crate::work::Work;
use planning::EntraObjectId;
use planning::group_plan::{self, DesiredGroup, IdentityGroup};
use planning::guard_rail::{self, ApprovedPlan, Ours};
use planning::plan::{Change, Plan};
use planning::record::{CreationIntent, GroupRecord, Record, Standing};
use planning::skipped::{SkipReason, Skipped};
use planning::user_plan::Holder;
use std::collections::BTreeSet;

/// How often a plan is made anew because somebody holds a name that looked free.
const REPLANS: usize = 2;

impl Mirror {
    /// Handles a group. Its fan-out is queued, or on the agenda, before the delta link is saved: a crash in
    /// between repeats the fan-out and loses nothing. Users in `covered` are read later in this batch anyway.
    pub(crate) async fn handle_group(
        &self,
        work: &Work,
        facts: GroupFacts,
        covered: &BTreeSet<Subject>,
    ) -> Result<(), CallError> {
        let before = facts.record.clone();
        let gone = facts.reading.as_ref().and_then(|reading| reading.gone);
        let mut record = facts.record.clone();
        if let Some(name) = facts.reading.as_ref().and_then(|reading| reading.name.clone()) {
            record.principal.entra_name = Some(name);
        }
        let desired = match (&record.principal.entra_name, record.assigned && gone.is_none()) {
            (Some(name), true) => DesiredGroup::Present { name: name.clone() },
            (None, true) => return Err(no_name(&record.id)),
            (_, false) => DesiredGroup::Absent,
        };
        if desired == DesiredGroup::Absent {
            // What it gives access to goes before its members do.
            self.converge_access(work, &mut record, &desired).await?;
        }
        let outcome = self.converge_group(work, &mut record, &desired).await;
        let created =
            record.principal.group_id.is_some() && record.principal.group_id != before.principal.group_id;
        let mut fan_out = match &desired {
            DesiredGroup::Absent => self.fan_out_of_absent(work, &before, &mut record, &facts).await?,
            DesiredGroup::Present { .. } => {
                self.fan_out_of_present(work, &mut record, &facts, created).await?
            }
        };
        self.hold_if_bulk(work, &fan_out).await?;
        let revokes = desired == DesiredGroup::Absent;
        if revokes && record.principal.standing != before.principal.standing {
            // From here on the group counts as assigned for nobody. A crash before the fan-out is queued
            // leaves the record dirty, so that the fan-out is repeated.
            let withdrawn = Record { dirty: true, ..record.clone() };
            record.version = self.ledger.put_group(&withdrawn).await?;
        }
        let named_nobody = fan_out.look_at.is_empty();
        fan_out.look_at.retain(|subject| !covered.contains(subject));
        if revokes {
            // Whoever is in a group that counts no more may lose something, nested groups included.
            fan_out.losers = fan_out.look_at.iter().map(|subject| subject.id.clone()).collect();
        }
        self.send_fan_out(work, fan_out).await?;
        self.recheck_reading(work, &facts, named_nobody).await?;
        if facts.reading.is_some() && record.principal.delta_link.is_some() {
            record.principal.delta_link_made_at = Some(self.clock.now());
        }
        if record != before {
            record.version = self.ledger.put_group(&record).await?;
        }
        if desired != DesiredGroup::Absent {
            self.follow_with_access(work, &mut record, &desired).await?;
        }
        self.revoke_strangers(work, &record).await?;
        outcome
    }

    /// The group stands, and its members are on their way: now what it gives access to.
    async fn follow_with_access(
        &self,
        work: &Work,
        record: &mut Record<GroupRecord>,
        desired: &DesiredGroup,
    ) -> Result<(), CallError> {
        let before = record.principal.access.clone();
        self.converge_access(work, record, desired).await?;
        if record.principal.access != before {
            self.ledger.put_group(record).await?;
        }
        Ok(())
    }

    /// Brings the group's object to desired state. An error leaves the record dirty, for the next look.
    async fn converge_group(
        &self,
        work: &Work,
        record: &mut Record<GroupRecord>,
        desired: &DesiredGroup,
    ) -> Result<(), CallError> {
        if *desired == DesiredGroup::Absent && self.is_past_grace(work, record.principal.standing) {
            return self.delete_group(work, record).await;
        }
        if work.look != Look::InDoubt && group_plan::is_in_step(record, desired) {
            return Ok(());
        }
        let mut errors = Vec::new();
        let mut skipped = Vec::new();
        let mut plan = Plan::empty(record.id.clone());
        for round in 0..=REPLANS {
            let approved = self.plan_group(work, record, desired, round > 0).await?;
            plan = approved.plan().clone();
            self.write_ahead_of_group(record, &plan).await?;
            for change in approved.updates_and_grants() {
                let result = self.apply(&approved, change, None, work).await;
                note(record, result, &mut skipped, &mut errors);
            }
            let conflicts = errors.iter().any(|error: &CallError| error.cause == Cause::Conflict);
            if !conflicts || round == REPLANS {
                break;
            }
            errors.retain(|error| error.cause != Cause::Conflict);
        }
        plan.skipped.append(&mut skipped);
        for skipped in &plan.skipped {
            self.telemetry.skipped(&plan.principal, skipped);
        }
        // What was throttled has had no effect.
        record.dirty = errors.iter().any(|error| !error.is_throttle());
        if errors.is_empty() {
            record.principal.settle(desired, &plan, self.clock.now());
        }
        if !plan.waits_for.is_empty() {
            let again = recheck::deferred(work, Priority::Ordinary, None, self.clock.now());
            self.agenda.put(&again).await?;
        }
        self.nudge(&plan, work, Subject::group).await?;
        weightiest(errors).map_or(Ok(()), Err)
    }

    /// A tombstone whose grace period is over and that is still not assigned: what is left of it goes.
    async fn delete_group(&self, work: &Work, record: &mut Record<GroupRecord>) -> Result<(), CallError> {
        let Some(group_id) = record.principal.group_id.clone() else { return Ok(()) };
        if self.access.is_some() && record.principal.access.is_under_way() {
            // Its account assignments go first; nothing would take them away once the group is gone.
            return Err(CallError::new("delete", &record.id, Cause::Throttled { retry_after: None }));
        }
        let Some(object) = self.reader.group(&group_id).await? else {
            record.principal.object_is_gone();
            record.principal.standing = Standing::Waiting;
            return Ok(());
        };
        let members = self.reader.members_of(&group_id).await?;
        let plan = group_plan::plan_deletion(record, &object, &members);
        let ours = Ours { past_grace: true, ..Ours::of_group(&record.principal) };
        let approved = approved(plan, &ours)?;
        for change in approved.revocations().chain(approved.updates_and_grants()) {
            self.apply(&approved, change, None, work).await?;
        }
        record.principal.object_is_gone();
        record.principal.standing = Standing::Waiting;
        Ok(())
    }

    async fn plan_group(
        &self,
        work: &Work,
        record: &mut Record<GroupRecord>,
        desired: &DesiredGroup,
        ask_for_holder: bool,
    ) -> Result<ApprovedPlan, CallError> {
        self.recover_group_creation(&mut record.principal).await?;
        let object = self.actual_group(work, record, desired).await?;
        let creating = record.principal.group_id.is_none();
        let holder = match desired {
            DesiredGroup::Present { name } if creating || ask_for_holder => {
                Some(self.holder_of_group(name, record.principal.group_id.as_ref()).await?)
            }
            _ => None,
        };
        let needed = self.is_group_name_needed(work, object.as_ref()).await?;
        let plan = group_plan::plan_group(record, desired, object.as_ref(), holder.as_ref(), needed);
        let mut ours = Ours::of_group(&record.principal);
        if let Some(Holder::Tombstone { owner, object }) = holder {
            ours.retired_groups.insert(object, owner);
        }
        approved(plan, &ours)
    }

    async fn actual_group(
        &self,
        work: &Work,
        record: &mut Record<GroupRecord>,
        desired: &DesiredGroup,
    ) -> Result<Option<IdentityGroup>, CallError> {
        let Some(group_id) = record.principal.group_id.clone() else {
            return Ok(None);
        };
        let in_step = work.look != Look::InDoubt && group_plan::is_in_step(record, desired);
        if in_step || *desired == DesiredGroup::Absent && work.look != Look::InDoubt {
            return Ok(None);
        }
        let object = self.reader.group(&group_id).await?;
        if object.is_none() {
            record.principal.object_is_gone();
        }
        Ok(object)
    }

    /// A creation whose answer was lost: the group of the recorded name that has no other owner is ours.
    async fn recover_group_creation(&self, group: &mut GroupRecord) -> Result<(), CallError> {
        let (None, Some(intent)) = (&group.group_id, &group.creating) else {
            return Ok(());
        };
        let Some(found) = self.reader.find_group(&intent.name).await? else {
            return Ok(());
        };
        if self.ledger.owner_of_group(&found).await?.is_none()
            && self.reader.members_of(&found).await?.is_empty()
        {
            group.group_id = Some(found);
        }
        Ok(())
    }

    async fn write_ahead_of_group(
        &self,
        record: &mut Record<GroupRecord>,
        plan: &Plan,
    ) -> Result<(), CallError> {
        if plan.changes.is_empty() {
            return Ok(());
        }
        for change in &plan.changes {
            if let Change::CreateGroup { name } = change {
                record.principal.creating = Some(CreationIntent::group(name));
            }
        }
        record.dirty = true;
        record.version = self.ledger.put_group(record).await?;
        Ok(())
    }

    /// What was read may have run behind the truth: a delta that shows nothing although a notification tells of
    /// a change, and a full read, which no delta corrects unless somebody asks for it. A re-check that finds
    /// something begets another.
    async fn recheck_reading(
        &self,
        work: &Work,
        facts: &GroupFacts,
        names_nobody: bool,
    ) -> Result<(), CallError> {
        let Some(reading) = &facts.reading else {
            return Ok(());
        };
        // Whoever names a group that does not seem to count may know better.
        let counts =
            facts.record.assigned || !facts.assigned_ancestors.is_empty() || work.look != Look::Ordinary;
        let nothing = names_nobody && reading.name.is_none() && reading.gone.is_none();
        let doubtful = match (work.only_recheck, facts.read_in_full) {
            (true, in_full) => !in_full && !names_nobody,
            (false, in_full) => in_full || work.notified && nothing,
        };
        let (delays, now) = (&self.settings.recheck_delays, self.clock.now());
        let entries = match counts {
            true if doubtful => recheck::after_contradiction(work, Vec::new(), delays, now),
            true if !work.only_recheck && (work.live || names_nobody) => {
                recheck::after_look(work, delays, now)
            }
            _ => return Ok(()),
        };
        self.agenda.put(&entries).await
    }
}

fn note(
    record: &mut Record<GroupRecord>,
    result: Result<Effect, CallError>,
    skipped: &mut Vec<Skipped>,
    errors: &mut Vec<CallError>,
) {
    match result {
        Ok(Effect::GroupCreated(group_id)) => {
            (record.principal.group_id, record.principal.creating) = (Some(group_id), None);
        }
        Ok(_) => {}
        Err(CallError { operation, cause: Cause::Refused { .. }, .. }) => {
            skipped.push(Skipped::Principal { why: SkipReason::RefusedByAws { operation } });
        }
        Err(error) => {
            if error.is_throttle() {
                record.principal.creating = None;
            }
            errors.push(error);
        }
    }
}

fn approved(plan: Plan, ours: &Ours) -> Result<ApprovedPlan, CallError> {
    let principal = plan.principal.clone();
    guard_rail::approve(plan, ours).map_err(|error| {
        CallError::new("approve", principal, Cause::Incomplete { missing: error.to_string() })
    })
}

fn no_name(id: &EntraObjectId) -> CallError {
    let missing = "neither the delta answer nor the ledger has a name; the group is read in full".to_owned();
    CallError::new("GET /groups/delta", id, Cause::Incomplete { missing })
}
