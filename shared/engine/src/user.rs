//! Handles a user: object, attributes and memberships, revocations first.

use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::apply::weightiest;
use crate::holds::Mark;
use crate::mirror::Mirror;
use crate::ports::{CallError, Cause};
use crate::recheck;
use crate::trigger::{Expectation, Look, Subject};
use crate::user_task::UserTask;
use crate::users::JudgedUser;
use crate::work::{Stopped, Work};
use futures::{StreamExt, stream};
use planning::GroupId;
use planning::attributes::UserAttribute;
use planning::desired::{AssignedGroups, DesiredUser};
use planning::guard_rail::{self, ApprovedPlan, Ours};
use planning::hold;
use planning::plan::{Change, Plan};
use planning::record::{CreationIntent, Record, Standing, UserRecord};
use planning::scope::{OutOfScope, UserReading};
use planning::user_plan::{self, Holder, UserHolders};
use std::collections::BTreeSet;

/// Writes of one user at a time; a user in fifty groups need not wait for fifty answers in turn.
const CONCURRENT_WRITES: usize = 8;

/// How often a plan is made anew because somebody holds a name that looked free.
const REPLANS: usize = 2;

impl Mirror {
    /// Decides what to do for a user; `None` if there is nothing to do. The record is marked dirty, with
    /// all that is about to be written, before anything is.
    pub(crate) async fn prepare_user(&self, judged: JudgedUser) -> Result<Option<UserTask>, CallError> {
        let JudgedUser { work, mut record, reading, assigned_groups, desired, past_grace, .. } = judged;
        self.recheck_contradictions(&work, &reading).await?;
        if past_grace {
            return self.prepare_deletion(work, record, desired).await;
        }
        let in_doubt = work.look == Look::InDoubt;
        let in_step = !in_doubt && user_plan::is_in_step(&record, &desired);
        if (in_step && !is_news(&record, &desired)) || is_nobody(&record, &desired) {
            if !work.only_recheck {
                let (delays, now) = (&self.settings.recheck_delays, self.clock.now());
                self.agenda.put(&recheck::after_look(&work, delays, now)).await?;
            }
            return Ok(None);
        }
        self.recover_creation(&mut record.principal).await?;
        self.claim_memberships(&work, &mut record).await?;
        let object = self.read_actual(&mut record, &desired, in_doubt).await?;
        let holders = self.holders_before_creation(&record, &desired).await?;
        let plan = user_plan::plan_user(&record, &desired, object.as_ref(), &holders, &self.managed);
        let approved = approve(plan, &record.principal, &holders)?;
        let mut task = UserTask {
            work,
            record,
            desired,
            assigned_groups,
            skipped: Vec::new(),
            approved,
            object,
            errors: Vec::new(),
            revoked: false,
            changed_access: false,
        };
        self.write_ahead(&mut task).await?;
        Ok(Some(task))
    }

    /// A tombstone whose grace period is over and that is still out of scope: what is left of it goes.
    async fn prepare_deletion(
        &self,
        work: Work,
        mut record: Record<UserRecord>,
        desired: DesiredUser,
    ) -> Result<Option<UserTask>, CallError> {
        let Some(user_id) = record.principal.user_id.clone() else { return Ok(None) };
        let Some(object) = self.reader.user(&user_id).await? else {
            record.principal.object_is_gone();
            record.principal.settle(&desired, &Plan::empty(record.id.clone()), self.clock.now());
            self.ledger.put_user(&record).await?;
            return Ok(None);
        };
        let memberships = self.reader.memberships_of(&user_id).await?;
        let plan = user_plan::plan_deletion(&record, &object, &memberships);
        let ours = Ours { past_grace: true, ..Ours::of_user(&record.principal) };
        let approved = guard_rail::approve(plan, &ours).map_err(|error| {
            CallError::new("approve", &record.id, Cause::Incomplete { missing: error.to_string() })
        })?;
        let mut task = UserTask {
            work,
            record,
            desired,
            assigned_groups: AssignedGroups::new(),
            approved,
            object: Some(object),
            skipped: Vec::new(),
            errors: Vec::new(),
            revoked: false,
            changed_access: false,
        };
        self.write_ahead(&mut task).await?;
        Ok(Some(task))
    }

    /// A deletion can wait: the next full sweep asks for it again.
    pub(crate) fn is_past_grace(&self, work: &Work, standing: Standing) -> bool {
        work.grace_over
            && !work.tells_of_a_change()
            && standing.is_past_grace(self.clock.now(), self.settings.grace.0)
    }

