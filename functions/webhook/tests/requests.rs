//! Facts about requests to the webhook, hostile ones among them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

use async_trait::async_trait;
use engine::ports::{CallError, Cause, Clock, TriggerQueue};
use engine::telemetry::{Applied, Count, Telemetry};
use engine::trigger::Trigger;
use entra::{ClientStateSource, ClientStates};
use jiff::{SignedDuration, Timestamp};
use ledger::memory::{MemoryLifecycleQueue, MemoryQueue};
use planning::EntraObjectId;
use planning::skipped::Skipped;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use webhook::{FunctionUrlRequest, StateStore, WebhookFunction};

const TENANT: &str = "8eb3fdd4-3f1f-4c4f-9c9b-2d7a5d1c0e11";
const SOFT_DELETED: &str = include_str!("../../../tests/fixtures/notifications/group_soft_deleted.json");
const MEMBERS: &str = include_str!("../../../tests/fixtures/notifications/members_delta.json");
const LIFECYCLE: &str = include_str!("../../../tests/fixtures/notifications/lifecycle.json");
const MIXED: &str = include_str!("../../../tests/fixtures/notifications/mixed.json");

struct World {
    function: WebhookFunction,
    changes: MemoryQueue,
    lifecycle: MemoryLifecycleQueue,
    secrets: Arc<Secrets>,
    clock: Arc<SetClock>,
    counts: Arc<Counts>,
}

struct Answer {
    status: i64,
    content_type: String,
    nosniff: bool,
    body: String,
}

impl World {
    fn new() -> Self {
        let (changes, lifecycle) = (MemoryQueue::default(), MemoryLifecycleQueue::default());
        Self::sending_to(Arc::new(changes.clone()), changes, lifecycle)
    }

    fn sending_to(
        queue: Arc<dyn TriggerQueue>,
        changes: MemoryQueue,
        lifecycle: MemoryLifecycleQueue,
    ) -> Self {
        let secrets = Arc::new(Secrets::default());
        *secrets.states.lock().unwrap() = Some(("secret".to_owned(), None));
        let clock = Arc::new(SetClock(Mutex::new("2026-11-24T08:00:00Z".parse().unwrap())));
        let counts = Arc::new(Counts::default());
        let function = WebhookFunction {
            tenant_id: EntraObjectId::parse(TENANT).unwrap(),
            client_states: StateStore::new(secrets.clone()),
            changes: queue,
            lifecycle: Arc::new(lifecycle.clone()),
            clock: clock.clone(),
            telemetry: counts.clone(),
        };
        Self { function, changes, lifecycle, secrets, clock, counts }
    }

    async fn request(&self, method: &str, query: &str, body: &str) -> Answer {
        let mut request = FunctionUrlRequest::default();
        request.request_context.http.method = Some(method.to_owned());
        request.raw_query_string = Some(query.to_owned());
        request.body = Some(body.to_owned());
        self.send(request).await
    }

    async fn send(&self, request: FunctionUrlRequest) -> Answer {
        let answer = self.function.handle(request).await;
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Answer {
            status: answer.status_code,
            content_type: header("content-type").unwrap_or_default(),
            nosniff: header("x-content-type-options").as_deref() == Some("nosniff"),
            body: answer.body.unwrap_or_default(),
        }
    }

    async fn post(&self, body: &str) -> Answer {
        self.request("POST", "", body).await
    }

    fn queued(&self) -> Vec<Trigger> {
        self.changes.receive(10).into_iter().map(|received| received.trigger).collect()
    }
}

#[tokio::test]
async fn a_handshake_is_answered_with_the_decoded_token_as_plain_text() {
    let world = World::new();
    let query = "validationToken=Validation%3A%20Testing+client%20%3Cb%3E%26Request-Id%3A%20a1%2B2";
    let answer = world.request("POST", query, "").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "Validation: Testing client <b>&Request-Id: a1+2")
    );
    assert!(
        answer.content_type.starts_with("text/plain") && answer.nosniff,
        "a browser might render the token"
    );
}

