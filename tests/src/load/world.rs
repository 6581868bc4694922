//! The organisation with the product beside it, as it is deployed: five mirrors at one queue, and the minute run.

use super::graph::Graph;
use super::identity_store::{Content, Store};
use super::remote::Remote;
use super::tenant::Tenant;
use crate::organisation::{GROUP, Size, entra_id, group_record};
use crate::simulation::clock::{BEGINNING, VirtualClock};
use crate::simulation::event_sources::message;
use aws_lambda_events::sqs::SqsEvent;
use engine::agenda::{AgendaEntry, Priority, Reason};
use engine::assignments::AssignmentPoll;
use engine::mirror::{Mirror, MirrorPorts, MirrorSettings};
use engine::moving::Mover;
use engine::ports::{Agenda, Ledger};
use engine::telemetry::{Applied, Count, Telemetry};
use engine::trigger::{Look, Subject};
use ledger::memory::{MemoryLedger, MemoryQueue};
use mirror::MirrorFunction;
use planning::EntraObjectId;
use planning::assigned::AssignedSet;
use planning::skipped::Skipped;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use wiring::budgets;

/// `MirrorMaximumConcurrency` of `template.yaml`.
const MIRRORS: u16 = 5;
/// As the deployed event source has it.
const BATCH_SIZE: usize = 10;
/// How long one batch may take: as the deployed function's time-out, less what it keeps for itself.
const BATCH_TIME: Duration = Duration::from_secs(110);
/// From the queue to the function: a poller takes the batch and invokes an environment that is up.
const INVOCATION: Duration = Duration::from_millis(20);
/// The schedule of the minute run.
const MINUTE: Duration = Duration::from_mins(1);

/// Both clouds, the ledger and the queue.
pub(super) struct World {
    pub tenant: Arc<Tenant>,
    pub content: Arc<Mutex<Content>>,
    pub ledger: MemoryLedger,
    pub queue: MemoryQueue,
    pub clock: VirtualClock,
    pub trouble: Arc<Trouble>,
    /// What runs; it stops with the world.
    running: JoinSet<()>,
}

/// What must not happen.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Batches that took longer than the function may.
    pub time_outs: AtomicU64,
    /// Messages that came back to the queue.
    pub returned: AtomicU64,
    /// Failed polls of the assignments.
    pub failed_polls: AtomicU64,
}

impl World {
    /// An organisation whose ledger and identity store know nobody yet.
    pub fn new(size: Size, assigned: impl IntoIterator<Item = usize>) -> Self {
        Self {
            tenant: Arc::new(Tenant::new(size, assigned)),
            content: Arc::default(),
            ledger: MemoryLedger::default(),
            queue: MemoryQueue::default(),
            clock: VirtualClock::start(),
            trouble: Arc::default(),
            running: JoinSet::new(),
        }
    }

    /// Has everything mirrored already, but the members of these groups.
    pub async fn is_mirrored(&self, memberships_missing: &[usize]) {
        let size = self.tenant.size;
        let principals = self.tenant.assigned();
        let assigned: Vec<usize> =
            principals.keys().map(|id| crate::organisation::number(id.as_str())).collect();
        for group in &assigned {
            let entry = entry(Subject::group(entra_id(GROUP, *group)), Reason::Assignment);
            self.ledger.set_assigned(true, &entry).await.unwrap();
            self.ledger.set_in_flight(&entry.key(), BEGINNING, BEGINNING).await.unwrap();
            self.ledger.done(&BTreeSet::from([entry.key()])).await.unwrap();
            let mut record = group_record(*group);
            record.version = 0;
            self.ledger.put_group(&record).await.unwrap();
        }
        let set = AssignedSet { principals, ..AssignedSet::default() };
        self.ledger.store_assigned_set(None, &set).await.unwrap();
        let everybody = Some(Tenant::everybody(size)).filter(|group| assigned.contains(group));
        let filled = everybody.filter(|group| !memberships_missing.contains(group));
        for user in 0..size.users {
            let mut record = size.user_record(user);
            record.version = 0;
            if let Some(group) = filled {
                let membership = crate::organisation::membership_id(user, group);
                record.principal.memberships.insert(crate::organisation::group_id(group), membership);
            }
            self.ledger.put_user(&record).await.unwrap();
            let mut content = self.content.lock().unwrap();
            content.users.insert(user);
            for group in size.groups_of(user).chain(filled) {
                content.join(user, group);
            }
        }
        self.content.lock().unwrap().groups.extend(assigned);
    }

