//! A strict stand-in for Entra ID, Microsoft Graph and IAM Identity Center.
//!
//! The models are pure state machines under one router. The router is served on a socket, or called without
//! one.

pub mod entra;
pub mod iam;
pub mod iam_identity_center;

mod aws;
mod calls;
mod clock;
mod control;
mod delivery;
mod faults;
mod federation_metadata;
mod graph;
mod host_health;
mod issuer;
mod jwt;
mod operators;
mod organizations;
mod publication;
mod random;
mod router;
mod sign_in;
mod trail;
mod x509;
mod xml;

pub use delivery::{HttpSink, NotificationSink, SinkAnswer};

use calls::Calls;
use clock::SandboxClock;
use entra::{Notification, Tenant, TenantSettings};
use faults::{DeliveryFaults, Faults};
use iam::{Accounts, AccountsSettings};
use iam_identity_center::{IdentityCenter, IdentityCenterSettings};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use trail::Trail;

/// What an empty tenant has no address of yet.
const OF_WHAT_IS_REGISTERED: [&str; 8] = [
    "app_id",
    "service_principal_id",
    "client_id",
    "client_object_id",
    "rotator_object_id",
    "client_secret",
    "rotator_client_id",
    "rotator_client_secret",
];

/// A call with this header is not the product's: it is not counted and has no quota.
pub const DRIVER_HEADER: &str = "x-sandbox-driver";

/// What a sandbox is like.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The quotas of Graph and of the identity store are in force.
    pub quotas: bool,
    /// Equal seeds and equal calls give equal ids.
    pub rng_seed: u64,
    /// The sandbox's time when it starts; the system's if there is none.
    pub start: Option<Timestamp>,
    /// Nothing is registered in the tenant yet: neither the enterprise application nor the app registrations.
    pub empty: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { quotas: true, rng_seed: 1, start: None, empty: false }
    }
}

/// Both clouds. Clones share their state.
#[derive(Clone)]
pub struct Sandbox {
    settings: Settings,
    state: Arc<Mutex<State>>,
    outgoing: Arc<Notify>,
    sink: Arc<dyn NotificationSink>,
}

struct State {
    clock: SandboxClock,
    tenant: Tenant,
    identity_center: IdentityCenter,
    accounts: Accounts,
    trail: Trail,
    faults: Faults,
    calls: Calls,
    /// Notifications that were not taken for delivery yet.
    waiting: Vec<Notification>,
    /// POSTs of notifications that are not answered yet.
    in_delivery: usize,
}

impl Sandbox {
    /// A sandbox that reaches webhooks through real HTTP.
    pub fn new(settings: Settings) -> Self {
        Self::deliver_with(settings, Arc::new(HttpSink::default()))
    }

    /// A sandbox that reaches webhooks through this.
    pub fn deliver_with(settings: Settings, sink: Arc<dyn NotificationSink>) -> Self {
        let state = Arc::new(Mutex::new(State::new(&settings)));
        Self { settings, state, outgoing: Arc::new(Notify::new()), sink }
    }

    /// All faces under one router.
    pub fn router(&self) -> axum::Router {
        router::router(self.clone())
    }

    /// Delivers notifications for as long as it is polled; [`serve`] does so by itself.
    pub async fn deliver(&self) {
        delivery::run(self.clone(), self.sink.clone()).await;
    }

    /// Where everything is when the router is served at `base`, and what is needed to sign in.
    pub fn addresses(&self, base: &str) -> Value {
        let state = self.state();
        let (tenant, store) = (state.tenant.settings(), state.identity_center.settings());
        let mut addresses = json!({
            "graph": format!("{base}/graph/v1.0"),
            "login": format!("{base}/login"),
            "aws": format!("{base}/aws/"),
            "control": format!("{base}/control"),
            "tenant_id": tenant.tenant_id,
            "app_id": tenant.app_id,
            "service_principal_id": tenant.service_principal_id,
            "client_id": tenant.client_id,
            "client_secret": tenant.client_secret,
            "client_object_id": tenant.client_object_id,
            "rotator_object_id": tenant.rotator_object_id,
            "rotator_client_id": tenant.rotator_client_id,
            "rotator_client_secret": tenant.rotator_client_secret,
            "instance_arn": store.instance_arn,
            "identity_store_id": store.identity_store_id,
            "region": store.region,
            "account_id": state.accounts.settings().home,
        });
        if let (true, Some(addresses)) = (tenant.empty, addresses.as_object_mut()) {
            addresses.retain(|name, _| !OF_WHAT_IS_REGISTERED.contains(&name.as_str()));
        }
        addresses
    }

