//! A tenant whose certificate expires, what trusts it, and the rotation over real HTTP; time is put forward.

use super::super::control::Control;
use super::super::text;
use super::reports::Reports;
use ::entra::{AppCredential, GraphClient, GraphSigningCertificates, LoginMetadata, Proof};
use anyhow::Context;
use aws_sdk_iam::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use engine::budget::Budget;
use engine::ports::Clock;
use engine::rotation::ports::{SignInEvent, SignInEvidence, SignInOutcome, TrustTarget};
use engine::rotation::{Ran, RotationError, Rotator, Wanted};
use identity_center::trust::{ConsoleAccess, ConsoleApi, ConsoleTarget, ManualTarget, SamlProviderTarget};
use jiff::{SignedDuration, Timestamp};
use ledger::memory::{MemoryLedger, MemoryPeople, MemoryPublication};
use planning::rotation::{Mode, Policy, Target, TargetId, entity_id};
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use uuid::Uuid;
use wiring::http::SharedHttp;

/// A Monday morning.
const START: &str = "2026-11-02T08:00:00Z";
/// Who signs in.
pub const ADA: &str = "ada.lovelace@contoso.example";
/// The account of the sandbox's Identity Center.
const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/Entra";

/// How a world differs from a plain one.
#[derive(Debug, Clone)]
pub struct Choices {
    /// How much is done without a person.
    pub mode: Mode,
    /// How far the console's API may be used; `None` leaves Identity Center to people.
    pub console: Option<ConsoleAccess>,
    /// There is a SAML provider of IAM, too.
    pub provider: bool,
    /// The certificates, as `POST /control/seed` takes them.
    pub certificates: Value,
}

/// The running world. It ends when this is dropped.
pub struct RotationWorld {
    /// Addresses and credentials.
    pub addresses: Value,
    /// What is remembered.
    pub ledger: MemoryLedger,
    /// What is published.
    pub publication: MemoryPublication,
    /// What people were told.
    pub people: MemoryPeople,
    /// What was reported.
    pub reports: Arc<Reports>,
    /// The rotation. Its policy may be changed.
    pub rotator: Rotator,
    /// Thumbprints and PEMs of the certificates at the start.
    pub certificates: Vec<Value>,
    clock: Arc<VirtualClock>,
    sandbox: Control,
    /// Sign-in events that were counted.
    counted: Mutex<usize>,
    serving: AbortHandle,
}

/// How a sign-in went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// She got in.
    pub accepted: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The thumbprint of what signed.
    pub signed_by: Option<String>,
}

/// Runs as the sandbox's clock does.
struct VirtualClock {
    start: Timestamp,
    started: Instant,
    ahead: AtomicI64,
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        self.start + passed + SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed))
    }
}

impl Default for Choices {
    /// Everything by itself, with the first certificate two months before its end.
    fn default() -> Self {
        Self {
            mode: Mode::Auto,
            console: Some(ConsoleAccess::Full),
            provider: true,
            certificates: json!([{"preferred": true, "trusted": true, "started_days_ago": 1035, "expires_in_days": 61}]),
        }
    }
}

impl RotationWorld {
    /// A world in which Ada can sign in.
    ///
    /// # Errors
    /// When the sandbox does not start.
    pub async fn start(choices: Choices) -> anyhow::Result<Self> {
        let start: Timestamp = START.parse()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
        let base = format!("http://{}", listener.local_addr()?);
        let sandbox = Sandbox::new(Settings { quotas: false, start: Some(start), ..Settings::default() });
        let addresses = sandbox.addresses(&base);
        let serving = tokio::spawn(sandbox::serve(listener, sandbox, std::future::pending())).abort_handle();
        let clock = Arc::new(VirtualClock { start, started: Instant::now(), ahead: AtomicI64::new(0) });
        let (ledger, people) = (MemoryLedger::default(), MemoryPeople::default());
        let (publication, reports) = (MemoryPublication::default(), Arc::new(Reports::default()));
        let parts = Parts { addresses: &addresses, clock: &clock, ledger: &ledger };
        let rotator = Rotator {
            publication: Arc::new(publication.clone()),
            people: Arc::new(people.clone()),
            telemetry: reports.clone(),
            ..parts.rotator(&choices)?
        };
        let certificates = Vec::new();
        let counted = Mutex::new(0);
        let mut world = Self {
            sandbox: Control::of(&addresses),
            addresses,
            ledger,
            publication,
            people,
            reports,
            rotator,
            certificates,
            clock,
            counted,
            serving,
        };
        let seeded = world.control("seed", seed(&choices)).await?;
        world.certificates = seeded["certificates"].as_array().cloned().unwrap_or_default();
        Ok(world)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Puts the time forward, on both sides.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn pass(&self, time: SignedDuration) -> anyhow::Result<()> {
        let seconds = time.as_secs().max(0);
        self.clock.ahead.fetch_add(seconds, Ordering::Relaxed);
        self.control("clock", json!({"advance_seconds": seconds})).await.map(|_| ())
    }

    /// Ada tries to sign in.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn sign_in(&self) -> anyhow::Result<SignIn> {
        let answer = self.control("sign-in", json!({"user": ADA})).await?;
        let word = |name: &str| answer[name].as_str().map(str::to_owned);
        Ok(SignIn {
            accepted: answer["accepted"] == true,
            reason: word("reason"),
            signed_by: word("signed_by"),
        })
    }

