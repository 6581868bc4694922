//! Facts about tokens: fetched once, renewed in time, never used where they are not accepted.

use crate::world::{World, cause, id};
use engine::ports::{Cause, Directory};
use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::json;
use std::time::Duration;

const READ: &str = "GET /groups/{id}";

#[tokio::test(start_paused = true)]
async fn calls_side_by_side_fetch_one_token() {
    let world = World::new();
    let directory = world.directory();
    let numbers: Vec<_> = (0..20).map(id).collect();
    let names = join_all(numbers.iter().map(|id| directory.group_name(id))).await;
    assert!(names.iter().all(|name| *name == Ok(None)), "{names:?}");
    assert_eq!((world.token_requests().await, world.round_trips().await), (1, 20));
}

/// The sandbox's tokens are good for 3,599 s.
#[tokio::test(start_paused = true)]
async fn a_token_is_used_until_five_minutes_before_it_expires() {
    let world = World::new();
    let directory = world.directory();
    directory.group_name(&id(1)).await.unwrap();
    tokio::time::advance(Duration::from_secs(3_298)).await;
    directory.group_name(&id(1)).await.unwrap();
    assert_eq!(world.token_requests().await, 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    directory.group_name(&id(1)).await.unwrap();
    assert_eq!(world.token_requests().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_once_is_replaced() {
    let world = World::new();
    let directory = world.directory();
    directory.group_name(&id(1)).await.unwrap();
    world.faults(json!({"revoke_tokens": true})).await;
    assert_eq!(directory.group_name(&id(1)).await, Ok(None));
    assert_eq!((world.token_requests().await, world.round_trips().await), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_always_refused_is_an_error_that_says_where_to_look() {
    let world = World::new();
    world.fail(READ, json!({"status": 401, "times": 9})).await;
    let refused = cause(world.directory().group_name(&id(1)).await);
    for part in ["GRAPH_ENDPOINT", "LOGIN_ENDPOINT", "ENTRA_CLIENT_ID"] {
        assert!(refused.to_string().contains(part), "{part:?} is missing: {refused}");
    }
    assert_eq!((world.token_requests().await, world.round_trips().await), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_named_and_its_successor_is_read() {
    let world = World::new();
    let directory = world.directory();
    let right = std::mem::replace(&mut *world.secret.lock().unwrap(), "guessed".to_owned());
    let refused = cause(directory.group_name(&id(1)).await);
    assert!(matches!(refused, Cause::Denied { .. }), "{refused}");
    assert!(refused.to_string().contains("ENTRA_CREDENTIAL_SECRET"), "{refused}");
    assert!(!refused.to_string().contains("guessed"), "the secret is shown: {refused}");
    *world.secret.lock().unwrap() = right;
    assert_eq!(directory.group_name(&id(1)).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tenant_is_named() {
    let world = World::new();
    let refused = cause(world.directory_of(&id(1), false).group_name(&id(1)).await);
    assert!(matches!(refused, Cause::Denied { .. }), "{refused}");
    assert!(refused.to_string().contains("ENTRA_TENANT_ID"), "{refused}");
    assert_eq!(world.round_trips().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_down_is_asked_again() {
    let world = World::new();
    let login = |times: u32| json!({"rules": [{"service": "login", "status": 500, "times": times}]});
    world.faults(login(2)).await;
    assert_eq!(world.directory().group_name(&id(1)).await, Ok(None));
    assert_eq!(world.token_requests().await, 3);
    world.faults(login(3)).await;
    let refused = cause(world.directory().group_name(&id(1)).await);
    assert_eq!(refused, Cause::Unanswered { detail: "HTTP 500".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_busy_is_no_failure() {
    let world = World::new();
    world.faults(json!({"rules": [{"service": "login", "status": 429}]})).await;
    let refused = cause(world.directory().group_name(&id(1)).await);
    assert_eq!(refused, Cause::Throttled { retry_after: None::<SignedDuration> });
}
