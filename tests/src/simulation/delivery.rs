//! The way of a notification to the webhook: lost, late, twice, out of order.

use super::chaos::Chaos;
use super::product::Product;
use async_trait::async_trait;
use sandbox::{NotificationSink, SinkAnswer};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::sleep;
use webhook::FunctionUrlRequest;

/// How often a POST of notifications meets which fault, each of a thousand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryRates {
    /// It never arrives.
    pub lost: u32,
    /// It arrives later than those after it.
    pub late: u32,
    /// It arrives twice.
    pub twice: u32,
    /// It does not say whose membership changed.
    pub bare: u32,
    /// The longest delay of a late one, in seconds.
    pub latest_seconds: u64,
}

/// Takes notifications from the sandbox. Clones share their state.
#[derive(Clone, Default)]
pub struct Delivery {
    product: Arc<OnceLock<Arc<Product>>>,
    state: Arc<Mutex<State>>,
    /// Late ones, and second copies, on their way.
    under_way: Arc<AtomicUsize>,
}

#[derive(Default)]
struct State {
    random: fastrand::Rng,
    rates: DeliveryRates,
    lost: BTreeSet<String>,
}

impl Delivery {
    /// Has notifications reach this product.
    pub fn reach(&self, product: Arc<Product>, seed: u64, rates: DeliveryRates) {
        let _ = self.product.set(product);
        let mut state = self.state();
        (state.random, state.rates) = (fastrand::Rng::with_seed(seed ^ 0x6e_6f_74_69_63_65), rates);
    }

    /// From here on everything arrives, once and at once.
    pub fn calm_down(&self) {
        self.state().rates = DeliveryRates::default();
    }

    /// The ids that lost notifications named.
    pub fn take_lost(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.state().lost)
    }

    /// How many notifications are still under way.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    fn chaos(&self) -> Option<Arc<Chaos>> {
        Some(self.product.get()?.chaos.clone())
    }

    /// Whether a POST is lost, and after which delays copies of it arrive.
    fn fate(&self, body: &str) -> Option<Vec<Duration>> {
        let mut state = self.state();
        let (rates, chaos) = (state.rates, self.chaos()?);
        if state.random.u32(0..1_000) < rates.lost {
            let ids = named_in(body);
            state.lost.extend(ids);
            chaos.note("lost notifications");
            return Some(Vec::new());
        }
        let mut copies = vec![Duration::ZERO];
        if state.random.u32(0..1_000) < rates.late {
            chaos.note("late notifications");
            copies = vec![Duration::from_secs(state.random.u64(1..=rates.latest_seconds.max(1)))];
        }
        if state.random.u32(0..1_000) < rates.twice {
            chaos.note("notifications that come twice");
            copies.push(Duration::from_secs(state.random.u64(0..=rates.latest_seconds)));
        }
        Some(copies)
    }

    /// The body without what it says of members, now and then: Graph promises nothing.
    fn shortened(&self, body: String) -> String {
        let mut state = self.state();
        let bare = state.rates.bare;
        let Ok(mut content) = serde_json::from_str::<Value>(&body) else { return body };
        let items = content["value"].as_array_mut().into_iter().flatten();
        let told: Vec<&mut serde_json::Map<String, Value>> = items
            .filter_map(|item| item["resourceData"].as_object_mut())
            .filter(|data| data.contains_key("members@delta"))
            .collect();
        if told.is_empty() || state.random.u32(0..1_000) >= bare {
            return body;
        }
        for data in told {
            data.remove("members@delta");
        }
        drop(state);
        if let Some(chaos) = self.chaos() {
            chaos.note("notifications that name no members");
        }
        content.to_string()
    }

    async fn forward(&self, query: Option<String>, body: String) -> Result<SinkAnswer, String> {
        let product = self.product.get().ok_or("no webhook")?;
        let (function, life) = product.webhook();
        let mut request = FunctionUrlRequest::default();
        request.raw_query_string = query;
        request.request_context.http.method = Some("POST".to_owned());
        request.body = (!body.is_empty()).then_some(body);
        let answer = tokio::select! {
            biased;
            () = life.ended() => return Err("the webhook died".to_owned()),
            answer = function.handle(request) => answer,
        };
        let content_type = answer.headers.get("content-type").and_then(|value| value.to_str().ok());
        Ok(SinkAnswer {
            status: u16::try_from(answer.status_code).unwrap_or(500),
            content_type: content_type.unwrap_or_default().to_owned(),
            body: answer.body.unwrap_or_default(),
        })
    }

    /// Brings a copy later, again and again until the webhook takes it.
    fn bring_later(&self, delay: Duration, body: String) {
        let delivery = self.clone();
        self.under_way.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            sleep(delay).await;
            while !matches!(delivery.forward(None, body.clone()).await, Ok(answer) if answer.status < 300) {
                sleep(Duration::from_secs(2)).await;
            }
            delivery.under_way.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl NotificationSink for Delivery {
    async fn post(&self, url: &str, _: &str, body: String) -> Result<SinkAnswer, String> {
        let query = url.split_once('?').map(|(_, query)| query.to_owned());
        let copies = match &query {
            Some(_) => vec![Duration::ZERO],
            None => self.fate(&body).ok_or("no webhook")?,
        };
        let body = self.shortened(body);
        let mut answer = Ok(SinkAnswer { status: 202, content_type: String::new(), body: String::new() });
        for delay in copies {
            if delay.is_zero() {
                answer = self.forward(query.clone(), body.clone()).await;
            } else {
                self.bring_later(delay, body.clone());
            }
        }
        answer
    }
}

/// Every object that a collection of notifications names.
fn named_in(body: &str) -> BTreeSet<String> {
    let content: Value = serde_json::from_str(body).unwrap_or_default();
    let items = content["value"].as_array().cloned().unwrap_or_default();
    let ids = items.iter().flat_map(|item| {
        let data = &item["resourceData"];
        let members = data["members@delta"].as_array().into_iter().flatten();
        members.map(|member| &member["id"]).chain([&data["id"]]).filter_map(Value::as_str)
    });
    ids.map(str::to_owned).collect()
}
