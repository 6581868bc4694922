//! The mirror: handles the triggers of one batch, revocations before anything else.

use crate::access::AccessPorts;
use crate::agenda::{Priority, RecheckDelays};
use crate::assignments::AssignmentPoll;
use crate::holds::Holds;
use crate::moving::Mover;
use crate::ports::{
    Agenda, CallError, Cause, Clock, Directory, IdentityStoreReader, IdentityStoreWriter, Ledger,
};
use crate::recheck;
use crate::telemetry::{Count, Telemetry};
use crate::trigger::{Look, Origin, Subject, Trigger};
use crate::urgency::{Urgency, with_urgency};
use crate::work::{self, Stopped, Work};
use futures::future::join_all;
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::attributes::UserAttribute;
use planning::mapping::MappingSettings;
use planning::plan::{Change, Plan};
use planning::record::{GroupRecord, PrincipalKind, Record, UserRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// How long calls of the agenda's work wait for their budgets in a batch. A live change that comes meanwhile
/// waits for a batch to end.
const BULK_TIME: Duration = Duration::from_secs(2);
/// The same beside live changes, whose messages wait for the whole batch: about what these take themselves.
const TIME_BESIDE_LIVE: Duration = Duration::from_millis(250);
/// The same of live changes that only give: enough for a batch of ten at a fifth of the quota.
const LIVE_TIME: Duration = Duration::from_secs(2);
/// Live changes that were noticed longer ago than this come from a queue that is not empty: none of them waits,
/// for behind them there may be a revocation.
const LATE: SignedDuration = SignedDuration::from_secs(1);
/// So many late ones in a batch are a flood; a single one may only have met a batch of the agenda's work.
const FLOOD: usize = 5;
/// For so long after a flood, or after one that then had to step back, no live change waits. Else the queue would fill up
/// anew whenever it has been emptied.
const BUSY: SignedDuration = SignedDuration::from_mins(1);

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
    /// `None` where no rules are configured: account assignments are nobody's business here then.
    pub(crate) access: Option<AccessPorts>,
    pub(crate) settings: MirrorSettings,
    pub(crate) managed: BTreeSet<UserAttribute>,
    assigned_set_is_known: AtomicBool,
    /// Until when live changes do not wait, in seconds since 1970.
    busy_until: AtomicI64,
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
            access: None,
            managed: settings.mapping.managed(),
            settings,
            assigned_set_is_known: AtomicBool::new(false),
            busy_until: AtomicI64::new(0),
        }
    }

    /// The mirror that also brings account assignments to what the rules call for.
    pub fn with_access(self, access: AccessPorts) -> Self {
        Self { access: Some(access), ..self }
    }

    /// Handles triggers. Every subject among them is in the answer; one failure never hides the rest.
    ///
    /// Live changes and work of the agenda are handled side by side, and live changes have precedence: the rate
    /// budgets keep a reserve for them, and the agenda's work gives way when it has taken its time, and sooner
    /// beside live changes. Whatever is not done then steps back to the agenda.
    pub async fn handle(&self, triggers: Vec<Trigger>) -> BTreeMap<Subject, Outcome> {
        self.telemetry.count(Count::Triggers, triggers.len() as u64);
        let work = work::coalesce(triggers);
        let mut outcomes = BTreeMap::new();
        if let Err(error) = self.ensure_assigned_set().await {
            for work in work.values() {
                let stopped = Err(work.stopped(error.clone()));
                outcomes.insert(work.subject.clone(), self.conclude(work, stopped).await);
            }
            return outcomes;
        }
        let (live, bulk): (BTreeMap<_, _>, BTreeMap<_, _>) =
            work.into_iter().partition(|(_, work)| work.is_urgent());
        let patience = self.patience(&live);
        let slice = match live.is_empty() {
            true => BULK_TIME,
            false if self.is_busy() => Duration::ZERO,
            false => TIME_BESIDE_LIVE,
        };
        // What is taken off the agenda here makes room there: other mirrors may be idle.
        let of_agenda = live.values().chain(bulk.values()).any(|work| !work.agenda.is_empty());
        let (live, bulk, ()) = futures::join!(
            with_urgency(Urgency::Revocation, self.handle_part(&live, patience)),
            with_urgency(Urgency::Bulk, self.handle_part(&bulk, slice)),
            self.move_more(of_agenda),
        );
        self.move_more(of_agenda).await;
        outcomes.extend(live);
        outcomes.extend(bulk);
        outcomes
    }

    /// How long live changes that only give may wait for their budgets.
    fn patience(&self, live: &BTreeMap<Subject, Work>) -> Duration {
        let now = self.clock.now();
        let is_late = |work: &&Work| work.live && now.duration_since(work.noticed_at) > LATE;
        let late = live.values().filter(is_late).count();
        if late >= FLOOD {
            self.stay_busy();
        }
        if late > 0 || self.is_busy() { Duration::ZERO } else { LIVE_TIME }
    }

    fn stay_busy(&self) {
        self.busy_until.store((self.clock.now() + BUSY).as_second(), Ordering::Relaxed);
    }

    /// More live changes have arrived lately than could be written.
    fn is_busy(&self) -> bool {
        self.clock.now().as_second() < self.busy_until.load(Ordering::Relaxed)
    }

    async fn handle_part(
        &self,
        work: &BTreeMap<Subject, Work>,
        time: Duration,
    ) -> BTreeMap<Subject, Outcome> {
        let results = match self.records(work).await {
            Ok((users, groups)) => self.handle_known(work, users, groups, time).await,
            Err(error) => all_stopped(work, &error),
        };
        let outcomes = join_all(results.into_iter().map(|(subject, result)| async {
            let outcome = self.conclude(&work[&subject], result).await;
            (subject, outcome)
        }));
        outcomes.await.into_iter().collect()
    }

    /// Moves due work to the queue; the minute run takes over should this fail.
    async fn move_more(&self, if_so: bool) {
        if !if_so {
            return;
        }
        let moved = if self.is_busy() { self.mover.move_little().await } else { self.mover.move_due().await };
        if let Err(error) = moved {
            tracing::warn!(%error, "due work was not moved to the queue; the next run moves it");
        }
    }

    async fn records(&self, work: &BTreeMap<Subject, Work>) -> Result<Records, CallError> {
        let users = work::ids_of(work, PrincipalKind::User);
        let groups = work::ids_of(work, PrincipalKind::Group);
        futures::try_join!(self.ledger.users(&users), self.ledger.groups(&groups))
    }

    /// A missing set of assigned principals is read from Graph first; it never means "nobody".
    async fn ensure_assigned_set(&self) -> Result<(), CallError> {
        if self.assigned_set_is_known.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.ledger.assigned_header().await?.is_none_or(|header| !header.is_complete()) {
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
        users: BTreeMap<EntraObjectId, Record<UserRecord>>,
        groups: BTreeMap<EntraObjectId, Record<GroupRecord>>,
        time: Duration,
    ) -> Results {
        let mut results: Results = work.keys().map(|subject| (subject.clone(), Ok(()))).collect();
        // A re-check is the last look of its kind: what a group's handling finds deserves a look of its own.
        let covered: BTreeSet<Subject> = work
            .values()
            .filter(|work| !work.only_recheck)
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
            let work = &work[&subject];
            let result = match facts {
                Ok(facts) => self.handle_group(work, facts, &covered).await,
                Err(error) => Err(error),
            };
            (subject, result.map_err(|error| work.stopped(error)))
        }));
        results.extend(handled.await);
        results.extend(self.handle_users(&user_work, users, time).await);
        results
    }

    /// Ticks off what is done. Being throttled is no failure: the principal steps back to the agenda.
    async fn conclude(&self, work: &Work, result: Result<(), Stopped>) -> Outcome {
        let concluded = match result {
            Ok(()) => self.agenda.done(&work.agenda).await,
            Err(Stopped { error: CallError { cause: Cause::Throttled { retry_after }, .. }, priority }) => {
                self.telemetry.count(Count::Throttled, 1);
                if work.live && self.is_busy() {
                    // They still are too many, even if they are not late any more.
                    self.stay_busy();
                }
                self.step_back(work, priority, retry_after).await
            }
            Err(Stopped { error, .. }) => Err(error),
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

    async fn step_back(
        &self,
        work: &Work,
        priority: Priority,
        retry_after: Option<SignedDuration>,
    ) -> Result<(), CallError> {
        self.agenda.put(&recheck::deferred(work, priority, retry_after, self.clock.now())).await?;
        self.agenda.done(&work.agenda).await
    }

    /// Has those looked at who hold a name that this principal needs, and who are about to give it up; and those whose
    /// tombstone stepped aside, for their own handling may have revived it at the same time. Their names in Identity
    /// Center are not what the ledger makes believe.
    pub(crate) async fn nudge(
        &self,
        plan: &Plan,
        work: &Work,
        subject: impl Fn(EntraObjectId) -> Subject,
    ) -> Result<(), CallError> {
        let retired = plan.changes.iter().filter_map(|change| match change {
            Change::RetireUser { owner, .. } | Change::RetireGroup { owner, .. } => Some(owner),
            _ => None,
        });
        let triggers = plan.waits_for.iter().chain(retired).map(|owner| Trigger {
            subject: subject(owner.clone()),
            look: Look::InDoubt,
            origin: Origin::NameNeeded { by: plan.principal.clone() },
            expectations: Vec::new(),
            noticed_at: work.noticed_at,
        });
        let triggers: Vec<Trigger> = triggers.collect();
        if triggers.is_empty() { Ok(()) } else { self.mover.queue.send(&triggers).await }
    }
}

pub(crate) fn all_stopped(work: &BTreeMap<Subject, Work>, error: &CallError) -> Results {
    work.iter().map(|(subject, work)| (subject.clone(), Err(work.stopped(error.clone())))).collect()
}

pub(crate) type Results = BTreeMap<Subject, Result<(), Stopped>>;
type Records = (BTreeMap<EntraObjectId, Record<UserRecord>>, BTreeMap<EntraObjectId, Record<GroupRecord>>);
