//! What each kind of answer comes to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "world/script.rs"]
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod script;
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use aws_sdk_identitystore::Client;
use aws_sdk_identitystore::config::http::HttpRequest;
use aws_sdk_identitystore::config::retry::RetryConfig;
use aws_sdk_identitystore::config::timeout::TimeoutConfig;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use axum::Router;
use axum::http::StatusCode;
use engine::budget::Budgets;
use engine::ports::{CallError, Cause, IdentityStoreReader, IdentityStoreWriter};
use engine::urgency::{Urgency, with_urgency};
use identity_center::{IdentityStore, ThrottlesAreOurs};
use jiff::SignedDuration;
use planning::MembershipId;
use script::{Script, USER, group, user};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// What creating a group comes to when this is the answer.
async fn refusal(status: u16, body: Value) -> CallError {
    let (_, store) = Script::of([(status, body)]);
    store.writer().create_group("Mathematicians").await.unwrap_err()
}

#[tokio::test]
async fn a_list_that_never_ends_or_has_a_hole_is_no_list() {
    let endless = (200, json!({"GroupMemberships": [], "NextToken": "again"}));
    let hole = (200, json!({"GroupMemberships": [{"MembershipId": USER}]}));
    for answers in [vec![endless.clone(), endless], vec![hole]] {
        let (_, store) = Script::of(answers);
        let error = store.reader().memberships_of(&user()).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Incomplete { .. }), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_an_id_is_incomplete() {
    let (_, store) = Script::of([(200, json!({}))]);
    let error = store.writer().create_user(&world::bare("ada")).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Incomplete { .. }), "{error}");
    assert!(error.to_string().starts_with("CreateUser a new user: "), "{error}");
}

fn throttled(seconds: Value) -> (u16, Value) {
    (400, json!({"__type": "ThrottlingException", "RetryAfterSeconds": seconds}))
}