    /// A step either happens or not, so what a panicking thread leaves behind is in order.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reset(&self) {
        *self.state() = State::new(&self.settings);
    }

    /// Takes what has to be delivered, with what shall happen to it.
    fn take_outgoing(&self) -> (Vec<Notification>, DeliveryFaults) {
        let mut state = self.state();
        let fresh = state.tenant.take_outgoing();
        state.waiting.extend(fresh);
        if state.faults.delivery.hold {
            return (Vec::new(), DeliveryFaults::default());
        }
        let mut taken = std::mem::take(&mut state.waiting);
        let faults = &mut state.faults.delivery;
        let lost = taken.len().min(faults.drop as usize);
        faults.drop -= u32::try_from(lost).unwrap_or(0);
        taken.drain(..lost);
        let faults = faults.clone();
        // Until they are put into POSTs they are on their way, too.
        state.in_delivery += taken.len();
        (taken, faults)
    }

    async fn outgoing_arrived(&self) {
        self.outgoing.notified().await;
    }

    /// Takes note that so many notifications were put into so many POSTs.
    fn note_posts(&self, notifications: usize, posts: usize) {
        let mut state = self.state();
        state.in_delivery = (state.in_delivery + posts).saturating_sub(notifications);
    }

    /// Takes note of a POST that was delivered, or given up.
    fn note_finished(&self, delivered: bool) {
        let mut state = self.state();
        state.in_delivery = state.in_delivery.saturating_sub(1);
        if delivered {
            state.calls.delivered();
        }
    }
}

impl State {
    fn new(settings: &Settings) -> Self {
        let store =
            IdentityCenterSettings { rng_seed: settings.rng_seed, ..IdentityCenterSettings::default() };
        let tps = if settings.quotas { store.tps } else { None };
        let tenant = TenantSettings {
            tenant_id: "8eb3fdd4-3f1f-4c4f-9c9b-2d7a5d1c0e11".to_owned(),
            client_id: "5a1f7c2e-6d0b-4b8c-8f3a-0c9d2e7b4a66".to_owned(),
            client_object_id: "3f6d0a52-91b7-4c1e-a7d8-6b2f9e0c4d13".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            rotator_client_id: "c2d9a8b4-7f31-4e0d-b6a5-1e8c3f52d907".to_owned(),
            rotator_object_id: "a94e1b67-5d28-4f0a-8c36-e7d01f2b9a85".to_owned(),
            rotator_client_secret: "sandbox-rotator-secret".to_owned(),
            app_id: "0b9c1d3e-2f4a-4e5b-8c6d-7a8b9c0d1e2f".to_owned(),
            service_principal_id: "8e881353-1735-45af-af21-ee1344582a4d".to_owned(),
            empty: settings.empty,
            quotas: settings.quotas,
            rng_seed: settings.rng_seed,
        };
        let start = settings.start.unwrap_or_else(Timestamp::now);
        let accounts = AccountsSettings {
            home: "111122223333".to_owned(),
            instance_arn: store.instance_arn.clone(),
            rng_seed: settings.rng_seed,
        };
        let trail = Trail::new(&accounts.home, &store.region, settings.rng_seed);
        Self {
            clock: SandboxClock::new(start),
            tenant: Tenant::new(tenant),
            identity_center: IdentityCenter::new(IdentityCenterSettings { tps, ..store }),
            accounts: Accounts::new(accounts, start),
            trail,
            faults: Faults::default(),
            calls: Calls::default(),
            waiting: Vec::new(),
            in_delivery: 0,
        }
    }
}

/// Serves the sandbox and delivers its notifications until `until` is done.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    sandbox: Sandbox,
    until: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let delivery = sandbox.deliver();
    let serving = axum::serve(listener, sandbox.router()).with_graceful_shutdown(until);
    tokio::select! {
        served = serving.into_future() => served,
        () = delivery => Ok(()),
    }
}