    /// Starts the mirrors and the minute run.
    pub fn start(&mut self) {
        for _ in 0..MIRRORS {
            let function = self.mirror();
            self.running.spawn_local(take_batches(function, self.queue.clone(), self.trouble.clone()));
        }
        let (poll, mover) = (self.poll(), self.mover());
        self.running.spawn_local(run_every_minute(poll, mover, self.trouble.clone()));
    }

    /// How many entries stand on the agenda.
    pub fn waiting(&self) -> usize {
        self.ledger.open_agenda().len()
    }

    /// The ledger as a function reaches it.
    pub fn remote(&self) -> Remote<MemoryLedger> {
        Remote(self.ledger.clone())
    }

    fn mirror(&self) -> MirrorFunction {
        let store = Store { content: self.content.clone(), budgets: budgets::identity_store(MIRRORS) };
        let directory = Graph { tenant: self.tenant.clone(), budget: budgets::graph_of_mirror(MIRRORS) };
        let ports = MirrorPorts {
            directory: Arc::new(directory),
            reader: Arc::new(store.clone()),
            writer: Arc::new(store),
            ledger: Arc::new(self.remote()),
            holds: Arc::new(self.remote()),
            mover: self.mover(),
        };
        MirrorFunction {
            mirror: Mirror::new(ports, MirrorSettings::default()),
            redelivery: Arc::new(Remote(self.queue.clone())),
            telemetry: Arc::new(Silence),
        }
    }

    fn poll(&self) -> AssignmentPoll {
        AssignmentPoll {
            directory: Arc::new(Graph { tenant: self.tenant.clone(), budget: budgets::graph_of_sweep() }),
            ledger: Arc::new(self.remote()),
            holds: Arc::new(self.remote()),
            clock: Arc::new(self.clock),
            telemetry: Arc::new(Silence),
        }
    }

    fn mover(&self) -> Mover {
        Mover {
            agenda: Arc::new(self.remote()),
            queue: Arc::new(Remote(self.queue.clone())),
            clock: Arc::new(self.clock),
            telemetry: Arc::new(Silence),
        }
    }
}

/// An entry that is due from the beginning, as a group's fan-out or a poll puts it.
pub(super) fn entry(subject: Subject, reason: Reason) -> AgendaEntry {
    AgendaEntry {
        due: BEGINNING,
        priority: Priority::Ordinary,
        subject,
        reason,
        look: Look::ReadAnyway,
        expectations: Vec::new(),
        noticed_at: BEGINNING,
    }
}

/// One environment of the mirror at the queue.
async fn take_batches(function: MirrorFunction, queue: MemoryQueue, trouble: Arc<Trouble>) {
    loop {
        queue.notified().await;
        let received = queue.receive(BATCH_SIZE);
        if received.is_empty() {
            sleep(Duration::from_millis(1)).await;
            continue;
        }
        sleep(INVOCATION).await;
        let mut event = SqsEvent::default();
        event.records = received.iter().map(message).collect();
        let begun = Instant::now();
        let response = function.handle(event, BATCH_TIME).await;
        if begun.elapsed() >= BATCH_TIME {
            trouble.time_outs.fetch_add(1, Ordering::Relaxed);
        }
        let failed: BTreeSet<String> =
            response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        trouble.returned.fetch_add(failed.len() as u64, Ordering::Relaxed);
        for message in received.iter().filter(|message| !failed.contains(&message.receipt.to_string())) {
            queue.delete(message.receipt);
        }
    }
}

/// Looks at the assignments and moves due work.
async fn run_every_minute(poll: AssignmentPoll, mover: Mover, trouble: Arc<Trouble>) {
    let mut minutes = interval(MINUTE);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        minutes.tick().await;
        let (polled, moved) = (poll.run().await, mover.move_due().await);
        if polled.is_err() || moved.is_err() {
            trouble.failed_polls.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Silence;

impl Telemetry for Silence {
    fn applied(&self, _: &Applied<'_>) {}
    fn skipped(&self, principal: &EntraObjectId, skipped: &Skipped) {
        panic!("{principal} is skipped: {skipped:?}");
    }
    fn count(&self, _: Count, _: u64) {}
}
