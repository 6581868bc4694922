//! One history's world: both clouds, the product between them, and what is known to be true.

use super::access_watch::AccessWatch;
use super::bugs::Bug;
use super::chaos::{Chaos, Rates};
use super::clock::{BEGINNING, VirtualClock};
use super::clouds::{Administrator, Refused};
use super::delivery::{Delivery, DeliveryRates};
use super::journal::Journal;
use super::network::BASE;
use super::product::{CLIENT_STATE, Ids, Product};
use super::truth::{CalledFor, Truth};
use super::watch::Watch;
use super::weather::Weather;
use anyhow::{Context, anyhow};
use engine::mirror::{Grace, MirrorSettings};
use http::Method;
use jiff::SignedDuration;
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// How long the subscriptions live, in hours: longer than any history; Graph allows 696.
const SUBSCRIPTION_HOURS: i64 = 600;

/// How a world differs from a plain one.
#[derive(Debug, Clone)]
pub struct Choices {
    /// The rules of account assignments; without any they are left alone.
    pub rules: Option<String>,
    /// Services give pages of a few rows.
    pub small_pages: bool,
}

/// The world.
pub struct World {
    /// Somebody with every permission.
    pub administrator: Administrator,
    /// The product.
    pub product: Arc<Product>,
    /// The way of notifications.
    pub delivery: Delivery,
    /// What is true in Entra ID.
    pub truth: Truth,
    /// And since when.
    pub called_for: CalledFor,
    /// What must hold.
    pub watch: Watch,
    /// What must hold of account assignments.
    pub access_watch: AccessWatch,
    /// Draws events.
    pub random: fastrand::Rng,
    /// How rough it is.
    pub weather: Weather,
    /// The schedule of the full sweep.
    pub full_sweeps: Option<AbortHandle>,
    /// Messages that were given up, so far.
    pub letters_seen: usize,
    /// Until when no other single "not found" may be asked for: two would be two reads that agree.
    pub(super) single_until: Duration,
    /// Numbers for names.
    pub(super) names_used: u32,
    sandbox: Sandbox,
}

impl World {
    /// A world without anybody in it, with the product subscribed to changes.
    ///
    /// # Errors
    /// When the sandbox refuses what it should not: a defect of the simulation.
    pub async fn new(
        seed: u64,
        weather: Weather,
        bug: Option<Bug>,
        choices: Choices,
    ) -> anyhow::Result<Self> {
        // The SDK draws its jitter and its invocation ids from this thread's generator.
        fastrand::seed(seed);
        let clock = VirtualClock::start();
        let delivery = Delivery::default();
        let settings =
            Settings { quotas: true, rng_seed: seed, start: Some(BEGINNING), ..Settings::default() };
        let sandbox = Sandbox::deliver_with(settings, Arc::new(delivery.clone()));
        let router = sandbox.router();
        let addresses = sandbox.addresses(BASE);
        let ids = ids(&addresses)?;
        let product = Arc::new(Product {
            queue: Default::default(),
            ledger: Default::default(),
            router: router.clone(),
            ids,
            clock,
            chaos: Arc::new(Chaos::new(seed, Rates::default())),
            journal: Arc::new(Journal::new(clock)),
            writes: Arc::default(),
            settings: settings_of(&weather, bug),
            rules: choices.rules,
            small_pages: choices.small_pages,
            bug,
        });
        delivery.reach(product.clone(), seed, DeliveryRates::default());
        let world = Self {
            administrator: Administrator::new(router, addresses),
            product,
            delivery,
            truth: Truth { flatten: weather.flatten, ..Truth::default() },
            called_for: CalledFor::default(),
            watch: Watch::default(),
            access_watch: AccessWatch::default(),
            random: fastrand::Rng::with_seed(seed),
            weather,
            full_sweeps: None,
            letters_seen: 0,
            single_until: Duration::ZERO,
            names_used: 0,
            sandbox,
        };
        world.subscribe("/users").await?;
        world.subscribe("/groups").await?;
        Ok(world)
    }

    /// Delivers the sandbox's notifications. Never ends.
    pub fn deliver(&self) -> impl Future<Output = ()> + use<> {
        let sandbox = self.sandbox.clone();
        async move { sandbox.deliver().await }
    }

    /// From here on the seed's weather is felt.
    pub fn let_weather_in(&mut self, seed: u64) {
        self.product.chaos.set_rates(self.weather.rates);
        self.delivery.reach(self.product.clone(), seed, self.weather.delivery);
    }

    /// How long the history has gone on.
    pub fn now(&self) -> Duration {
        self.product.clock.elapsed()
    }

    /// What somebody does in Entra ID.
    ///
    /// # Errors
    /// Graph's refusal.
    pub async fn entra(&self, method: Method, path: &str, body: Value) -> Result<Value, Refused> {
        self.administrator.graph(method, path, body).await
    }

    async fn subscribe(&self, resource: &str) -> anyhow::Result<()> {
        let until = BEGINNING + SignedDuration::from_hours(SUBSCRIPTION_HOURS);
        let subscription = json!({
            "changeType": "updated,deleted",
            "notificationUrl": "https://webhook.test/notify",
            "lifecycleNotificationUrl": "https://webhook.test/lifecycle",
            "resource": resource,
            "expirationDateTime": until.to_string(),
            "clientState": CLIENT_STATE,
        });
        let answer = self.entra(Method::POST, "/subscriptions", subscription).await;
        answer
            .map(|_| ())
            .map_err(|refused| anyhow!("the subscription to {resource} was refused: {refused:?}"))
    }
}

fn settings_of(weather: &Weather, bug: Option<Bug>) -> MirrorSettings {
    let grace = if bug == Some(Bug::DeleteBeforeGrace) { Duration::ZERO } else { weather.grace };
    MirrorSettings {
        flatten_nested_groups: weather.flatten,
        grace: Grace(SignedDuration::try_from(grace).unwrap_or(SignedDuration::MAX)),
        ..MirrorSettings::default()
    }
}

fn ids(addresses: &Value) -> anyhow::Result<Ids> {
    let text = |name: &str| addresses[name].as_str().unwrap_or_default().to_owned();
    Ok(Ids {
        tenant: text("tenant_id").parse().context("tenant_id")?,
        client: text("client_id").parse().context("client_id")?,
        secret: text("client_secret").into(),
        service_principal: text("service_principal_id").parse().context("service_principal_id")?,
        store: text("identity_store_id"),
        region: text("region"),
    })
}
