//! The mirror: handles the triggers of one batch, revocations before anything else.

use crate::agenda::RecheckDelays;
use crate::assignments::AssignmentPoll;
use crate::holds::Holds;
use crate::moving::Mover;
use crate::ports::{
    Agenda, CallError, Cause, Clock, Directory, IdentityStoreReader, IdentityStoreWriter, Ledger,
};
use crate::recheck;
use crate::telemetry::{Count, Telemetry};
use crate::trigger::{Look, Origin, Subject, Trigger};
use crate::user::UserTask;
use crate::work::{self, Work};
use futures::future::join_all;
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::attributes::UserAttribute;
use planning::mapping::MappingSettings;
use planning::plan::Plan;
use planning::record::{GroupRecord, PrincipalKind, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The operator's choices.
#[derive(Debug, Clone, Default)]
pub struct MirrorSettings {
    /// Which attributes come from where.
    pub mapping: MappingSettings,
    /// Members of groups nested in an assigned one count, too.
    pub flatten_nested_groups: bool,
    /// When to look again.
    pub recheck_delays: RecheckDelays,
    /// How long a tombstone stands before its object is deleted.
    pub grace: Grace,
}

/// How long a tombstone stands before its object is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace(pub SignedDuration);

impl Default for Grace {
    /// Seven days.
    fn default() -> Self {
        Self(SignedDuration::from_hours(7 * 24))
    }
}

/// What the mirror needs.
#[derive(Clone)]
pub struct MirrorPorts {
    /// Entra ID.
    pub directory: Arc<dyn Directory>,
    /// Identity Center's reader.
    pub reader: Arc<dyn IdentityStoreReader>,
    /// Identity Center's writer.
    pub writer: Arc<dyn IdentityStoreWriter>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Where bulk revocations wait.
    pub holds: Arc<dyn Holds>,
    /// The agenda and the way from it to the queue.
    pub mover: Mover,
}

/// Makes Identity Center agree with Entra ID, principal by principal.
pub struct Mirror {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) reader: Arc<dyn IdentityStoreReader>,
    pub(crate) writer: Arc<dyn IdentityStoreWriter>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) holds: Arc<dyn Holds>,
    pub(crate) agenda: Arc<dyn Agenda>,
    pub(crate) mover: Mover,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) telemetry: Arc<dyn Telemetry>,
    pub(crate) settings: MirrorSettings,
    pub(crate) managed: BTreeSet<UserAttribute>,
    assigned_set_is_known: AtomicBool,
}

/// What became of one principal's triggers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do now; what is to be done later is on the agenda.
    Done,
    /// It failed: the messages return to the queue.
    Failed(CallError),
}

impl Mirror {
    /// Puts a mirror together.
    pub fn new(ports: MirrorPorts, settings: MirrorSettings) -> Self {
        Self {
            directory: ports.directory,
            reader: ports.reader,
            writer: ports.writer,
            ledger: ports.ledger,
            holds: ports.holds,
            agenda: ports.mover.agenda.clone(),
            clock: ports.mover.clock.clone(),
            telemetry: ports.mover.telemetry.clone(),
            mover: ports.mover,
            managed: settings.mapping.managed(),
            settings,
            assigned_set_is_known: AtomicBool::new(false),
        }
    }

    /// Handles triggers. Every subject among them is in the answer; one failure never hides the rest.
    pub async fn handle(&self, triggers: Vec<Trigger>) -> BTreeMap<Subject, Outcome> {
        self.telemetry.count(Count::Triggers, triggers.len() as u64);
        let work = work::coalesce(triggers);
        let results = match self.records(&work).await {
            Ok((users, groups)) => self.handle_known(&work, users, groups).await,
            Err(error) => work.keys().map(|subject| (subject.clone(), Err(error.clone()))).collect(),
        };
        let outcomes = join_all(results.into_iter().map(|(subject, result)| async {
            let outcome = self.conclude(&work[&subject], result).await;
            (subject, outcome)
        }));
        let outcomes: BTreeMap<_, _> = outcomes.await.into_iter().collect();
        if work.values().any(|work| !work.agenda.is_empty()) {
            // What was finished makes room for as much more; the minute run takes over should this fail.
            if let Err(error) = self.mover.move_due().await {
                tracing::warn!(%error, "due work was not moved to the queue; the next run moves it");
            }
        }
        outcomes
    }

    async fn records(&self, work: &BTreeMap<Subject, Work>) -> Result<Records, CallError> {
        self.ensure_assigned_set().await?;
        let users = work::ids_of(work, PrincipalKind::User);
        let groups = work::ids_of(work, PrincipalKind::Group);
        futures::try_join!(self.ledger.users(&users), self.ledger.groups(&groups))
    }

