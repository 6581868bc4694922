//! Facts about refusals, waits and time-outs, alone and inside of a batch.

use crate::world::{World, cause, id};
use engine::ports::{Cause, Directory, FirstLook};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const USER: &str = "GET /users/{id}";
const GROUP: &str = "GET /groups/{id}";
const BATCH: &str = "POST /$batch";

/// A look at a user who does not exist: two requests in one batch.
async fn look(world: &World) -> Result<FirstLook, engine::ports::CallError> {
    world.directory().users(&BTreeSet::from([id(1)])).await.remove(&id(1)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_is_denied_learns_which_permission_is_missing() {
    let world = World::new();
    let directory = world.directory();
    world.fail("GET /servicePrincipals/{id}/appRoleAssignedTo", json!({"status": 403})).await;
    let assignments = cause(directory.assigned_principals().await);
    world.fail(GROUP, json!({"status": 403})).await;
    let group = cause(directory.group_name(&id(1)).await);
    world.fail(USER, json!({"status": 403})).await;
    let user = cause(look(&world).await);
    world.fail(BATCH, json!({"status": 403})).await;
    let batch = cause(look(&world).await);
    for (refused, permission) in [
        (assignments, "Application.Read.All"),
        (group, "Group.Read.All"),
        (user, "User.Read.All"),
        (batch, "User.Read.All"),
    ] {
        assert!(matches!(refused, Cause::Denied { .. }), "{refused}");
        for part in [permission, "ENTRA_CLIENT_ID", "admin consent"] {
            assert!(refused.to_string().contains(part), "{part:?} is missing: {refused}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_is_waited_out() {
    for operation in [USER, BATCH, "GET /users/{id}/memberOf"] {
        let world = World::new();
        world.fail(operation, json!({"status": 429, "retry_after": 3, "times": 2})).await;
        let start = Instant::now();
        assert_eq!(look(&world).await, Ok(FirstLook::NotFound), "{operation}");
        assert_eq!(start.elapsed(), Duration::from_secs(6), "{operation}");
        assert_eq!(world.round_trips().await, 3, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_was_throttled_of_a_batch_is_asked_again() {
    let world = World::new();
    world.fail(USER, json!({"status": 429, "retry_after": 1})).await;
    let ids: BTreeSet<_> = (1..=5).map(id).collect();
    let looks = world.directory().users(&ids).await;
    assert!(looks.values().all(|look| *look == Ok(FirstLook::NotFound)), "{looks:?}");
    assert_eq!(world.operations(USER).await, 5 + 1);
    assert_eq!(world.operations("GET /users/{id}/memberOf").await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_left_to_the_caller() {
    let throttled = Cause::Throttled { retry_after: Some(SignedDuration::from_secs(120)) };
    for operation in [USER, BATCH] {
        for status in [429, 503] {
            let world = World::new();
            world.fail(operation, json!({"status": status, "retry_after": 120, "times": 9})).await;
            let start = Instant::now();
            assert_eq!(cause(look(&world).await), throttled, "{operation} {status}");
            assert_eq!((start.elapsed(), world.round_trips().await), (Duration::ZERO, 1));
        }
    }
    let world = World::new();
    world.fail(GROUP, json!({"status": 429, "retry_after": 120})).await;
    assert_eq!(cause(world.directory().group_name(&id(1)).await), throttled);
}

#[tokio::test(start_paused = true)]
async fn who_stays_busy_is_busy_after_three_attempts() {
    for (operation, retry_after) in [(USER, Some(2)), (BATCH, Some(2)), (USER, None)] {
        let world = World::new();
        let mut rule = json!({"status": 429, "times": 9});
        if let Some(seconds) = retry_after {
            rule["retry_after"] = json!(seconds);
        }
        world.fail(operation, rule).await;
        let refused = cause(look(&world).await);
        let retry_after = retry_after.map(SignedDuration::from_secs);
        assert_eq!(refused, Cause::Throttled { retry_after }, "{operation}");
        assert_eq!(world.round_trips().await, 3, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_error_is_asked_again_twice() {
    for operation in [USER, BATCH] {
        for status in [500, 502, 503, 504] {
            let world = World::new();
            world.fail(operation, json!({"status": status, "times": 2})).await;
            assert_eq!(look(&world).await, Ok(FirstLook::NotFound), "{operation} {status}");
            world.fail(operation, json!({"status": status, "times": 3})).await;
            let refused = cause(look(&world).await);
            let detail = format!("HTTP {status}");
            assert_eq!(refused, Cause::Unanswered { detail }, "{operation}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_given_up_three_times() {
    let world = World::new();
    let directory = world.directory();
    world.fail(GROUP, json!({"status": 500, "hang": true})).await;
    assert_eq!(directory.group_name(&id(1)).await, Ok(None));
    world.fail(GROUP, json!({"status": 500, "hang": true, "times": 3})).await;
    let start = Instant::now();
    let refused = cause(directory.group_name(&id(1)).await);
    assert_eq!(refused, Cause::Unanswered { detail: "timed out".to_owned() });
    let taken = start.elapsed();
    assert!(taken > Duration::from_secs(30) && taken < Duration::from_secs(31), "gave up after {taken:?}");
}

#[tokio::test(start_paused = true)]
async fn one_failure_in_a_batch_harms_no_other() {
    let world = World::new();
    world.fail(USER, json!({"status": 403})).await;
    let looks = world.directory().users(&BTreeSet::from([id(1), id(2)])).await;
    let failed: Vec<_> = looks.values().filter(|look| look.is_err()).collect();
    assert_eq!((looks.len(), failed.len()), (2, 1), "{looks:?}");
}
