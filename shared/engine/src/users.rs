//! The users of a batch: first those who may lose something, and only then what gives.

use crate::agenda::Priority;
use crate::drift::is_repair;
use crate::mirror::{Mirror, Results, all_stopped};
use crate::trigger::Subject;
use crate::urgency::{Urgency, with_urgency, within};
use crate::user_facts::UserFacts;
use crate::user_task::UserTask;
use crate::work::{Stopped, Work};
use futures::future::join_all;
use planning::EntraObjectId;
use planning::desired::{AssignedGroups, DesiredUser, desired_user};
use planning::record::{Record, UserRecord};
use planning::scope::UserReading;
use planning::user_plan;
use std::collections::BTreeMap;
use std::time::Duration;

/// A user of whom it is known what Entra ID calls for, and not yet what Identity Center holds.
pub(crate) struct JudgedUser {
    pub(crate) work: Work,
    pub(crate) record: Record<UserRecord>,
    pub(crate) reading: UserReading,
    pub(crate) assigned_groups: AssignedGroups,
    pub(crate) desired: DesiredUser,
    /// A tombstone whose grace period is over, and that is still out of scope.
    pub(crate) past_grace: bool,
    /// The plan may take something away. Where this is false it takes nothing away.
    may_revoke: bool,
}

impl Mirror {
    /// Revocations of every user of the batch come before anything that is read or written for those who only
    /// gain: what gives waits for its budgets no longer than `time`, and makes no revocation wait.
    pub(crate) async fn handle_users(
        &self,
        work: &BTreeMap<Subject, Work>,
        records: BTreeMap<EntraObjectId, Record<UserRecord>>,
        time: Duration,
    ) -> Results {
        let facts = match within(time, self.user_facts(work, records)).await {
            Ok(facts) => facts,
            Err(error) => return all_stopped(work, &error),
        };
        let mut results = Results::new();
        let (mut losing, mut gaining) = (Vec::new(), Vec::new());
        for (id, facts) in facts {
            let subject = Subject::user(id);
            match facts {
                Ok(facts) => {
                    let judged = self.judged(work[&subject].clone(), facts);
                    if judged.may_revoke { &mut losing } else { &mut gaining }.push(judged);
                }
                Err(error) => {
                    let stopped = work[&subject].stopped(error);
                    results.insert(subject, Err(stopped));
                }
            }
        }
        let passes = async {
            let mut tasks = self.revoke_for_all(losing, &mut results).await;
            tasks.extend(self.revoke_for_all(gaining, &mut results).await);
            results.extend(join_all(tasks.into_iter().map(|task| self.finish(task))).await);
        };
        within(time, passes).await;
        results
    }

    fn judged(&self, work: Work, facts: UserFacts) -> JudgedUser {
        let UserFacts { record, reading, assigned_groups, manager } = facts;
        let mapping = &self.settings.mapping;
        let desired = desired_user(&reading, &record, &assigned_groups, manager.as_ref(), mapping);
        let past_grace =
            self.is_past_grace(&work, record.principal.standing) && matches!(desired, DesiredUser::Absent(_));
        // A repair claims memberships that the record does not know yet.
        let may_revoke = past_grace || is_repair(&work) || user_plan::may_revoke(&record, &desired);
        JudgedUser { work, record, reading, assigned_groups, desired, past_grace, may_revoke }
    }

    /// Prepares users, has the breaker count what they lose, and takes it away. Who is not among the tasks in the
    /// answer is done, or in `results`.
    async fn revoke_for_all(&self, users: Vec<JudgedUser>, results: &mut Results) -> Vec<UserTask> {
        let prepared = join_all(users.into_iter().map(|user| async {
            let (work, urgency, priority) = (user.work.clone(), user.urgency(), user.priority());
            let prepared = with_urgency(urgency, self.prepare_user(user)).await;
            (work, prepared.map_err(|error| Stopped { error, priority }))
        }));
        let mut tasks = Vec::new();
        for (work, prepared) in prepared.await {
            match prepared {
                Ok(Some(task)) => tasks.push(task),
                Ok(None) => drop(results.insert(work.subject, Ok(()))),
                Err(stopped) => drop(results.insert(work.subject, Err(stopped))),
            }
        }
        if let Err(error) = self.break_bulk(&mut tasks).await {
            // Uncounted, nothing is revoked: the messages come again.
            let stopped = |task: UserTask| (task.work.subject.clone(), Err(task.work.stopped(error.clone())));
            results.extend(tasks.into_iter().map(stopped));
            return Vec::new();
        }
        let revocations = tasks
            .iter_mut()
            .map(|task| with_urgency(task.urgency_of_revocations(), self.revoke_for_user(task)));
        join_all(revocations).await;
        tasks
    }

    /// Gives, and stores what came of it all.
    async fn finish(&self, task: UserTask) -> (Subject, Result<(), Stopped>) {
        let subject = task.work.subject.clone();
        let urgency = urgency_of_what_gives(&task.work);
        (subject, with_urgency(urgency, self.finish_user(task)).await)
    }
}

impl JudgedUser {
    /// How urgent it is to find out what the plan is.
    fn urgency(&self) -> Urgency {
        match (self.may_revoke, self.work.is_urgent()) {
            (true, true) => Urgency::Revocation,
            _ => urgency_of_what_gives(&self.work),
        }
    }

    /// Among what it has to wait if it steps back before the plan is made.
    fn priority(&self) -> Priority {
        if self.may_revoke { self.work.list_of_revocations() } else { Priority::Ordinary }
    }
}

fn urgency_of_what_gives(work: &Work) -> Urgency {
    if work.is_urgent() { Urgency::Live } else { Urgency::Bulk }
}
