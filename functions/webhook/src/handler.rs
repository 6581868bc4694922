//! Adapts a Function URL request to triggers: the validation handshake, and collections of notifications.

mod client_state;
mod responses;

pub use client_state::StateStore;

use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine::ports::{CallError, Clock, LifecycleQueue, TriggerQueue};
use engine::telemetry::{Count, Telemetry};
use engine::trigger::Trigger;
use entra::{ClientStates, Rejected, Unreadable, VerifiedNotification, items, verify};
use planning::EntraObjectId;
use responses::{plain, token_echo};
use std::collections::BTreeMap;
use std::sync::Arc;
use url::form_urlencoded;

pub use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlRequest as FunctionUrlRequest;

/// Graph's collections are far smaller; a body of this size is no notification.
const LARGEST_BODY: usize = 1024 * 1024;
/// The most notifications of one POST.
const MOST_NOTIFICATIONS: usize = 1_000;
/// A validation token is a sentence with an id; documented as opaque, so leave room.
const LONGEST_TOKEN: usize = 2_048;

/// The webhook function.
pub struct WebhookFunction {
    /// Whose notifications are taken.
    pub tenant_id: EntraObjectId,
    /// The secrets that they carry.
    pub client_states: StateStore,
    /// Where triggers go.
    pub changes: Arc<dyn TriggerQueue>,
    /// Where lifecycle notifications go.
    pub lifecycle: Arc<dyn LifecycleQueue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Reports.
    pub telemetry: Arc<dyn Telemetry>,
}

/// The good notifications of a POST, and why the others are dropped.
#[derive(Debug, Default)]
struct Sorted {
    triggers: Vec<Trigger>,
    lifecycle: Vec<String>,
    changes: u64,
    rejected: BTreeMap<&'static str, u64>,
    forged: bool,
}

impl WebhookFunction {
    /// Answers a request. What is bad gets a 4xx with one plain line and nothing of the payload; what could
    /// not be queued gets a 5xx, so that Graph sends it again.
    pub async fn handle(&self, request: FunctionUrlRequest) -> LambdaFunctionUrlResponse {
        if request.request_context.http.method.as_deref() != Some("POST") {
            return plain(405, "send notifications with POST");
        }
        if let Some(token) = validation_token(request.raw_query_string.as_deref().unwrap_or_default()) {
            return handshake(&token);
        }
        match body_of(&request) {
            Ok(body) => self.notifications(&body).await,
            Err((status, line)) => plain(status, line),
        }
    }

    async fn notifications(&self, body: &[u8]) -> LambdaFunctionUrlResponse {
        let sorted = match self.sort(body).await {
            Ok(Ok(sorted)) => sorted,
            Ok(Err(Unreadable::TooMany)) => {
                return plain(413, "more notifications than one request may hold");
            }
            Ok(Err(Unreadable::NoCollection)) => {
                self.telemetry.count(Count::NotificationsRejected, 1);
                return plain(400, "the body is no collection of change notifications");
            }
            Err(error) => {
                tracing::error!(%error, "the clientState secret cannot be read; Graph sends the notifications again");
                return plain(503, "try again later");
            }
        };
        if let Err(error) = self.queue(&sorted).await {
            tracing::error!(%error, "notifications were not queued; Graph sends them again");
            return plain(503, "try again later");
        }
        self.count(&sorted);
        if sorted.changes == 0 && sorted.lifecycle.is_empty() && !sorted.rejected.is_empty() {
            let status = if sorted.forged { 403 } else { 400 };
            return plain(status, "no notification of this request was accepted");
        }
        plain(202, "accepted")
    }

