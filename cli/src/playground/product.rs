//! The product in one process: webhook, mirror and minute run over an in-process queue and ledger, with real
//! HTTP between them and the sandbox.

use super::events::EventCollector;
use ::entra::{ClientStateSource, ClientStates, CurrentClientState, GraphClient, GraphSubscriptions};
use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use engine::access::ports::RulesReader;
use engine::access::{AccessPorts, AccessSweep, AccessWatch, Worlds};
use engine::assignments::AssignmentPoll;
use engine::mirror::{Mirror, MirrorPorts, MirrorSettings};
use engine::moving::Mover;
use engine::ports::CallError;
use engine::subscriptions::Subscriber;
use engine::sweep::ports::BulkDirectory;
use engine::sweep::{DriftPolicy, FullSweep, SweepSettings};
use identity_center::{IdentityStore, Instance, Organization};
use jiff::{SignedDuration, Timestamp};
use ledger::memory::{MemoryLedger, MemoryLifecycleQueue, MemoryQueue, Received};
use mirror::MirrorFunction;
use planning::EntraObjectId;
use planning::subscriptions::WebhookAddress;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use subscriptions::SubscriptionsFunction;
use sweep::{SweepEvent, SweepFunction};
use tokio::task::JoinSet;
use webhook::{StateStore, WebhookFunction};
use wiring::clock::SystemClock;
use wiring::pace::EvenPace;

/// As the deployed event source has it; SQS FIFO gives ten at the most.
const BATCH_SIZE: usize = 10;

/// How long one batch may take, as long as the deployed function's time-out.
const BATCH_TIME: Duration = Duration::from_secs(120);

/// How long one run of the sweep may take, as long as the deployed function's time-out.
const RUN_TIME: Duration = Duration::from_secs(900);

/// As `template.yaml` has it.
const GRACE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Deferred work is taken up sooner than in this time, re-checks are made later.
const RECHECKS_LATER: SignedDuration = SignedDuration::from_secs(20);

/// What the product is connected to.
#[derive(Clone)]
pub struct Connections {
    /// Entra ID.
    pub directory: Arc<dyn BulkDirectory>,
    /// Identity Center.
    pub store: IdentityStore,
    /// Where account assignments come from; without it they are left alone.
    pub access: Option<AccessConnections>,
    /// Where reports go.
    pub events: Arc<EventCollector>,
}

/// What account assignments are read from and written with.
#[derive(Clone)]
pub struct AccessConnections {
    /// The rules.
    pub rules: Arc<dyn RulesReader>,
    /// The accounts.
    pub organization: Organization,
    /// Permission sets and account assignments.
    pub instance: Instance,
}

impl AccessConnections {
    fn worlds(&self) -> Arc<Worlds> {
        Arc::new(Worlds::new(
            self.rules.clone(),
            Arc::new(self.organization.clone()),
            Arc::new(self.instance.reader()),
            Arc::new(SystemClock),
        ))
    }

    fn of_mirror(&self, ledger: &MemoryLedger) -> AccessPorts {
        AccessPorts {
            worlds: self.worlds(),
            reader: Arc::new(self.instance.reader()),
            writer: Arc::new(self.instance.writer()),
            ledger: Arc::new(ledger.clone()),
        }
    }

    fn of_sweep(&self, ledger: &MemoryLedger, telemetry: Arc<EventCollector>) -> AccessSweep {
        let watch = AccessWatch {
            worlds: self.worlds(),
            ledger: Arc::new(ledger.clone()),
            access: Arc::new(ledger.clone()),
            holds: Arc::new(ledger.clone()),
            agenda: Arc::new(ledger.clone()),
            clock: Arc::new(SystemClock),
            telemetry,
        };
        AccessSweep { watch, reader: Arc::new(self.instance.reader()) }
    }
}

/// The running functions. They stop when this is dropped.
pub struct Product {
    /// The changes queue.
    pub queue: MemoryQueue,
    /// The ledger.
    pub ledger: MemoryLedger,
    tasks: JoinSet<()>,
}

impl Product {
    /// The webhook that feeds this product.
    pub fn webhook(
        &self,
        tenant_id: EntraObjectId,
        client_state: &str,
        events: Arc<EventCollector>,
    ) -> WebhookFunction {
        WebhookFunction {
            tenant_id,
            client_states: StateStore::new(Arc::new(KnownState(client_state.to_owned()))),
            changes: Arc::new(self.queue.clone()),
            lifecycle: Arc::new(MemoryLifecycleQueue::default()),
            clock: Arc::new(SystemClock),
            telemetry: events,
        }
    }