#[tokio::test]
async fn a_handshake_is_answered_beside_other_parameters() {
    let answer = World::new().request("POST", "stage=prod&validationToken=abc", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "abc"));
}

#[tokio::test]
async fn a_token_that_is_none_is_not_echoed() {
    let world = World::new();
    let long = format!("validationToken={}", "x".repeat(3_000));
    for query in ["validationToken=", "validationToken=a%0d%0ab", long.as_str()] {
        let answer = world.request("POST", query, "").await;
        assert_eq!(answer.status, 400, "{query} was echoed");
        assert!(answer.body.len() < 100);
    }
}

#[tokio::test]
async fn only_posts_are_looked_at() {
    for method in ["GET", "PUT", "DELETE", ""] {
        assert_eq!(World::new().request(method, "validationToken=a", "").await.status, 405, "{method}");
    }
}

#[tokio::test]
async fn a_change_is_queued_and_accepted() {
    let world = World::new();
    assert_eq!(world.post(SOFT_DELETED).await.status, 202);
    assert_eq!(world.queued().len(), 1);
    assert_eq!(world.post(MEMBERS).await.status, 202);
    assert_eq!(world.counts.of(Count::NotificationsReceived), 2);
}

#[tokio::test]
async fn a_body_in_base64_is_understood() {
    use base64::Engine;
    let world = World::new();
    let mut request = FunctionUrlRequest::default();
    request.request_context.http.method = Some("POST".to_owned());
    request.body = Some(base64::engine::general_purpose::STANDARD.encode(SOFT_DELETED));
    request.is_base64_encoded = true;
    assert_eq!(world.send(request).await.status, 202);
    assert_eq!(world.queued().len(), 1);
}

#[tokio::test]
async fn a_lifecycle_event_goes_to_its_own_queue() {
    let world = World::new();
    assert_eq!(world.post(LIFECYCLE).await.status, 202);
    assert!(world.queued().is_empty());
    assert_eq!(world.lifecycle.take().len(), 1);
    assert_eq!(world.counts.of(Count::LifecycleNotifications), 1);
}

#[tokio::test]
async fn bad_notifications_do_not_stop_good_ones() {
    let world = World::new();
    assert_eq!(world.post(MIXED).await.status, 202);
    assert_eq!(world.queued().len(), 2);
    assert_eq!(world.counts.of(Count::NotificationsRejected), 5);
}

#[tokio::test]
async fn a_forged_request_gets_one_plain_line_and_queues_nothing() {
    let world = World::new();
    let answer = world.post(&SOFT_DELETED.replace("\"secret\"", "\"guess\"")).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.lines().count() == 1 && !answer.body.contains("guess"), "{}", answer.body);
    assert!(world.queued().is_empty());
}

#[tokio::test]
async fn what_is_no_notification_gets_a_refusal_without_its_content() {
    let world = World::new();
    let many = format!("{{\"value\":[{}0]}}", "0,".repeat(1_000));
    let large = format!("{{\"value\":[\"{}\"]}}", "x".repeat(1024 * 1024));
    for (body, status) in
        [("", 400), ("<script>", 400), ("{\"value\":{}}", 400), (many.as_str(), 413), (large.as_str(), 413)]
    {
        let answer = world.post(body).await;
        assert_eq!(answer.status, status, "{:.40}", body);
        assert!(answer.nosniff && !answer.body.contains("script"), "{}", answer.body);
    }
    assert!(world.queued().is_empty());
}

