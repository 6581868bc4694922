//! `entra-mirror playground`: plays a story in a sandbox and shows what changes on both sides.

pub mod comparison;
pub mod driver;
pub mod entra;
pub mod events;
pub mod product;
mod report;
pub mod rotation;
mod story;
pub mod webhook_server;

use ::entra::{AppCredential, GraphClient, GraphDirectory, Proof};
use anyhow::{Context, bail};
use comparison::differences;
use driver::Driver;
use engine::agenda::RecheckDelays;
use engine::budget::{Budget, Budgets};
use engine::mirror::MirrorSettings;
use events::EventCollector;
use identity_center::IdentityStore;
use jiff::SignedDuration;
use product::{Connections, Product};
use report::{StepReport, Summary};
use sandbox::{Sandbox, Settings};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use story::{STEPS, Story};
use tokio::net::TcpListener;
use tokio::time::Instant;
use wiring::budgets;
use wiring::clock::SystemClock;
use wiring::http::SharedHttp;

/// How long both sides may take to agree after a step.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The time between two minute runs.
const MINUTE_RUN: Duration = Duration::from_secs(1);
/// Re-checks follow this long after what they check.
const RECHECK: SignedDuration = SignedDuration::from_secs(1);
/// The secret that the sandbox's notifications carry.
const CLIENT_STATE: &str = "playground";

/// Plays the story; true if both sides agreed after every step.
pub async fn run(json: bool) -> anyhow::Result<bool> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
    let base = format!("http://{}", listener.local_addr()?);
    let sandbox = Sandbox::new(Settings::default());
    let addresses = sandbox.addresses(&base);
    let serving = tokio::spawn(sandbox::serve(listener, sandbox, std::future::pending()));
    let result = play(&addresses, json).await;
    serving.abort();
    result
}

async fn play(addresses: &Value, json: bool) -> anyhow::Result<bool> {
    let events = Arc::new(EventCollector::default());
    let delays = RecheckDelays { revocation: RECHECK, contradiction: vec![RECHECK; 3], afterwards: RECHECK };
    let settings = MirrorSettings { recheck_delays: delays, ..MirrorSettings::default() };
    let quotas = Quotas { identity_store: budgets::identity_store(1), graph: budgets::graph_of_mirror(1) };
    let mut product = start(addresses, events.clone(), settings, MINUTE_RUN, quotas)?;
    let webhook = webhook_server::start(&mut product, addresses, CLIENT_STATE, events.clone()).await?;
    let driver = Driver::sign_in(addresses).await?;
    driver.subscribe(&webhook, CLIENT_STATE).await?;
    if !json {
        println!("Sandbox at {}, webhook at {webhook}\n", text(addresses, "graph"));
    }
    let mut story = Story::default();
    let mut steps = Vec::new();
    for (number, (name, entra)) in STEPS.iter().enumerate() {
        driver.forget_calls().await?;
        events.take();
        let skipped_before = story.exceptions.skipped.clone();
        story.play(number, &driver.entra).await.with_context(|| format!("step {name:?} of the story"))?;
        let to_skip: Vec<&String> = story.exceptions.skipped.difference(&skipped_before).collect();
        let is_told = || to_skip.iter().all(|id| events.has_skipped(id));
        let differences = settle(&driver, &product, &story, is_told).await?;
        let step = StepReport::of(name, entra, &driver, &events.take(), differences).await?;
        if json {
            println!("{}", serde_json::to_string(&step)?);
        } else {
            report::print_row(&step, number == 0);
        }
        steps.push(step);
    }
    let rotates = rotation::play(json).await?;
    let summary = Summary::of(&steps);
    if json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        report::print_summary(&summary);
    }
    Ok(summary.converged && rotates)
}

/// What the product may call.
pub struct Quotas {
    /// Of every Identity Store API.
    pub identity_store: Budgets,
    /// Of Graph.
    pub graph: Budget,
}

/// Connects the product to the sandbox through real HTTP, with a minute run `every` so often.
///
/// # Errors
/// When the addresses are not a sandbox's.
pub fn start(
    addresses: &Value,
    events: Arc<EventCollector>,
    settings: MirrorSettings,
    every: Duration,
    quotas: Quotas,
) -> anyhow::Result<Product> {
    let http = SharedHttp::new()?;
    let transport = Arc::new(http.clone());
    let credential = AppCredential::new(
        transport.clone(),
        &text(addresses, "login"),
        &text(addresses, "tenant_id").parse()?,
        &text(addresses, "client_id").parse()?,
        Arc::new(Proof::ClientSecret(text(addresses, "client_secret").into())),
    );
    let graph = GraphClient::new(
        transport,
        Arc::new(credential),
        text(addresses, "graph"),
        Arc::new(SystemClock),
        quotas.graph,
    );
    let directory = GraphDirectory::new(graph, text(addresses, "service_principal_id").parse()?, false);
    let client = driver::identity_store_client(addresses, http, false);
    let store = IdentityStore::new(client, text(addresses, "identity_store_id"), quotas.identity_store);
    Ok(Product::start(Connections { directory: Arc::new(directory), store, events }, settings, every))
}

/// Waits until both sides agree, whoever is to be skipped is reported as skipped, and the product has nothing
/// left to do; answers what still differs.
async fn settle(
    driver: &Driver,
    product: &Product,
    story: &Story,
    is_told: impl Fn() -> bool,
) -> anyhow::Result<Vec<String>> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = vec!["nothing was compared yet".to_owned()];
    while Instant::now() < deadline {
        if product.is_idle() && is_told() && driver.has_delivered().await? {
            last = differences(&driver.called_for(&story.exceptions).await?, &driver.held().await?);
            if last.is_empty() && product.is_idle() {
                return Ok(last);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    if let Some(letter) = product.queue.dead_letters().first() {
        bail!("{} was given up after five attempts; this is a defect of entra-mirror", letter.subject);
    }
    if last.is_empty() {
        last.push("the sides agree, but the product is still busy".to_owned());
    }
    Ok(last)
}

fn text(addresses: &Value, name: &str) -> String {
    addresses[name].as_str().unwrap_or_default().to_owned()
}
