//! `entra-mirror playground`: plays a story in a sandbox and shows what changes on both sides.

pub mod access;
pub mod caller;
pub mod comparison;
pub mod console;
pub mod control;
pub mod driver;
pub mod entra;
pub mod events;
pub mod product;
mod report;
pub mod rotation;
mod set_up;
mod story;
pub mod webhook_server;

use ::entra::GraphDirectory;
use anyhow::{Context, bail};
use caller::Caller;
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
use serde_json::{Value, json};
use set_up::{STACK, SetUp};
use std::sync::Arc;
use std::time::Duration;
use story::{STEPS, Story};
use subscriptions::{Answer, SubscriptionsFunction};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wiring::budgets;

/// How long both sides may take to agree after a step.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The time between two minute runs.
const MINUTE_RUN: Duration = Duration::from_secs(1);
/// Re-checks follow this long after what they check.
const RECHECK: SignedDuration = SignedDuration::from_secs(1);
/// How long a run over the subscriptions may take, as long as the deployed function's time-out.
const RUN_TIME: Duration = Duration::from_secs(180);
/// The secret that the sandbox's notifications carry.
const CLIENT_STATE: &str = "playground";

/// Sets both sides up, and plays the story; true if both sides agreed after every step.
pub async fn run(json: bool) -> anyhow::Result<bool> {
    let (addresses, _serving) = serve(true).await?;
    if !json {
        println!(
            "A tenant in which nothing is registered, and an AWS account: sandbox at {}\n",
            text(&addresses, "graph")
        );
    }
    let set_up = SetUp::play(&addresses, json).await.context("the set-up")?;
    let (steps, signs_in) = play(&addresses, &set_up, json).await?;
    let has_access = access::play(json).await?;
    let rotates = rotation::play(json).await?;
    let summary = Summary::of(&steps);
    if json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        report::print_summary(&summary);
    }
    Ok(summary.converged && signs_in && has_access && rotates)
}

/// Serves a sandbox on the loopback, as long as what it answers lives; in an empty one nothing is registered.
async fn serve(empty: bool) -> anyhow::Result<(Value, JoinSet<()>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
    let base = format!("http://{}", listener.local_addr()?);
    let sandbox = Sandbox::new(Settings { empty, ..Settings::default() });
    let addresses = sandbox.addresses(&base);
    let mut serving = JoinSet::new();
    serving.spawn(async {
        if let Err(error) = sandbox::serve(listener, sandbox, std::future::pending()).await {
            tracing::error!(%error, "the sandbox ended");
        }
    });
    Ok((addresses, serving))
}

/// Runs the functions with what the set-up wrote, and tells the story; what came of each step, and whether somebody who was
/// mirrored can sign in.
async fn play(addresses: &Value, set_up: &SetUp, json: bool) -> anyhow::Result<(Vec<StepReport>, bool)> {
    let events = Arc::new(EventCollector::default());
    let (client, principal) =
        (set_up.parameter("EntraClientId")?, set_up.parameter("EntraServicePrincipalId")?);
    let caller = async |function| Caller::function(addresses, client, &format!("{STACK}-{function}")).await;
    let mirror = connect(addresses, &caller("mirror").await?, principal, events.clone(), quotas())?;
    let mut product = Product::start(mirror, settings(), MINUTE_RUN);
    let webhook = webhook_server::start(&mut product, addresses, CLIENT_STATE, events.clone()).await?;
    let graph = caller("subscriptions").await?.graph(addresses, budgets::graph_of_subscriptions())?;
    subscribe(&product.subscriptions(graph, &webhook, CLIENT_STATE, events.clone()), json).await?;
    let driver = Driver::administer(addresses, principal).await?;
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
    let attempt = json!({"user": story::SIGNS_IN, "application": set_up.parameter("EntraApplicationId")?});
    let attempt = driver.control.ask("sign-in", &attempt).await?;
    let signs_in = attempt["accepted"] == true;
    if json {
        println!("{}", json!({"step": "sign in", "accepted": signs_in, "why": attempt["why"]}));
    } else {
        println!("{} signs in to AWS: {}\n", story::SIGNS_IN, if signs_in { "accepted" } else { "REFUSED" });
    }
    Ok((steps, signs_in))
}

/// Has Graph tell of changes, as the deployed function does.
async fn subscribe(function: &SubscriptionsFunction, json: bool) -> anyhow::Result<()> {
    let answer = function.handle(json!({"look_at": "subscriptions"}), RUN_TIME).await?;
    let Answer::Run(run) = &answer else { bail!("the subscriptions function took its event for a batch") };
    if json {
        println!("{}", json!({"step": "subscriptions", "report": run}));
    } else {
        for step in run.report.iter().flat_map(|report| &report.steps) {
            println!("subscriptions: {step}");
        }
        println!();
    }
    Ok(())
}

fn settings() -> MirrorSettings {
    let delays = RecheckDelays { revocation: RECHECK, contradiction: vec![RECHECK; 3], afterwards: RECHECK };
    MirrorSettings { recheck_delays: delays, ..MirrorSettings::default() }
}

fn quotas() -> Quotas {
    Quotas { identity_store: budgets::identity_store(1), graph: budgets::graph_of_mirror(1) }
}

/// What the product may call.
pub struct Quotas {
    /// Of every Identity Store API.
    pub identity_store: Budgets,
    /// Of Graph.
    pub graph: Budget,
}

/// Connects the product to a sandbox that is ready made, through real HTTP, with a minute run `every` so often.
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
    Ok(Product::start(connect_ready_made(addresses, events, quotas)?, settings, every))
}

fn connect_ready_made(
    addresses: &Value,
    events: Arc<EventCollector>,
    quotas: Quotas,
) -> anyhow::Result<Connections> {
    let principal = text(addresses, "service_principal_id");
    connect(addresses, &Caller::ready_made(addresses)?, &principal, events, quotas)
}

/// The product's way to the sandbox.
fn connect(
    addresses: &Value,
    caller: &Caller,
    service_principal: &str,
    events: Arc<EventCollector>,
    quotas: Quotas,
) -> anyhow::Result<Connections> {
    let graph = caller.graph(addresses, quotas.graph)?;
    let directory = GraphDirectory::new(graph, service_principal.parse()?, false);
    let client = driver::identity_store_client(&caller.aws, false);
    let store = IdentityStore::new(client, text(addresses, "identity_store_id"), quotas.identity_store);
    Ok(Connections { directory: Arc::new(directory), store, access: None, events })
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
