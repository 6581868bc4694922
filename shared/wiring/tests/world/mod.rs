//! Both clouds in one process and in virtual time: the real adapters over the sandbox's router, without sockets.

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_sdk_identitystore::Client;
use aws_sdk_identitystore::config::http::{HttpRequest, HttpResponse};
use aws_sdk_identitystore::config::retry::RetryConfig;
use aws_sdk_identitystore::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use engine::agenda::RecheckDelays;
use engine::assignments::AssignmentPoll;
use engine::mirror::{Mirror, MirrorPorts, MirrorSettings};
use engine::moving::Mover;
use engine::ports::Clock;
use engine::sweep::ports::SweepTelemetry;
use engine::sweep::{DriftPolicy, FullSweep, SweepReport, SweepSettings};
use engine::telemetry::{Applied, Count, Telemetry};
use entra::{AppCredential, GraphClient, GraphDirectory, Proof, Transport, TransportError};
use http_body_util::BodyExt;
use identity_center::IdentityStore;
use jiff::{SignedDuration, Timestamp};
use ledger::memory::{MemoryLedger, MemoryQueue};
use planning::EntraObjectId;
use planning::mapping::MappingSettings;
use planning::skipped::Skipped;
use planning::sweep::ForeignMember;
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tower::ServiceExt;
use wiring::budgets;
use wiring::pace::EvenPace;

/// Longer than work that steps back has to wait, and shorter than the first look again.
const STEPPED_BACK: Duration = Duration::from_secs(30);

/// What every call takes.
pub const LATENCY: Duration = Duration::from_millis(100);

/// Virtual time, from a fixed start.
pub struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        start + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

pub struct Silence;

impl Telemetry for Silence {
    fn applied(&self, _: &Applied<'_>) {}
    fn skipped(&self, principal: &EntraObjectId, skipped: &Skipped) {
        panic!("{principal} is skipped: {skipped}");
    }
    fn count(&self, _: Count, _: u64) {}
}

impl SweepTelemetry for Silence {
    fn foreign_member(&self, _: &ForeignMember, _: bool) {}
    fn swept(&self, _: &SweepReport, _: SignedDuration) {}
}

pub struct World {
    router: Router,
    pub clock: Arc<TestClock>,
    pub full: FullSweep,
    queue: MemoryQueue,
    mirror: Mirror,
    poll: AssignmentPoll,
    mover: Mover,
}

impl World {
    pub async fn seeded(seed: Value) -> Self {
        let sandbox = Sandbox::new(Settings { quotas: false, ..Settings::default() });
        let router = sandbox.router();
        let addresses = sandbox.addresses("http://sandbox.invalid");
        let text = |name: &str| addresses[name].as_str().unwrap().to_owned();
        let clock = Arc::new(TestClock(Instant::now()));
        let transport = Arc::new(RouterTransport(router.clone()));
        let id = |name: &str| EntraObjectId::parse(&text(name)).unwrap();
        let credential = AppCredential::new(
            transport.clone(),
            &text("login"),
            &id("tenant_id"),
            &id("client_id"),
            Arc::new(Proof::ClientSecret(text("client_secret").into())),
        );
        let client = GraphClient::new(
            transport,
            Arc::new(credential),
            text("graph"),
            clock.clone(),
            budgets::graph_of_mirror(1),
        );
        let directory = Arc::new(GraphDirectory::new(client, id("service_principal_id"), false));
        let store = IdentityStore::new(
            aws_client(router.clone(), &text("aws"), text("region")),
            text("identity_store_id"),
            budgets::identity_store(1),
        );
        let (ledger, queue) = (MemoryLedger::default(), MemoryQueue::default());
        let mover = Mover {
            agenda: Arc::new(ledger.clone()),
            queue: Arc::new(queue.clone()),
            clock: clock.clone(),
            telemetry: Arc::new(Silence),
        };
        let poll = AssignmentPoll {
            directory: directory.clone(),
            ledger: Arc::new(ledger.clone()),
            holds: Arc::new(ledger.clone()),
            clock: clock.clone(),
            telemetry: Arc::new(Silence),
        };
        let ports = MirrorPorts {
            directory: directory.clone(),
            reader: Arc::new(store.reader()),
            writer: Arc::new(store.writer()),
            ledger: Arc::new(ledger.clone()),
            holds: Arc::new(ledger.clone()),
            mover: mover.clone(),
        };
        let settings =
            MirrorSettings { recheck_delays: RecheckDelays::default(), ..MirrorSettings::default() };
        let full = FullSweep {
            directory,
            lister: Arc::new(store.reader()),
            ledger: Arc::new(ledger.clone()),
            agenda: Arc::new(ledger.clone()),
            clock: clock.clone(),
            pace: Arc::new(EvenPace::default()),
            telemetry: Arc::new(Silence),
            settings: SweepSettings {
                mapping: MappingSettings::default(),
                drift: DriftPolicy::Report,
                grace: SignedDuration::from_hours(7 * 24),
            },
        };
        let mirror = Mirror::new(ports, settings);
        let world = Self { router, clock, full, queue, mirror, poll, mover };
        world.control("POST", "seed", seed).await;
        world
    }