    async fn recheck_contradictions(&self, work: &Work, reading: &UserReading) -> Result<(), CallError> {
        let contradicted = contradicted(work, reading);
        // A re-check that still contradicts has others behind it, or was the last.
        if contradicted.is_empty() || work.only_recheck {
            return Ok(());
        }
        let delays = &self.settings.recheck_delays;
        self.agenda.put(&recheck::after_contradiction(work, contradicted, delays, self.clock.now())).await
    }

    /// Takes away what the plan takes away. A failure is remembered and hides nothing else.
    pub(crate) async fn revoke_for_user(&self, task: &mut UserTask) {
        let changes: Vec<Change> = task.approved.revocations().cloned().collect();
        self.apply_all(task, &changes).await;
        task.revoked = !changes.is_empty();
    }

    /// Updates and grants, and stores what came of it all.
    pub(crate) async fn finish_user(&self, task: UserTask) -> Result<(), Stopped> {
        let priority = task.priority();
        self.apply_rest(task).await.map_err(|error| Stopped { error, priority })
    }

    async fn apply_rest(&self, mut task: UserTask) -> Result<(), CallError> {
        for round in 0..=REPLANS {
            let changes: Vec<Change> = task.approved.updates_and_grants().cloned().collect();
            let (grants, others): (Vec<_>, Vec<_>) =
                changes.into_iter().partition(|change| matches!(change, Change::GrantMembership { .. }));
            self.apply_in_turn(&mut task, &others).await;
            if round < REPLANS && take_conflict(&mut task.errors) {
                self.replan(&mut task).await?;
                continue;
            }
            if task.record.principal.user_id.is_some() {
                self.apply_all(&mut task, &grants).await;
            }
            break;
        }
        self.settle_user(task).await
    }

    async fn apply_in_turn(&self, task: &mut UserTask, changes: &[Change]) {
        for change in changes {
            // Who could not be taken out of every group is not deleted yet.
            if matches!(change, Change::DeleteUser { .. }) && !task.errors.is_empty() {
                continue;
            }
            let user = task.record.principal.user_id.clone();
            let result = self.apply(&task.approved, change, user.as_ref(), &task.work).await;
            task.note(change, result);
        }
    }

    async fn apply_all(&self, task: &mut UserTask, changes: &[Change]) {
        let user = task.record.principal.user_id.clone();
        let (approved, work, user) = (&task.approved, &task.work, user.as_ref());
        let results: Vec<_> = stream::iter(changes)
            .map(|change| async move { (change, self.apply(approved, change, user, work).await) })
            .buffered(CONCURRENT_WRITES)
            .collect()
            .await;
        for (change, result) in results {
            task.note(change, result);
        }
    }

    /// Something holds a name that looked free: find out who, and plan again. It may be our own creation,
    /// whose first answer was lost and which was tried again.
    async fn replan(&self, task: &mut UserTask) -> Result<(), CallError> {
        self.recover_creation(&mut task.record.principal).await?;
        let DesiredUser::Present { attributes: Ok(wanted), .. } = &task.desired else {
            return Ok(());
        };
        let own = task.record.principal.user_id.clone();
        if let Some(user_id) = &own {
            task.object = self.reader.user(user_id).await?;
        }
        let needed = self.values_needed(&task.work, task.object.as_ref()).await?;
        let mut holders = UserHolders { needed, ..UserHolders::default() };
        for (attribute, holder) in
            [(UserAttribute::UserName, &mut holders.user_name), (UserAttribute::Email, &mut holders.email)]
        {
            if let Some(value) = wanted.get(attribute) {
                *holder = Some(self.holder_of_user(attribute, value, own.as_ref()).await?);
            }
        }
        let plan =
            user_plan::plan_user(&task.record, &task.desired, task.object.as_ref(), &holders, &self.managed);
        task.approved = approve(plan, &task.record.principal, &holders)?;
        self.write_ahead(task).await
    }

    /// Marks the record dirty and writes down what is about to be created, before it is.
    async fn write_ahead(&self, task: &mut UserTask) -> Result<(), CallError> {
        let plan = task.approved.plan();
        if plan.changes.is_empty() {
            return Ok(());
        }
        let user = &mut task.record.principal;
        for change in &plan.changes {
            match change {
                Change::CreateUser { attributes } => user.creating = CreationIntent::user(attributes),
                Change::GrantMembership { group } => {
                    user.granting.insert(group.clone());
                }
                _ => {}
            }
        }
        task.record.dirty = true;
        task.record.version = self.ledger.put_user(&task.record).await?;
        Ok(())
    }