    /// A missing set of assigned principals is read from Graph first; it never means "nobody".
    async fn ensure_assigned_set(&self) -> Result<(), CallError> {
        if self.assigned_set_is_known.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.ledger.assigned_header().await?.is_none() {
            let poll = AssignmentPoll {
                directory: self.directory.clone(),
                ledger: self.ledger.clone(),
                holds: self.holds.clone(),
                clock: self.clock.clone(),
                telemetry: self.telemetry.clone(),
            };
            match poll.run().await {
                Ok(_) => {}
                // Somebody else stored it meanwhile.
                Err(CallError { cause: Cause::Concurrent, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.assigned_set_is_known.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Groups first: their handling names users, who are read after it.
    async fn handle_known(
        &self,
        work: &BTreeMap<Subject, Work>,
        users: BTreeMap<EntraObjectId, Record<planning::record::UserRecord>>,
        groups: BTreeMap<EntraObjectId, Record<GroupRecord>>,
    ) -> Results {
        let mut results: Results = work.keys().map(|subject| (subject.clone(), Ok(()))).collect();
        let covered: BTreeSet<Subject> = work
            .values()
            .filter(|work| work.look >= Look::ReadAnyway || users.contains_key(&work.subject.id))
            .map(|work| work.subject.clone())
            .filter(|subject| subject.kind == PrincipalKind::User)
            .collect();
        let (group_work, user_work): (BTreeMap<_, _>, BTreeMap<_, _>) = work
            .iter()
            .map(|(subject, work)| (subject.clone(), work.clone()))
            .partition(|(subject, _)| subject.kind == PrincipalKind::Group);
        let facts = self.group_facts(&group_work, groups).await;
        let handled = join_all(facts.into_iter().map(|(id, facts)| async {
            let subject = Subject::group(id);
            let result = match facts {
                Ok(facts) => self.handle_group(&work[&subject], facts, &covered).await,
                Err(error) => Err(error),
            };
            (subject, result)
        }));
        results.extend(handled.await);
        results.extend(self.handle_users(&user_work, users).await);
        results
    }

    /// Revocations of every user of the batch come before any grant of any of them.
    async fn handle_users(
        &self,
        work: &BTreeMap<Subject, Work>,
        records: BTreeMap<EntraObjectId, Record<planning::record::UserRecord>>,
    ) -> Results {
        let facts = match self.user_facts(work, records).await {
            Ok(facts) => facts,
            Err(error) => {
                return work.keys().map(|subject| (subject.clone(), Err(error.clone()))).collect();
            }
        };
        let mut results = Results::new();
        let mut tasks: Vec<UserTask> = Vec::new();
        let prepared = join_all(facts.into_iter().map(|(id, facts)| async {
            let subject = Subject::user(id);
            let prepared = match facts {
                Ok(facts) => self.prepare_user(work[&subject].clone(), facts).await,
                Err(error) => Err(error),
            };
            (subject, prepared)
        }));
        for (subject, prepared) in prepared.await {
            match prepared {
                Ok(Some(task)) => tasks.push(task),
                Ok(None) => {}
                Err(error) => {
                    results.insert(subject, Err(error));
                }
            }
        }
        if let Err(error) = self.break_bulk(&mut tasks).await {
            // Uncounted, nothing is revoked: the messages come again.
            let failed = tasks.iter().map(|task| (task.work.subject.clone(), Err(error.clone())));
            results.extend(failed);
            return results;
        }
        join_all(tasks.iter_mut().map(|task| self.revoke_for_user(task))).await;
        let finished = join_all(tasks.into_iter().map(|task| async {
            let subject = task.work.subject.clone();
            (subject, self.finish_user(task).await)
        }));
        results.extend(finished.await);
        results
    }

    /// Ticks off what is done. Being throttled is no failure: the principal steps back to the agenda.
    async fn conclude(&self, work: &Work, result: Result<(), CallError>) -> Outcome {
        let concluded = match result {
            Ok(()) => self.agenda.done(&work.agenda).await,
            Err(CallError { cause: Cause::Throttled { retry_after }, .. }) => {
                self.telemetry.count(Count::Throttled, 1);
                self.step_back(work, retry_after).await
            }
            Err(error) => Err(error),
        };
        let Err(error) = concluded else {
            return Outcome::Done;
        };
        self.telemetry.count(Count::FailedHandlings, 1);
        // A record that says too little is read anew; should this fail, the queue brings the message back.
        if let Err(second) = self.ledger.mark_dirty(&work.subject.id).await {
            tracing::warn!(principal.id = %work.subject.id, error = %second, "could not mark the record dirty");
        }
        Outcome::Failed(error)
    }

    async fn step_back(&self, work: &Work, retry_after: Option<SignedDuration>) -> Result<(), CallError> {
        self.agenda.put(&[recheck::deferred(work, retry_after, self.clock.now())]).await?;
        self.agenda.done(&work.agenda).await
    }

    /// Has those looked at who hold a name that this principal needs, and who are about to give it up.
    pub(crate) async fn nudge(
        &self,
        plan: &Plan,
        work: &Work,
        subject: impl Fn(EntraObjectId) -> Subject,
    ) -> Result<(), CallError> {
        let triggers = plan.waits_for.iter().map(|owner| Trigger {
            subject: subject(owner.clone()),
            look: Look::ReadAnyway,
            origin: Origin::NameNeeded { by: plan.principal.clone() },
            expectations: Vec::new(),
            noticed_at: work.noticed_at,
        });
        let triggers: Vec<Trigger> = triggers.collect();
        if triggers.is_empty() { Ok(()) } else { self.mover.queue.send(&triggers).await }
    }
}

type Results = BTreeMap<Subject, Result<(), CallError>>;
type Records = (
    BTreeMap<EntraObjectId, Record<planning::record::UserRecord>>,
    BTreeMap<EntraObjectId, Record<GroupRecord>>,
);