    /// Verifies every notification. If one carries an unknown secret, the secret may have been rotated: it is read again,
    /// at a bounded rate. A request that holds something good is Graph's, which puts notifications of several
    /// subscriptions into one: nothing of it may be lost, so that the secret is read at once, or Graph has to come again.
    async fn sort(&self, body: &[u8]) -> Result<Result<Sorted, Unreadable>, CallError> {
        let items = match items(body, MOST_NOTIFICATIONS) {
            Ok(items) => items,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let now = self.clock.now();
        let states = self.client_states.known(now).await?;
        let mut sorted = self.verify_all(&items, &states);
        let is_of_graph = sorted.changes > 0 || !sorted.lifecycle.is_empty();
        let fresh = match (sorted.forged, is_of_graph) {
            (true, true) => Some(self.client_states.fresh(now).await?),
            (true, false) => self.client_states.refetched(now).await,
            (false, _) => None,
        };
        if let Some(fresh) = fresh {
            sorted = self.verify_all(&items, &fresh);
        }
        Ok(Ok(sorted))
    }

    fn verify_all(&self, items: &[&serde_json::value::RawValue], states: &ClientStates) -> Sorted {
        let now = self.clock.now();
        let mut sorted = Sorted::default();
        for item in items {
            match verify(item, &self.tenant_id, states) {
                Ok(VerifiedNotification::Change(change)) => {
                    sorted.changes += 1;
                    sorted.triggers.extend(change.triggers(now));
                }
                Ok(VerifiedNotification::Lifecycle(event)) => match serde_json::to_string(&event) {
                    Ok(event) => sorted.lifecycle.push(event),
                    Err(_) => *sorted.rejected.entry("malformed").or_default() += 1,
                },
                Err(why) => {
                    sorted.forged |= why == Rejected::ClientState;
                    *sorted.rejected.entry(name(why)).or_default() += 1;
                }
            }
        }
        sorted
    }

    async fn queue(&self, sorted: &Sorted) -> Result<(), CallError> {
        let changes = async {
            if sorted.triggers.is_empty() { Ok(()) } else { self.changes.send(&sorted.triggers).await }
        };
        let lifecycle = async {
            if sorted.lifecycle.is_empty() { Ok(()) } else { self.lifecycle.send(&sorted.lifecycle).await }
        };
        futures::try_join!(changes, lifecycle).map(|_| ())
    }

    fn count(&self, sorted: &Sorted) {
        let rejected: u64 = sorted.rejected.values().sum();
        for (count, times) in [
            (Count::NotificationsReceived, sorted.changes),
            (Count::LifecycleNotifications, sorted.lifecycle.len() as u64),
            (Count::NotificationsRejected, rejected),
        ] {
            if times > 0 {
                self.telemetry.count(count, times);
            }
        }
        if rejected > 0 {
            tracing::warn!(
                rejected = ?sorted.rejected,
                "notifications were dropped; wrong clientState in numbers means somebody guesses, or another \
                 deployment's subscription still points here"
            );
        }
    }
}

/// Echoes the token as plain text, so that no browser takes it for anything else.
fn handshake(token: &str) -> LambdaFunctionUrlResponse {
    if token.is_empty() || token.len() > LONGEST_TOKEN || token.chars().any(char::is_control) {
        return plain(400, "the validation token is not valid");
    }
    token_echo(token)
}

/// The decoded token of a handshake. The raw query is read, since only it is known to be decoded once.
fn validation_token(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "validationToken").map(|(_, token)| token.into_owned())
}

/// The body's bytes, or the status and line that refuse it.
fn body_of(request: &FunctionUrlRequest) -> Result<Vec<u8>, (i64, &'static str)> {
    let body = request.body.as_deref().unwrap_or_default();
    // Base64 needs four characters for three bytes.
    let largest = if request.is_base64_encoded { LARGEST_BODY.div_ceil(3) * 4 } else { LARGEST_BODY };
    if body.len() > largest {
        return Err((413, "the body is larger than 1 MiB"));
    }
    if request.is_base64_encoded {
        STANDARD.decode(body).map_err(|_| (400, "the body is not valid base64"))
    } else {
        Ok(body.as_bytes().to_vec())
    }
}

fn name(why: Rejected) -> &'static str {
    match why {
        Rejected::Malformed => "malformed",
        Rejected::ClientState => "wrong clientState",
        Rejected::Tenant => "another tenant",
        Rejected::Resource => "unexpected resource",
    }
}