    async fn settle_user(&self, mut task: UserTask) -> Result<(), CallError> {
        let now = self.clock.now();
        let mut plan = task.approved.plan().clone();
        plan.skipped.append(&mut task.skipped);
        for skipped in &plan.skipped {
            self.telemetry.skipped(&plan.principal, skipped);
        }
        // What was throttled has had no effect: the record says exactly what stands there.
        task.record.dirty = task.errors.iter().any(|error| !error.is_throttle());
        if task.errors.is_empty() {
            task.record.principal.settle(&task.desired, &plan, now);
        }
        self.ledger.put_user(&task.record).await?;
        let spent = hold::spent(&task.record, &task.desired);
        if !spent.is_empty() {
            self.holds.mark(&task.record.id, &spent, Mark::None).await?;
        }
        self.agenda.put(&self.entries_after(&task, &plan)).await?;
        self.nudge(&plan, &task.work, Subject::user).await?;
        match weightiest(task.errors) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn entries_after(&self, task: &UserTask, plan: &Plan) -> Vec<AgendaEntry> {
        let now = self.clock.now();
        let mut entries = Vec::new();
        // A re-check that changes nothing begets none.
        let doubtful = if task.work.only_recheck { task.changed_access } else { task.revoked };
        if doubtful {
            entries.extend(recheck::after_revocation(&task.work, &self.settings.recheck_delays, now));
        }
        // Whatever named the user may have run ahead of what was read: somebody who is to gain, or lose, access.
        let decided = task.work.only_recheck || task.changed_access || !plan.waits_for.is_empty();
        if task.work.live || !decided {
            entries.extend(recheck::after_look(&task.work, &self.settings.recheck_delays, now));
        }
        if !plan.waits_for.is_empty() {
            entries.extend(recheck::deferred(&task.work, Priority::Ordinary, None, now));
        }
        entries.extend(self.doubts(task));
        entries
    }

    /// A grant that AWS answers with "not found" means that the group, or the user, was deleted by hand.
    fn doubts(&self, task: &UserTask) -> Vec<AgendaEntry> {
        let not_found = task.errors.iter().filter(|error| error.cause == Cause::NotFound);
        let objects: BTreeSet<&str> = not_found.map(|error| error.object.as_str()).collect();
        let groups = task.assigned_groups.iter().filter(|(_, group)| {
            group
                .as_ref()
                .is_some_and(|group: &GroupId| objects.iter().any(|object| object.contains(group.as_str())))
        });
        let now = self.clock.now();
        groups
            .map(|(id, _)| AgendaEntry {
                due: now,
                priority: Priority::Ordinary,
                subject: Subject::group(id.clone()),
                reason: Reason::Doubt,
                look: Look::InDoubt,
                expectations: Vec::new(),
                noticed_at: task.work.noticed_at,
            })
            .collect()
    }
}

/// Somebody who never had access, and has none: nothing is written down.
fn is_nobody(record: &Record<UserRecord>, desired: &DesiredUser) -> bool {
    record.version == 0 && matches!(desired, DesiredUser::Absent(why) if *why != OutOfScope::Disabled)
}

/// Someone disabled is remembered though nothing is to be done, so that a later "enabled" is not taken for
/// a stranger's.
fn is_news(record: &Record<UserRecord>, desired: &DesiredUser) -> bool {
    record.version == 0 && *desired == DesiredUser::Absent(OutOfScope::Disabled)
}

fn approve(plan: Plan, user: &UserRecord, holders: &UserHolders) -> Result<ApprovedPlan, CallError> {
    let mut ours = Ours::of_user(user);
    for holder in [&holders.user_name, &holders.email].into_iter().flatten() {
        if let Holder::Tombstone { owner, object } = holder {
            ours.retired_users.insert(object.clone(), owner.clone());
        }
    }
    let principal = plan.principal.clone();
    guard_rail::approve(plan, &ours).map_err(|error| {
        CallError::new("approve", principal, Cause::Incomplete { missing: error.to_string() })
    })
}

fn take_conflict(errors: &mut Vec<CallError>) -> bool {
    let before = errors.len();
    errors.retain(|error| error.cause != Cause::Conflict);
    errors.len() < before
}

fn contradicted(work: &Work, reading: &UserReading) -> Vec<Expectation> {
    let member_of = |group| matches!(reading, UserReading::Present { groups, .. } if groups.contains(group));
    work.expectations
        .iter()
        .filter(|expected| member_of(&expected.group) != expected.joined)
        .cloned()
        .collect()
}