    /// The function that keeps Graph's notifications coming to this webhook.
    pub fn subscriptions(
        &self,
        graph: GraphClient,
        webhook: &str,
        client_state: &str,
        events: Arc<EventCollector>,
    ) -> SubscriptionsFunction {
        let state = Arc::new(KnownState(client_state.to_owned()));
        SubscriptionsFunction {
            subscriber: Subscriber {
                subscriptions: Arc::new(GraphSubscriptions::new(graph, state)),
                ledger: Arc::new(self.ledger.clone()),
                sweeps: Arc::new(self.ledger.clone()),
                clock: Arc::new(SystemClock),
                telemetry: events,
                webhook: WebhookAddress::new(webhook),
            },
        }
    }

    /// Starts mirror and minute run on this thread, as in Lambda: needs a `LocalSet` around it. `every` is the time between two minute runs.
    pub fn start(connections: Connections, settings: MirrorSettings, every: Duration) -> Self {
        let (queue, ledger) = (MemoryQueue::default(), MemoryLedger::default());
        let mover = Mover {
            agenda: Arc::new(ledger.clone()),
            queue: Arc::new(queue.clone()),
            clock: Arc::new(SystemClock),
            telemetry: connections.events.clone(),
        };
        let poll = AssignmentPoll {
            directory: connections.directory.clone(),
            ledger: Arc::new(ledger.clone()),
            holds: Arc::new(ledger.clone()),
            clock: Arc::new(SystemClock),
            telemetry: connections.events.clone(),
        };
        let full = FullSweep {
            directory: connections.directory.clone(),
            lister: Arc::new(connections.store.reader()),
            ledger: Arc::new(ledger.clone()),
            agenda: Arc::new(ledger.clone()),
            clock: Arc::new(SystemClock),
            pace: Arc::new(EvenPace::default()),
            telemetry: connections.events.clone(),
            settings: SweepSettings {
                mapping: settings.mapping.clone(),
                drift: DriftPolicy::default(),
                grace: GRACE,
            },
        };
        let ports = MirrorPorts {
            directory: connections.directory,
            reader: Arc::new(connections.store.reader()),
            writer: Arc::new(connections.store.writer()),
            ledger: Arc::new(ledger.clone()),
            holds: Arc::new(ledger.clone()),
            mover: mover.clone(),
        };
        let mirror = Mirror::new(ports, settings);
        let function = MirrorFunction {
            mirror: match &connections.access {
                Some(access) => mirror.with_access(access.of_mirror(&ledger)),
                None => mirror,
            },
            redelivery: Arc::new(queue.clone()),
            telemetry: connections.events.clone(),
        };
        let access =
            connections.access.as_ref().map(|access| access.of_sweep(&ledger, connections.events.clone()));
        let sweep = SweepFunction { poll, mover, full, access, telemetry: connections.events };
        let mut tasks = JoinSet::new();
        tasks.spawn_local(run_mirror(queue.clone(), function));
        tasks.spawn_local(run_every(every, sweep));
        Self { queue, ledger, tasks }
    }

    /// True if nothing is queued or being handled, and nothing is left on the agenda.
    pub fn is_idle(&self) -> bool {
        self.queue.open() == 0 && self.ledger.open_agenda().is_empty()
    }

    /// True if nothing is queued or being handled, and what is left on the agenda is not due for a while: re-checks.
    pub fn has_settled(&self) -> bool {
        let soon = Timestamp::now() + RECHECKS_LATER;
        self.queue.open() == 0 && self.ledger.open_agenda().iter().all(|entry| entry.due > soon)
    }

    /// Runs something beside the functions, as long as they run.
    pub fn beside(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}

struct KnownState(String);

#[async_trait]
impl ClientStateSource for KnownState {
    async fn read(&self) -> Result<ClientStates, CallError> {
        Ok(ClientStates::new(self.0.clone().into(), None))
    }
}

#[async_trait]
impl CurrentClientState for KnownState {
    async fn current(&self) -> Result<SecretString, CallError> {
        Ok(self.0.clone().into())
    }
}

/// Takes batches from the queue as Lambda's event source does, and deletes what was handled.
async fn run_mirror(queue: MemoryQueue, function: MirrorFunction) {
    loop {
        queue.notified().await;
        let received = queue.receive(BATCH_SIZE);
        let mut event = SqsEvent::default();
        event.records = received.iter().map(message).collect();
        let response = function.handle(event, BATCH_TIME).await;
        let failed: BTreeSet<String> =
            response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        for message in received {
            if !failed.contains(&message.receipt.to_string()) {
                queue.delete(message.receipt);
            }
        }
    }
}

fn message(received: &Received) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(received.receipt.to_string());
    message.receipt_handle = Some(received.receipt.to_string());
    message.body = serde_json::to_string(&received.trigger).ok();
    message.attributes.insert("ApproximateReceiveCount".to_owned(), received.receive_count.to_string());
    message
}

async fn run_every(every: Duration, function: SweepFunction) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        if let Err(error) = function.handle(SweepEvent::Assignments, RUN_TIME).await {
            tracing::warn!(%error, "the minute run failed; the next one repeats it");
        }
    }
}