    /// Polls the assignments, and handles all that follows.
    pub async fn mirror_everything(&self) {
        self.poll.run().await.unwrap();
        let mut waited = false;
        loop {
            self.mover.move_due().await.unwrap();
            let received = self.queue.receive(10);
            if received.is_empty() && waited {
                return;
            }
            waited = received.is_empty();
            if waited {
                // Whoever stepped back to the agenda is due again.
                tokio::time::sleep(STEPPED_BACK).await;
                continue;
            }
            let triggers = received.iter().map(|message| message.trigger.clone()).collect();
            for (subject, outcome) in self.mirror.handle(triggers).await {
                assert_eq!(outcome, engine::mirror::Outcome::Done, "{subject} was not handled");
            }
            received.iter().for_each(|message| assert!(self.queue.delete(message.receipt)));
        }
    }

    pub async fn quotas(&self, on: bool) {
        self.control("POST", "faults", json!({"quotas": on})).await;
    }

    pub async fn forget_calls(&self) {
        self.control("DELETE", "calls", Value::Null).await;
    }

    pub async fn calls(&self) -> Value {
        self.control("GET", "calls", Value::Null).await
    }

    pub async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/control/{path}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "/control/{path}: {status} {bytes:?}");
        serde_json::from_slice(&bytes).unwrap()
    }
}

/// Graph and its login at the router.
struct RouterTransport(Router);

#[async_trait]
impl Transport for RouterTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        tokio::time::sleep(LATENCY).await;
        let failed = |detail: String| TransportError { detail };
        let response = self.0.clone().oneshot(request.map(Body::from)).await;
        let (parts, body) = response.map_err(|error| failed(error.to_string()))?.into_parts();
        let body = body.collect().await.map_err(|error| failed(error.to_string()))?.to_bytes();
        Ok(http::Response::from_parts(parts, body))
    }
}

/// The AWS SDK's client, its HTTP stack being the router.
fn aws_client(router: Router, endpoint: &str, region: String) -> Client {
    let connector = SharedHttpConnector::new(RouterConnector(router));
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(Credentials::from_keys("AKIDTEST", "secret", None))
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_url(endpoint)
        .http_client(http_client_fn(move |_, _| connector.clone()));
    Client::from_conf(config.build())
}

#[derive(Debug)]
struct RouterConnector(Router);

impl HttpConnector for RouterConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let router = self.0.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(LATENCY).await;
            answer(router, request).await.map_err(|why| ConnectorError::other(why, None))
        })
    }
}

async fn answer(
    router: Router,
    request: HttpRequest,
) -> Result<HttpResponse, Box<dyn std::error::Error + Send + Sync>> {
    let request = request.try_into_http1x()?.map(Body::new);
    let (parts, body) = router.oneshot(request).await?.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let response = axum::http::Response::from_parts(parts, SdkBody::from(bytes));
    Ok(HttpResponse::try_from(response)?)
}