    /// Counts what CloudTrail recorded since the last time, as EventBridge's rule has it done.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn deliver_events(&self) -> anyhow::Result<()> {
        let answer = self.look("sign-in-events").await?;
        let events = answer["events"].as_array().cloned().unwrap_or_default();
        let done = std::mem::replace(
            &mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner),
            events.len(),
        );
        for event in &events[done.min(events.len())..] {
            let outcome = match event["eventName"].as_str() {
                Some("UserAuthentication") => SignInOutcome::Success,
                _ => SignInOutcome::Failure,
            };
            let at = event["eventTime"].as_str().unwrap_or_default().parse()?;
            let event = SignInEvent { id: text(event, "eventID"), at, outcome };
            self.ledger.count(&event).await?;
        }
        Ok(())
    }

    /// One run.
    ///
    /// # Errors
    /// As the rotation's.
    pub async fn run(&self) -> Result<Ran, RotationError> {
        self.rotator.run(Wanted::Anyway).await
    }

    /// Posts to `/control/<path>`.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn control(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.sandbox.ask(path, &body).await
    }

    /// Gets `/control/<path>`.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn look(&self, path: &str) -> anyhow::Result<Value> {
        self.sandbox.look(path).await
    }
}

impl Drop for RotationWorld {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What a rotation is put together from.
struct Parts<'a> {
    addresses: &'a Value,
    clock: &'a Arc<VirtualClock>,
    ledger: &'a MemoryLedger,
}

impl Parts<'_> {
    fn rotator(&self, choices: &Choices) -> anyhow::Result<Rotator> {
        let http = SharedHttp::new()?;
        let transport = Arc::new(http.clone());
        let text = |name: &str| text(self.addresses, name);
        let (login, tenant, application) =
            (text("login"), text("tenant_id").parse()?, text("app_id").parse()?);
        let credential = AppCredential::new(
            transport.clone(),
            &login,
            &tenant,
            &text("rotator_client_id").parse()?,
            Arc::new(Proof::ClientSecret(text("rotator_client_secret").into())),
        );
        let budget = Budget::new("graph", 1_000.0);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let client =
            GraphClient::new(transport.clone(), Arc::new(credential), text("graph"), clock.clone(), budget);
        let targets = self.targets(choices, &http)?;
        let kinds: BTreeMap<TargetId, Target> =
            targets.iter().map(|target| (target.id().clone(), target.capabilities())).collect();
        let tenant_id = Uuid::parse_str(&text("tenant_id"))?;
        Ok(Rotator {
            certificates: Arc::new(GraphSigningCertificates::new(
                client,
                text("service_principal_id").parse()?,
            )),
            metadata: Arc::new(LoginMetadata::new(transport, &login, &tenant, &application)),
            metadata_url: LoginMetadata::address(&login, &tenant, &application),
            targets,
            ledger: Arc::new(self.ledger.clone()),
            desk: Arc::new(self.ledger.clone()),
            evidence: Arc::new(self.ledger.clone()),
            publication: Arc::new(MemoryPublication::default()),
            people: Arc::new(MemoryPeople::default()),
            clock,
            telemetry: Arc::new(Reports::default()),
            policy: Policy::new(choices.mode, tenant_id, kinds),
        })
    }

    fn targets(&self, choices: &Choices, http: &SharedHttp) -> anyhow::Result<Vec<Arc<dyn TrustTarget>>> {
        let text = |name: &str| text(self.addresses, name);
        let credentials = Credentials::new("playground", "playground", None, None, "playground");
        let provider = SharedCredentialsProvider::new(credentials);
        let mut targets: Vec<Arc<dyn TrustTarget>> = vec![match choices.console {
            None => Arc::new(ManualTarget::default()),
            Some(access) => {
                let api = ConsoleApi::new(
                    http.connector(),
                    provider.clone(),
                    self.clock.clone(),
                    &text("region"),
                    &text("identity_store_id"),
                    Some(text("aws")),
                );
                let entity_id = entity_id(Uuid::parse_str(&text("tenant_id"))?);
                Arc::new(ConsoleTarget::new(api, access, entity_id, Arc::new(self.ledger.clone())))
            }
        }];
        if choices.provider {
            let config = aws_sdk_iam::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(text("region")))
                .endpoint_url(text("aws"))
                .credentials_provider(provider)
                .http_client(http.clone());
            let client = aws_sdk_iam::Client::from_conf(config.build());
            targets.push(Arc::new(SamlProviderTarget::new(client, PROVIDER)?));
        }
        Ok(targets)
    }
}

fn seed(choices: &Choices) -> Value {
    let known = json!({"UserName": ADA, "DisplayName": "Ada Lovelace",
                       "Name": {"GivenName": "Ada", "FamilyName": "Lovelace"}});
    json!({
        "users": [{"userPrincipalName": ADA}],
        "assigned": [ADA],
        "certificates": choices.certificates,
        "identity_center": {"users": [known]},
        "accounts": [{"id": "111122223333", "saml_providers": [{"name": "Entra"}]}],
    })
}
