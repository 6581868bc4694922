//! Delivers notifications as Graph does: a handshake first, then POSTs that are repeated until they are
//! answered in time (change-notifications-delivery-webhooks).

use crate::Sandbox;
use crate::entra::{GraphError, Notification};
use crate::faults::DeliveryFaults;
use crate::host_health::{HostHealth, Verdict};
use async_trait::async_trait;
use axum::http::StatusCode;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use url::form_urlencoded;

/// The handshake must be answered within this time.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// The first attempt must be answered within this time.
const FIRST_LIMIT: Duration = Duration::from_secs(3);
/// Every further attempt.
const LATER_LIMIT: Duration = Duration::from_secs(10);
/// After this time a notification is given up.
const GIVEN_UP: Duration = Duration::from_secs(4 * 60 * 60);
/// Notifications of one POST.
const LARGEST_POST: usize = 20;

/// How the sandbox reaches webhooks.
#[async_trait]
pub trait NotificationSink: Send + Sync {
    /// Sends a POST; an error means that there was no answer.
    async fn post(&self, url: &str, content_type: &str, body: String) -> Result<SinkAnswer, String>;
}

/// What a webhook answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkAnswer {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// Webhooks behind real HTTP.
#[derive(Debug, Clone)]
pub struct HttpSink(reqwest::Client);

impl Default for HttpSink {
    /// A redirect is no delivery: it is not followed.
    fn default() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        Self(client.unwrap_or_default())
    }
}

#[async_trait]
impl NotificationSink for HttpSink {
    async fn post(&self, url: &str, content_type: &str, body: String) -> Result<SinkAnswer, String> {
        let request = self.0.post(url).header("content-type", content_type).body(body);
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let bytes = response.bytes().await.map_err(|error| error.to_string())?;
        Ok(SinkAnswer { status, content_type, body: String::from_utf8_lossy(&bytes).into_owned() })
    }
}

/// One POST that is not answered yet.
#[derive(Debug, Clone)]
struct Post {
    url: String,
    body: String,
    attempt: u32,
    due: Instant,
    since: Instant,
}

/// Has the addresses of a subscription echo a token.
pub async fn handshake(
    sink: &dyn NotificationSink,
    addresses: BTreeSet<String>,
    request_id: &str,
) -> Result<(), GraphError> {
    let token = format!(
        "Validation: Testing client application reachability for subscription Request-Id: {request_id} <&+%>"
    );
    for address in addresses {
        let joint = if address.contains('?') { '&' } else { '?' };
        let encoded: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let url = format!("{address}{joint}validationToken={encoded}");
        let answer =
            timeout(HANDSHAKE_LIMIT, sink.post(&url, "text/plain; charset=utf-8", String::new())).await;
        let Ok(Ok(answer)) = answer else {
            return Err(timed_out());
        };
        if answer.status != 200 {
            return Err(refused(&format!(
                "Subscription validation request failed. HTTP status code is '{}'. Notification endpoint must \
                 respond with 200 OK to validation request.",
                name_of(answer.status)
            )));
        }
        if !answer.content_type.starts_with("text/plain") || answer.body != token {
            return Err(refused(
                "Subscription validation request failed. The validation token was not echoed as plain text.",
            ));
        }
    }
    Ok(())
}

/// Delivers for as long as it is polled.
pub async fn run(sandbox: Sandbox, sink: std::sync::Arc<dyn NotificationSink>) {
    let mut waiting: Vec<Post> = Vec::new();
    let mut attempts: JoinSet<Attempt> = JoinSet::new();
    let mut health = HostHealth::default();
    loop {
        let (fresh, faults) = sandbox.take_outgoing();
        let notifications = fresh.len();
        let fresh = judged(posts(fresh, &faults), &mut health);
        sandbox.note_posts(notifications, fresh.len());
        waiting.extend(fresh);
        let now = Instant::now();
        for post in waiting.extract_if(.., |post| post.due <= now) {
            let (sink, sandbox) = (sink.clone(), sandbox.clone());
            attempts.spawn(async move { attempt(sink.as_ref(), &sandbox, post).await });
        }
        let next = waiting.iter().map(|post| post.due).min();
        let pause = async {
            match next {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = sandbox.outgoing_arrived() => {}
            Some(Ok(attempt)) = attempts.join_next() => {
                health.note(&attempt.url, Instant::now(), attempt.took);
                waiting.extend(attempt.again);
            }
            () = pause => {}
        }
    }
}

/// What became of sending a POST.
struct Attempt {
    url: String,
    took: Duration,
    /// The POST with its next time, if it has to be repeated.
    again: Option<Post>,
}

/// Leaves out the POSTs to hosts that are too slow, and puts off those to slow ones.
fn judged(posts: Vec<Post>, health: &mut HostHealth) -> Vec<Post> {
    let judge = |post: Post| match health.verdict(&post.url, Instant::now()) {
        Verdict::Send => Some(post),
        Verdict::Delay(by) => Some(Post { due: post.due + by, ..post }),
        Verdict::Drop => None,
    };
    posts.into_iter().filter_map(judge).collect()
}

/// Sends a POST and sees how long the answer takes.
async fn attempt(sink: &dyn NotificationSink, sandbox: &Sandbox, post: Post) -> Attempt {
    let (url, started) = (post.url.clone(), Instant::now());
    let again = sent(sink, sandbox, post).await;
    Attempt { url, took: started.elapsed(), again }
}

async fn sent(sink: &dyn NotificationSink, sandbox: &Sandbox, post: Post) -> Option<Post> {
    let limit = if post.attempt == 0 { FIRST_LIMIT } else { LATER_LIMIT };
    let answer =
        timeout(limit, sink.post(&post.url, "application/json; charset=utf-8", post.body.clone())).await;
    if matches!(&answer, Ok(Ok(answer)) if (200..300).contains(&answer.status)) {
        sandbox.note_finished(true);
        return None;
    }
    let now = Instant::now();
    let pause = Duration::from_secs(2_u64.saturating_pow(post.attempt.min(12)));
    let again = Post { attempt: post.attempt + 1, due: now + pause, ..post };
    if again.due.duration_since(again.since) < GIVEN_UP {
        return Some(again);
    }
    sandbox.note_finished(false);
    None
}

/// Puts notifications of one address together, several in a POST.
fn posts(mut fresh: Vec<Notification>, faults: &DeliveryFaults) -> Vec<Post> {
    if faults.reorder {
        fresh.reverse();
    }
    let mut by_url: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
    for notification in fresh {
        by_url.entry(notification.url).or_default().push(notification.content);
    }
    let now = Instant::now();
    let copies = if faults.duplicate { 2 } else { 1 };
    let mut posts = Vec::new();
    for (url, items) in by_url {
        for items in items.chunks(LARGEST_POST) {
            let body = json!({"value": items}).to_string();
            let due = now + Duration::from_millis(faults.delay_ms);
            let post = Post { url: url.clone(), body, attempt: 0, due, since: now };
            posts.extend(std::iter::repeat_n(post, copies));
        }
    }
    posts
}

/// What Graph answers when the handshake took too long, and often when it never began.
pub fn timed_out() -> GraphError {
    refused("Subscription validation request timed out.")
}

/// A status as Graph names it: `Forbidden`, `BadGateway`.
fn name_of(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| reason.replace([' ', '-'], ""))
}

fn refused(message: &str) -> GraphError {
    GraphError::new(400, "ValidationError", message)
}
