//! Facts about subscriptions as Graph is asked for them, and what its answers come to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use async_trait::async_trait;
use engine::ports::{CallError, Cause, HandshakeFailure};
use engine::subscriptions::ports::Subscriptions;
use entra::{CurrentClientState, GraphSubscriptions};
use jiff::{SignedDuration, Timestamp};
use planning::SubscriptionId;
use planning::digest::Digest;
use planning::subscriptions::{Resource, Wanted, WebhookAddress};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use world::script::Script;
use world::{GRAPH, cause};

const ID: &str = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";

struct Stored(String);

#[async_trait]
impl CurrentClientState for Stored {
    async fn current(&self) -> Result<SecretString, CallError> {
        Ok(self.0.clone().into())
    }
}

fn subscriptions(script: &Script) -> GraphSubscriptions {
    GraphSubscriptions::new(script.client(), Arc::new(Stored("secret".to_owned())))
}

fn until() -> Timestamp {
    "2026-12-20T11:00:00.123Z".parse().unwrap()
}

fn webhook() -> WebhookAddress {
    WebhookAddress::new("https://webhook.example")
}

/// A subscription as Graph shows it; unset members are null, and clientState always is.
fn shown(id: &str) -> Value {
    json!({"id": id, "resource": "/users", "applicationId": "app", "changeType": "updated,deleted",
           "clientState": null, "notificationUrl": "https://webhook.example/notify",
           "lifecycleNotificationUrl": "https://webhook.example/lifecycle",
           "expirationDateTime": "2026-12-20T11:00:00.0000000+00:00", "creatorId": "app",
           "includeResourceData": null, "notificationQueryOptions": null})
}

fn refused(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({"error": {"code": code, "message": message, "innerError": {"request-id": "1"}}}))
}

#[tokio::test(start_paused = true)]
async fn the_list_is_read_over_all_pages() {
    let script = Script::new(|path, _| match path {
        "/subscriptions" => {
            let next = format!("{GRAPH}/subscriptions?$skiptoken=2");
            (200, json!({"value": [shown(ID)], "@odata.nextLink": next}))
        }
        "/subscriptions?$skiptoken=2" => {
            let mut other = shown("7f105c7d-2dc5-4530-97cd-4e7ae6534c08");
            other["lifecycleNotificationUrl"] = Value::Null;
            other["changeType"] = json!("deleted, updated");
            (200, json!({"value": [other]}))
        }
        other => panic!("{other} was asked for"),
    });
    let all = subscriptions(&script).list().await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].id.as_str(), all[0].wanted_resource()), (ID, Some(Resource::Users)));
    assert_eq!(all[0].expires, "2026-12-20T11:00:00Z".parse().unwrap());
    assert_eq!(all[1].lifecycle_url, None);
    assert!(all.iter().all(|found| found.change_types == Wanted::change_types()));
}

#[tokio::test(start_paused = true)]
async fn one_is_asked_for_with_everything_that_graph_needs_and_its_digest_is_of_what_was_sent() {
    let sent = Arc::new(Mutex::new(Value::Null));
    let seen = sent.clone();
    let script = Script::new(move |_, body| {
        *seen.lock().unwrap() = body.clone();
        (201, shown(ID))
    });
    let made = subscriptions(&script).create(Resource::Groups, &webhook(), until()).await.unwrap();
    assert_eq!((made.id.as_str(), made.client_state), (ID, Digest::of(&"secret")));
    assert_eq!(subscriptions(&script).client_state().await.unwrap(), Digest::of(&"secret"));
    let expected = json!({
        "changeType": "updated,deleted", "resource": "/groups", "clientState": "secret",
        "notificationUrl": "https://webhook.example/notify",
        "lifecycleNotificationUrl": "https://webhook.example/lifecycle",
        "expirationDateTime": "2026-12-20T11:00:00Z", "latestSupportedTlsVersion": "v1_2",
    });
    assert_eq!(*sent.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_client_state_that_graph_would_refuse_is_never_sent() {
    let script = Script::new(|path, _| panic!("{path} was asked for"));
    for secret in [String::new(), "x".repeat(129)] {
        let subscriptions = GraphSubscriptions::new(script.client(), Arc::new(Stored(secret)));
        for answer in [
            subscriptions.client_state().await.map(|_| ()),
            subscriptions.create(Resource::Users, &webhook(), until()).await.map(|_| ()),
        ] {
            let told = answer.unwrap_err().to_string();
            assert!(
                told.contains("CLIENT_STATE_SECRET") && told.contains("128") && !told.contains("xx"),
                "{told}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_graph_refuses_is_told_apart_and_a_creation_is_sent_once() {
    let timed_out = "Subscription validation request timed out.";
    for (answer, expected) in [
        (refused(400, "ValidationError", timed_out), Cause::Unreachable(HandshakeFailure::TimedOut)),
        (
            refused(409, "Conflict", "Subscription Id 7f already exists for the requested combination"),
            Cause::Conflict,
        ),
        (refused(503, "UnknownError", ""), Cause::Unanswered { detail: "HTTP 503".to_owned() }),
    ] {
        let script = Script::new(move |_, _| answer.clone());
        let refused = subscriptions(&script).create(Resource::Users, &webhook(), until()).await;
        assert_eq!(cause(refused), expected);
        assert_eq!(script.asked().len(), 1, "nobody knows whether the first one took effect");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_is_not_found_and_a_renewal_is_repeated_when_graph_is_out_of_order() {
    let gone = Script::new(|_, _| refused(404, "ResourceNotFound", "The object was not found."));
    let id = SubscriptionId::parse(ID).unwrap();
    assert_eq!(cause(subscriptions(&gone).renew(&id, until()).await), Cause::NotFound);
    assert_eq!(cause(subscriptions(&gone).delete(&id).await), Cause::NotFound);
    let mut answers = vec![(200, shown(ID)), refused(500, "InternalServerError", "")];
    let script = Script::new(move |_, body| {
        assert_eq!(*body, json!({"expirationDateTime": "2026-12-20T11:00:00Z"}));
        answers.pop().unwrap()
    });
    let renewed = subscriptions(&script).renew(&id, until()).await.unwrap();
    assert_eq!(renewed, until() - SignedDuration::from_millis(123));
    assert_eq!(script.asked(), vec![format!("{GRAPH}/subscriptions/{ID}"); 2]);
}
