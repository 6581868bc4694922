//! How many notifications the webhook takes in a second on one core, from the Function URL event's JSON to
//! the queue in memory.

use crate::figure::{Bound, Figure};
use crate::notifications;
use crate::statistics::median;
use anyhow::{Context, ensure};
use async_trait::async_trait;
use engine::ports::CallError;
use engine::telemetry::{Applied, Count, Telemetry};
use entra::{ClientStateSource, ClientStates};
use ledger::memory::{MemoryLifecycleQueue, MemoryQueue};
use planning::EntraObjectId;
use planning::skipped::Skipped;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use uuid::Uuid;
use webhook::{FunctionUrlRequest, StateStore, WebhookFunction};
use wiring::clock::SystemClock;

/// The figure's name.
pub const NAME: &str = "webhook-notifications-on-one-core";

/// Notifications a second.
const RATE: f64 = 5_000.0;
/// As many as the sandbox, like Graph, puts into a POST.
const NOTIFICATIONS_PER_POST: usize = 20;
/// Posts of one sample. Each sample has a queue of its own, which stays small.
const POSTS: usize = 100;
/// Samples, of which the median counts; the first one warms up.
const SAMPLES: usize = 20;
const CLIENT_STATE: &str = "figures";

/// Calls the handler on one thread, without SQS.
///
/// # Errors
/// When not every notification was accepted and queued.
pub fn measure() -> anyhow::Result<Figure> {
    // A thread of its own, so that nothing else is polled while the handler runs.
    let measured = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(rates())
    });
    let rates =
        measured.join().map_err(|_| anyhow::anyhow!("the webhook's handler panicked: see above"))??;
    Ok(Figure::new(NAME, median(&rates).round(), "notifications/s", Bound::AtLeast(RATE)))
}

async fn rates() -> anyhow::Result<Vec<f64>> {
    let mut rates = Vec::with_capacity(SAMPLES);
    for _ in 0..=SAMPLES {
        rates.push(rate().await?);
    }
    Ok(rates.split_off(1))
}

async fn rate() -> anyhow::Result<f64> {
    let counted = Arc::new(Counted::default());
    let queue = MemoryQueue::default();
    let function = function(&queue, counted.clone())?;
    let events: Vec<String> = (0..POSTS).map(|_| event()).collect();
    let start = Instant::now();
    for event in &events {
        let request: FunctionUrlRequest = serde_json::from_str(event)?;
        let answer = function.handle(request).await;
        ensure!(answer.status_code == 202, "the webhook answered {}", answer.status_code);
    }
    let seconds = start.elapsed().as_secs_f64();
    let expected = POSTS * NOTIFICATIONS_PER_POST;
    ensure!(
        queue.open() == expected && counted.0.load(Ordering::Relaxed) == expected as u64,
        "{expected} notifications were sent, but {} were queued",
        queue.open()
    );
    Ok(expected as f64 / seconds)
}

fn function(queue: &MemoryQueue, telemetry: Arc<Counted>) -> anyhow::Result<WebhookFunction> {
    Ok(WebhookFunction {
        tenant_id: EntraObjectId::parse(notifications::TENANT).ok().context("the tenant is no GUID")?,
        client_states: StateStore::new(Arc::new(KnownState)),
        changes: Arc::new(queue.clone()),
        lifecycle: Arc::new(MemoryLifecycleQueue::default()),
        clock: Arc::new(SystemClock),
        telemetry,
    })
}

/// Users that changed, none of them twice.
fn event() -> String {
    let users: Vec<String> = (0..NOTIFICATIONS_PER_POST).map(|_| Uuid::new_v4().to_string()).collect();
    notifications::post(CLIENT_STATE, &users).to_string()
}

struct KnownState;

#[async_trait]
impl ClientStateSource for KnownState {
    async fn read(&self) -> Result<ClientStates, CallError> {
        Ok(ClientStates::new(CLIENT_STATE.to_owned().into(), None))
    }
}

/// The notifications that the webhook says it has queued.
#[derive(Default)]
struct Counted(AtomicU64);

impl Telemetry for Counted {
    fn applied(&self, _: &Applied<'_>) {}
    fn skipped(&self, _: &EntraObjectId, _: &Skipped) {}
    fn count(&self, count: Count, times: u64) {
        if count == Count::NotificationsReceived {
            self.0.fetch_add(times, Ordering::Relaxed);
        }
    }
}
