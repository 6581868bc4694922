//! The product: its three functions as they are deployed, each built anew for every execution environment.

use super::bugs::Bug;
use super::chaos::{Chaos, Life};
use super::clock::VirtualClock;
use super::journal::Journal;
use super::network::{BASE, Network, Writes};
use super::ports::{Function, Perils, Unreliable};
use ::entra::{AppCredential, ClientStateSource, ClientStates, GraphClient, GraphDirectory, Proof};
use async_trait::async_trait;
use aws_sdk_identitystore::Client;
use aws_sdk_identitystore::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_identitystore::config::timeout::TimeoutConfig;
use aws_sdk_identitystore::config::{
    BehaviorVersion, Config, Credentials, Region, StalledStreamProtectionConfig,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use axum::Router;
use engine::assignments::AssignmentPoll;
use engine::budget::Budget;
use engine::holds::Holds;
use engine::mirror::{Mirror, MirrorPorts, MirrorSettings};
use engine::moving::Mover;
use engine::ports::{
    Agenda, CallError, Directory, IdentityStoreReader, IdentityStoreWriter, LifecycleQueue, Redelivery,
    TriggerQueue,
};
use engine::sweep::ports::SweepLedger;
use engine::sweep::{DriftPolicy, FullSweep, SweepSettings};
use identity_center::{IdentityStore, ThrottlesAreOurs};
use ledger::memory::{MemoryLedger, MemoryLifecycleQueue, MemoryQueue};
use mirror::MirrorFunction;
use planning::EntraObjectId;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use sweep::SweepFunction;
use webhook::{StateStore, WebhookFunction};
use wiring::budgets;
use wiring::pace::EvenPace;

/// The secret that notifications carry.
pub const CLIENT_STATE: &str = "simulated";
/// Mirrors that share the quotas.
pub const MIRRORS: u16 = 2;
/// As `wiring` sets it for AWS clients.
const ATTEMPT: Duration = Duration::from_secs(10);
/// As above, with all attempts.
const CALL: Duration = Duration::from_secs(25);

/// What all execution environments of the product share.
pub struct Product {
    /// The changes queue.
    pub queue: MemoryQueue,
    /// The ledger with its agenda.
    pub ledger: MemoryLedger,
    /// Both clouds.
    pub router: Router,
    /// The clouds' ids.
    pub ids: Ids,
    /// Virtual time.
    pub clock: VirtualClock,
    /// What goes wrong.
    pub chaos: Arc<Chaos>,
    /// What happened.
    pub journal: Arc<Journal>,
    /// Writes to the identity store that took effect.
    pub writes: Writes,
    /// The operator's choices.
    pub settings: MirrorSettings,
    /// A deliberate bug, for the proof that it is found.
    pub bug: Option<Bug>,
}

/// The ids that the product is configured with.
#[derive(Debug, Clone)]
pub struct Ids {
    /// The tenant.
    pub tenant: EntraObjectId,
    /// The reader app registration.
    pub client: EntraObjectId,
    /// Its secret.
    pub secret: SecretString,
    /// The enterprise application.
    pub service_principal: EntraObjectId,
    /// The identity store.
    pub store: String,
    /// Its Region.
    pub region: String,
}

struct Ports {
    directory: Arc<dyn Directory>,
    reader: Arc<dyn IdentityStoreReader>,
    writer: Arc<dyn IdentityStoreWriter>,
    ledger: Arc<dyn SweepLedger>,
    holds: Arc<dyn Holds>,
    mover: Mover,
    perils: Perils,
}

impl Product {
    /// A new execution environment of the mirror function.
    pub fn mirror(&self) -> (MirrorFunction, Arc<Life>) {
        let ports = self.ports(Function::Mirror);
        let life = ports.perils.life.clone();
        let queue: Arc<dyn Redelivery> = Arc::new(self.queue.clone());
        let function = MirrorFunction {
            redelivery: Arc::new(Unreliable::new(queue, ports.perils.clone())),
            telemetry: self.journal.clone(),
            mirror: Mirror::new(
                MirrorPorts {
                    directory: ports.directory,
                    reader: ports.reader,
                    writer: ports.writer,
                    ledger: ports.ledger,
                    holds: ports.holds,
                    mover: ports.mover,
                },
                self.settings.clone(),
            ),
        };
        (function, life)
    }

    /// A new execution environment of the sweep function.
    pub fn sweep(&self) -> (SweepFunction, Arc<Life>) {
        let ports = self.ports(Function::Sweep);
        let full = self.full_sweep(&ports);
        let poll = AssignmentPoll {
            directory: ports.directory,
            ledger: ports.ledger,
            holds: ports.holds,
            clock: Arc::new(self.clock),
            telemetry: self.journal.clone(),
        };
        let function =
            SweepFunction { poll, mover: ports.mover, full, access: None, telemetry: self.journal.clone() };
        (function, ports.perils.life)
    }

    fn full_sweep(&self, ports: &Ports) -> FullSweep {
        let network = self.network(&ports.perils);
        FullSweep {
            directory: Arc::new(self.directory(network.clone(), budgets::graph_of_full_sweep())),
            lister: Arc::new(self.store(network).reader()),
            ledger: ports.ledger.clone(),
            agenda: ports.mover.agenda.clone(),
            clock: Arc::new(self.clock),
            pace: Arc::new(EvenPace::default()),
            telemetry: self.journal.clone(),
            settings: SweepSettings {
                mapping: self.settings.mapping.clone(),
                drift: DriftPolicy::default(),
                grace: self.settings.grace.0,
            },
        }
    }

    /// A new execution environment of the webhook function.
    pub fn webhook(&self) -> (WebhookFunction, Arc<Life>) {
        let perils = self.perils(Function::Webhook);
        let changes: Arc<dyn TriggerQueue> = Arc::new(self.queue.clone());
        let lifecycle: Arc<dyn LifecycleQueue> = Arc::new(MemoryLifecycleQueue::default());
        let function = WebhookFunction {
            tenant_id: self.ids.tenant.clone(),
            client_states: StateStore::new(Arc::new(Known(CLIENT_STATE.to_owned().into()))),
            changes: Arc::new(Unreliable::new(changes, perils.clone())),
            lifecycle: Arc::new(Unreliable::new(lifecycle, perils.clone())),
            clock: Arc::new(self.clock),
            telemetry: self.journal.clone(),
        };
        (function, perils.life)
    }

    fn perils(&self, function: Function) -> Perils {
        Perils { chaos: self.chaos.clone(), life: Arc::default(), function }
    }

    fn ports(&self, function: Function) -> Ports {
        let perils = self.perils(function);
        let network = self.network(&perils);
        let store = self.store(network.clone());
        let ledger: Arc<dyn SweepLedger> = Arc::new(self.ledger.clone());
        let agenda: Arc<dyn Agenda> = Arc::new(self.ledger.clone());
        let holds: Arc<dyn Holds> = Arc::new(self.ledger.clone());
        let queue: Arc<dyn TriggerQueue> = Arc::new(self.queue.clone());
        let reader: Arc<dyn IdentityStoreReader> = Arc::new(store.reader());
        let mut ports = Ports {
            directory: Arc::new(self.directory(network, budgets::graph_of_mirror(MIRRORS))),
            writer: Arc::new(store.writer()),
            reader,
            ledger: Arc::new(Unreliable::new(ledger, perils.clone())),
            holds: Arc::new(Unreliable::new(holds, perils.clone())),
            mover: Mover {
                agenda: Arc::new(Unreliable::new(agenda, perils.clone())),
                queue: Arc::new(Unreliable::new(queue, perils.clone())),
                clock: Arc::new(self.clock),
                telemetry: self.journal.clone(),
            },
            perils,
        };
        if let Some(bug) = self.bug {
            (ports.directory, ports.ledger) = bug.beneath(ports.directory, ports.ledger);
            ports.writer = bug.in_writer(ports.writer, ports.reader.clone());
            ports.mover.agenda = bug.in_agenda(ports.mover.agenda);
            ports.holds = bug.in_holds(ports.holds);
        }
        ports
    }

    fn network(&self, perils: &Perils) -> Network {
        Network {
            router: self.router.clone(),
            perils: perils.clone(),
            writes: self.writes.clone(),
            first_page_only: self.bug == Some(Bug::TrustTheFirstPage),
        }
    }

    fn store(&self, network: Network) -> IdentityStore {
        IdentityStore::new(
            self.client(network),
            self.ids.store.clone(),
            budgets::identity_store(MIRRORS).reporting_to(self.journal.clone()),
        )
    }

    fn directory(&self, network: Network, units: Budget) -> GraphDirectory {
        let transport = Arc::new(network);
        let credential = AppCredential::new(
            transport.clone(),
            &format!("{BASE}/login"),
            &self.ids.tenant,
            &self.ids.client,
            Arc::new(Proof::ClientSecret(self.ids.secret.clone())),
        );
        let graph = GraphClient::new(
            transport,
            Arc::new(credential),
            format!("{BASE}/graph/v1.0"),
            Arc::new(self.clock),
            units.reporting_to(self.journal.clone()),
        );
        GraphDirectory::new(graph, self.ids.service_principal.clone(), self.settings.flatten_nested_groups)
    }

    /// The client as `wiring` makes it, apart from the HTTP stack and the clock.
    fn client(&self, network: Network) -> Client {
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.ids.region.clone()))
            .endpoint_url(format!("{BASE}/aws/"))
            .credentials_provider(Credentials::new("simulated", "simulated", None, None, "simulated"))
            .http_client(network)
            .time_source(self.clock)
            .sleep_impl(TokioSleep::new())
            .retry_config(RetryConfig::standard())
            .retry_classifier(ThrottlesAreOurs)
            .retry_partition(RetryPartition::custom("one environment").build())
            .timeout_config(timeouts)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        Client::from_conf(config.build())
    }
}

struct Known(SecretString);

#[async_trait]
impl ClientStateSource for Known {
    async fn read(&self) -> Result<ClientStates, CallError> {
        Ok(ClientStates::new(self.0.clone(), None))
    }
}
