//! Sandbox and product in one process, with real HTTP between them, so that a change's calls and lag can be
//! taken by themselves.

use anyhow::{Context, bail, ensure};
use engine::budget::{Budget, Budgets};
use engine::mirror::MirrorSettings;
use entra_mirror::playground::driver::Driver;
use entra_mirror::playground::events::{EventCollector, Events};
use entra_mirror::playground::product::Product;
use entra_mirror::playground::{self, Quotas, webhook_server};
use sandbox::{Sandbox, Settings};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// Calls per second that nothing reaches.
const UNLIMITED: f64 = 1_000_000.0;
/// Longer than any measurement: only the first run of the sweep, which takes over the assignments, falls
/// into one. Its calls are not those of a change.
const MINUTE_RUN: Duration = Duration::from_hours(24);
/// Mirroring 10,000 users takes a minute or so; what takes this long is never done.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often it is looked whether a change is done: seldom enough not to slow it down.
const LOOK: Duration = Duration::from_millis(1);
const CLIENT_STATE: &str = "figures";

/// A tenant whose assignments are mirrored already. Needs a `LocalSet` around it.
pub struct World {
    /// Changes things in Entra ID, and sees what the sandbox counted.
    pub driver: Driver,
    /// Ids in Entra ID by user principal name or group name.
    ids: Value,
    product: Product,
    events: Arc<EventCollector>,
    serving: AbortHandle,
}

/// What a change took.
#[derive(Debug, Clone)]
pub struct Cost {
    /// HTTP requests to Graph.
    pub graph_round_trips: f64,
    /// Calls of the Identity Store API.
    pub identity_center_calls: f64,
    /// What the product reported.
    pub events: Events,
}

impl World {
    /// Seeds a sandbox without quotas as `POST /control/seed` understands it, and waits until the product has
    /// mirrored it. Re-checks follow after a minute, as deployed.
    pub async fn start(seed: &Value) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
        let base = format!("http://{}", listener.local_addr()?);
        let sandbox = Sandbox::new(Settings { quotas: false, ..Settings::default() });
        let addresses = sandbox.addresses(&base);
        let serving = tokio::spawn(sandbox::serve(listener, sandbox, std::future::pending())).abort_handle();
        let ids = seeded(&addresses, seed).await?;
        let events = Arc::new(EventCollector::default());
        let mut product = product(&addresses, events.clone())?;
        let webhook = webhook_server::start(&mut product, &addresses, CLIENT_STATE, events.clone()).await?;
        let driver = Driver::sign_in(&addresses).await?;
        let world = Self { driver, ids, product, events, serving };
        world.mirror_everything().await?;
        world.driver.subscribe(&webhook, CLIENT_STATE).await?;
        Ok(world)
    }

    /// The id of a user principal name or group name of the seed.
    pub fn id(&self, name: &str) -> anyhow::Result<&str> {
        self.ids[name].as_str().with_context(|| format!("the seed has no {name:?}"))
    }

    /// Has something change in Entra ID, and waits until its notifications are delivered and handled.
    pub async fn cost_of(&self, change: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<Cost> {
        self.driver.forget_calls().await?;
        self.events.take();
        change.await?;
        self.settle().await?;
        let calls = self.driver.calls().await?;
        let store = calls["aws"]["identitystore"].as_object();
        let events = self.events.take();
        ensure!(events.failures == 0, "{} handlings failed and were tried again", events.failures);
        Ok(Cost {
            graph_round_trips: calls["graph"]["round_trips"].as_f64().context("no count of Graph calls")?,
            identity_center_calls: store
                .into_iter()
                .flatten()
                .filter_map(|(_, count)| count.as_f64())
                .fold(0.0, |sum, count| sum + count),
            events,
        })
    }

    async fn settle(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        // Every change is notified. Once the notification is delivered it is in the queue, and once that is
        // empty, everything is done but re-checks.
        while !(self.has_delivered().await? && self.product.queue.open() == 0) {
            self.look_again(deadline).await?;
        }
        Ok(())
    }

    async fn has_delivered(&self) -> anyhow::Result<bool> {
        let notifications = &self.driver.calls().await?["notifications"];
        Ok(notifications["delivered_posts"].as_u64() > Some(0) && notifications["waiting"] == 0)
    }

    async fn mirror_everything(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.events.snapshot().changes.is_empty() || !self.product.has_settled() {
            self.look_again(deadline).await?;
        }
        Ok(())
    }

    async fn look_again(&self, deadline: Instant) -> anyhow::Result<()> {
        if let Some(letter) = self.product.queue.dead_letters().first() {
            bail!("{} was given up after five attempts; this is a defect of entra-mirror", letter.subject);
        }
        ensure!(
            Instant::now() < deadline,
            "after {PATIENCE:?} the change was not notified, or the product was still busy"
        );
        tokio::time::sleep(LOOK).await;
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn seeded(addresses: &Value, seed: &Value) -> anyhow::Result<Value> {
    let url = format!("{}/seed", text(addresses, "control"));
    let request = reqwest::Client::new().post(url).header("content-type", "application/json");
    let response = request.body(seed.to_string()).send().await?;
    let status = response.status();
    let mut answer: Value = serde_json::from_slice(&response.bytes().await?)?;
    ensure!(status.is_success(), "the sandbox refused the seed: {answer}");
    Ok(answer["entra"].take())
}

/// The product, with room for more calls than a figure makes: the sandbox's quotas are off, too.
fn product(addresses: &Value, events: Arc<EventCollector>) -> anyhow::Result<Product> {
    let quotas = Quotas { identity_store: Budgets::new(UNLIMITED), graph: Budget::new("graph", UNLIMITED) };
    playground::start(addresses, events, MirrorSettings::default(), MINUTE_RUN, quotas)
}

fn text(addresses: &Value, name: &str) -> String {
    addresses[name].as_str().unwrap_or_default().to_owned()
}