#[tokio::test]
async fn a_rotated_secret_is_learned_at_the_first_mismatch_but_not_at_every_one() {
    let world = World::new();
    world.post(SOFT_DELETED).await;
    *world.secrets.states.lock().unwrap() = Some(("fresh".to_owned(), Some("secret".to_owned())));
    world.clock.pass(SignedDuration::from_mins(2));
    let fresh = SOFT_DELETED.replace("\"secret\"", "\"fresh\"");
    assert_eq!(world.post(&fresh).await.status, 202);
    assert_eq!(world.post(SOFT_DELETED).await.status, 202, "the previous secret is good, too");
    let reads = world.secrets.reads();
    for _ in 0..100 {
        assert_eq!(world.post(&SOFT_DELETED.replace("\"secret\"", "\"guess\"")).await.status, 403);
    }
    assert!(world.secrets.reads() <= reads + 1, "every forged request reads the secret");
}

#[tokio::test]
async fn in_a_request_that_holds_something_good_nothing_is_dropped_for_a_secret_that_is_new() {
    let world = World::new();
    // Somebody guesses, so that the secret was read a moment ago.
    assert_eq!(world.post(&SOFT_DELETED.replace("\"secret\"", "\"guess\"")).await.status, 403);
    *world.secrets.states.lock().unwrap() = Some(("fresh".to_owned(), Some("secret".to_owned())));
    let item = |body: &str| -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(body).unwrap()["value"][0].clone()
    };
    let both = serde_json::json!({"value": [
        item(SOFT_DELETED), item(&SOFT_DELETED.replace("\"secret\"", "\"fresh\"")),
    ]});
    assert_eq!(world.post(&both.to_string()).await.status, 202);
    assert_eq!(world.counts.of(Count::NotificationsReceived), 2, "one of them was dropped");
    *world.secrets.states.lock().unwrap() = None;
    let mixed = both.to_string().replace("\"fresh\"", "\"fresher\"");
    assert_eq!(world.post(&mixed).await.status, 503, "Graph has to send it again");
}

#[tokio::test]
async fn without_its_secret_the_webhook_asks_graph_to_come_again() {
    let world = World::new();
    *world.secrets.states.lock().unwrap() = None;
    assert_eq!(world.post(SOFT_DELETED).await.status, 503);
}

#[tokio::test]
async fn a_queue_that_fails_has_graph_come_again() {
    let world =
        World::sending_to(Arc::new(BrokenQueue), MemoryQueue::default(), MemoryLifecycleQueue::default());
    assert_eq!(world.post(SOFT_DELETED).await.status, 503);
    assert_eq!(world.counts.of(Count::NotificationsReceived), 0, "what was not queued is not received");
}

#[derive(Default)]
struct Secrets {
    states: Mutex<Option<(String, Option<String>)>>,
    reads: Mutex<u32>,
}

impl Secrets {
    fn reads(&self) -> u32 {
        *self.reads.lock().unwrap()
    }
}

#[async_trait]
impl ClientStateSource for Secrets {
    async fn read(&self) -> Result<ClientStates, CallError> {
        *self.reads.lock().unwrap() += 1;
        match self.states.lock().unwrap().clone() {
            Some((current, previous)) => Ok(ClientStates::new(current.into(), previous.map(Into::into))),
            None => Err(broken("read")),
        }
    }
}

struct BrokenQueue;

#[async_trait]
impl TriggerQueue for BrokenQueue {
    async fn send(&self, _: &[Trigger]) -> Result<(), CallError> {
        Err(broken("send"))
    }
}

struct SetClock(Mutex<Timestamp>);

impl SetClock {
    fn pass(&self, time: SignedDuration) {
        *self.0.lock().unwrap() += time;
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[derive(Default)]
struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    fn of(&self, count: Count) -> u64 {
        self.0.lock().unwrap().get(count.name()).copied().unwrap_or(0)
    }
}

impl Telemetry for Counts {
    fn applied(&self, _: &Applied<'_>) {}
    fn skipped(&self, _: &EntraObjectId, _: &Skipped) {}
    fn count(&self, count: Count, times: u64) {
        *self.0.lock().unwrap().entry(count.name()).or_default() += times;
    }
}

fn broken(operation: &str) -> CallError {
    CallError::new(operation, "", Cause::Unanswered { detail: "broken".to_owned() })
}