#[tokio::test(start_paused = true)]
async fn throttling_says_when_to_come_back() {
    for (seconds, expected) in [(json!(3), Some(3)), (json!(0), None), (Value::Null, None)] {
        let (script, store) = Script::of(vec![throttled(seconds); 3]);
        let error = store.writer().create_group("Analysts").await.unwrap_err();
        let retry_after = expected.map(SignedDuration::from_secs);
        assert_eq!(error.cause, Cause::Throttled { retry_after });
        assert_eq!(script.asked().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_throttled_is_sent_again_when_aws_said() {
    let created = json!({"GroupId": script::GROUP, "IdentityStoreId": "d-906769a0b1"});
    let (script, store) = Script::of([throttled(json!(3)), (200, created)]);
    let start = Instant::now();
    store.writer().create_group("Analysts").await.unwrap();
    assert_eq!((script.asked().len(), start.elapsed().as_secs()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn work_without_patience_is_told_how_long_a_throttle_lasts() {
    let (script, store) = Script::of([throttled(json!(3))]);
    let writer = store.writer();
    let error = with_urgency(Urgency::Live, writer.create_group("Analysts")).await.unwrap_err();
    let retry_after = Some(SignedDuration::from_secs(3));
    assert_eq!(error.cause, Cause::Throttled { retry_after });
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_budget_is_like_a_throttle_but_nothing_is_sent() {
    let (script, store) = Script::of(vec![throttled(json!(60)); 3]);
    let writer = store.writer();
    for _ in 0..2 {
        let refused = with_urgency(Urgency::Live, writer.create_group("Analysts")).await.unwrap_err();
        assert!(matches!(refused.cause, Cause::Throttled { retry_after: Some(_) }), "{refused}");
    }
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_sdk_retries_a_server_error_but_leaves_throttles_to_us() {
    let asked = Arc::new(AtomicUsize::new(0));
    for (status, name, expected) in [(400, "ThrottlingException", 3), (500, "InternalServerException", 3)] {
        asked.store(0, Ordering::Relaxed);
        let counted = asked.clone();
        let router = Router::new().fallback(async move || {
            counted.fetch_add(1, Ordering::Relaxed);
            (StatusCode::from_u16(status).unwrap(), json!({"__type": name}).to_string())
        });
        let config = world::config("eu-west-1")
            .endpoint_url("http://aws.invalid")
            .http_client(world::http_client(router))
            .sleep_impl(TokioSleep::new())
            .retry_config(RetryConfig::standard())
            .retry_classifier(ThrottlesAreOurs);
        let client = Client::from_conf(config.build());
        let store = IdentityStore::new(client, "d-906769a0b1".to_owned(), Budgets::new(20.0));
        store.writer().create_group("Analysts").await.unwrap_err();
        assert_eq!(asked.load(Ordering::Relaxed), expected, "{name}");
    }
}

#[tokio::test]
async fn a_conflict_is_about_uniqueness_unless_it_says_otherwise() {
    let conflict = |reason| json!({"__type": "ConflictException", "Reason": reason});
    for (reason, expected) in [
        (json!("UNIQUENESS_CONSTRAINT_VIOLATION"), Cause::Conflict),
        (Value::Null, Cause::Conflict),
        (json!("CONCURRENT_MODIFICATION"), Cause::Concurrent),
    ] {
        assert_eq!(refusal(400, conflict(reason)).await.cause, expected);
    }
}

#[tokio::test]
async fn a_refusal_keeps_code_and_request_id_and_drops_the_message() {
    let body = json!({
        "__type": "com.amazonaws.identitystore#ValidationException",
        "Message": "ada@example.com is no good", "RequestId": "0a-1b",
    });
    let error = refusal(400, body).await;
    let (code, request_id) = ("ValidationException".to_owned(), "0a-1b".to_owned());
    assert_eq!(error.cause, Cause::Refused { code, request_id });
    assert!(!error.to_string().contains("ada"), "a message of AWS got through: {error}");
}

#[tokio::test]
async fn a_full_store_says_to_raise_the_quota() {
    let error = refusal(400, json!({"__type": "ServiceQuotaExceededException"})).await;
    assert!(matches!(error.cause, Cause::Refused { .. }), "{error}");
    assert!(error.to_string().contains("raise the quota"), "{error}");
}

#[tokio::test]
async fn a_missing_permission_is_named_in_both_namespaces() {
    let (_, store) = Script::of([(400, json!({"__type": "AccessDeniedException"}))]);
    let error = store.writer().create_membership(&user(), &group()).await.unwrap_err();
    let text = error.to_string();
    for part in ["identitystore:CreateGroupMembership", "sso-directory:AddMemberToGroup", "mirror's role"] {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
}

#[tokio::test]
async fn trouble_with_the_key_names_the_key() {
    for (kind, reason) in [
        ("AccessDeniedException", "KMS_ACCESS_DENIED"),
        ("ValidationException", "KMS_DISABLED"),
        ("ResourceNotFoundException", "KMS_KEY_NOT_FOUND"),
    ] {
        let error = refusal(400, json!({"__type": kind, "Reason": reason})).await;
        assert!(matches!(error.cause, Cause::Denied { .. }), "{error}");
        assert!(error.to_string().contains("KMS key"), "{error}");
    }
}

#[tokio::test]
async fn bad_credentials_are_no_refusal_of_the_content() {
    for code in ["UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"] {
        let error = refusal(403, json!({"__type": code})).await;
        assert!(matches!(error.cause, Cause::Denied { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_broken_answer_leaves_the_outcome_open() {
    let html = "<!doctype html><title>500 Internal Server Error</title>";
    for (status, body) in [
        (500, json!({"__type": "InternalServerException", "RequestId": "0a-1b"}).to_string()),
        (500, html.to_owned()),
        (503, String::new()),
        (200, "{".to_owned()),
    ] {
        let (_, store) = Script::of_texts([(status, body)]);
        let error = store.writer().create_group("Analysts").await.unwrap_err();
        assert!(matches!(error.cause, Cause::Unanswered { .. }), "HTTP {status}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_leaves_the_outcome_open() {
    let router = Router::new().fallback(async || std::future::pending::<StatusCode>().await);
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(5));
    let config = world::config("eu-west-1")
        .endpoint_url("http://aws.invalid")
        .http_client(world::http_client(router))
        .timeout_config(timeouts.build());
    let store =
        IdentityStore::new(Client::from_conf(config.build()), "d-906769a0b1".to_owned(), Budgets::new(20.0));
    let error = store.writer().create_group("Analysts").await.unwrap_err();
    let detail = "timed out".to_owned();
    assert_eq!(error.cause, Cause::Unanswered { detail });
}

#[tokio::test]
async fn a_call_that_cannot_be_sent_says_why() {
    let refused = SharedHttpConnector::new(Unreachable);
    let config = world::config("eu-west-1")
        .endpoint_url("http://aws.invalid")
        .http_client(http_client_fn(move |_, _| refused.clone()));
    let store =
        IdentityStore::new(Client::from_conf(config.build()), "d-906769a0b1".to_owned(), Budgets::new(20.0));
    let error = store.writer().create_group("Analysts").await.unwrap_err();
    assert!(matches!(error.cause, Cause::Unanswered { .. }), "{error}");
    assert!(error.to_string().contains("connection refused"), "{error}");
}

/// No service at all.
#[derive(Debug)]
struct Unreachable;

impl HttpConnector for Unreachable {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::io("connection refused".into())))
    }
}

#[tokio::test]
async fn not_found_counts_only_for_what_was_asked_for() {
    let missing = |kind: Value| (400, json!({"__type": "ResourceNotFoundException", "ResourceType": kind}));
    let read = async |kind: Value| {
        let (_, store) = Script::of([missing(kind)]);
        store.reader().user(&user()).await
    };
    assert_eq!(read(json!("USER")).await, Ok(None));
    assert_eq!(read(Value::Null).await, Ok(None));
    let error = read(json!("GROUP")).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Incomplete { .. }), "{error}");
    let error = read(json!("IDENTITY_STORE")).await.unwrap_err();
    assert!(error.to_string().contains("IDENTITY_STORE_ID"), "{error}");
}

#[tokio::test]
async fn a_membership_without_its_user_or_group_is_not_found_either() {
    for kind in ["GROUP_MEMBERSHIP", "USER", "GROUP"] {
        let body = json!({"__type": "ResourceNotFoundException", "ResourceType": kind});
        let (_, store) = Script::of([(400, body)]);
        assert_eq!(store.reader().find_membership(&user(), &group()).await, Ok(None));
    }
}

#[tokio::test]
async fn deleting_what_is_gone_says_so() {
    let body = json!({"__type": "ResourceNotFoundException", "ResourceType": "GROUP_MEMBERSHIP"});
    let (_, store) = Script::of([(400, body)]);
    let membership: MembershipId = USER.parse().unwrap();
    let error = store.writer().delete_membership(&membership).await.unwrap_err();
    assert_eq!(error.cause, Cause::NotFound);
}

#[tokio::test]
async fn a_list_of_someone_who_is_gone_is_not_empty() {
    let body = json!({"__type": "ResourceNotFoundException", "ResourceType": "USER"});
    let (_, store) = Script::of([(400, body)]);
    let error = store.reader().memberships_of(&user()).await.unwrap_err();
    assert_eq!(error.cause, Cause::NotFound);
}
