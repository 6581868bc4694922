//! Facts about subscriptions and the delivery of notifications.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use serde_json::json;
use std::time::Duration;
use world::World;

async fn subscribed() -> World {
    let world = World::new().await;
    for resource in ["/users", "/groups"] {
        let answer = world.subscribe(resource).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    world
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_does_not_answer_the_handshake_gets_no_subscription() {
    let world = World::new().await;
    *world.webhook.deaf.lock().unwrap() = true;
    let answer = world.subscribe("/users").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("timed out"), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn one_resource_is_subscribed_once() {
    let world = subscribed().await;
    assert_eq!(world.subscribe("/users").await.status, 409);
}

#[tokio::test(start_paused = true)]
async fn an_application_knows_its_own_subscriptions_and_an_administrator_with_the_scope_sees_all() {
    let mut world = subscribed().await;
    let of_reader = world.get("/subscriptions").await;
    let path = format!("/subscriptions/{}", of_reader.body["value"][0]["id"].as_str().unwrap());
    for (scopes, seen) in
        [(json!(["User.Read.All", "Group.Read.All"]), 0), (json!(["Subscription.Read.All"]), 2)]
    {
        let answer = world.control("operator", json!({"scopes": scopes})).await;
        world.use_token(answer.body["access_token"].as_str().unwrap());
        let listed = world.get("/subscriptions").await;
        assert_eq!(listed.body["value"].as_array().map(Vec::len), Some(seen), "{scopes}: {}", listed.body);
        assert_eq!(world.get(&path).await.status, if seen == 0 { 404 } else { 200 });
        assert_ne!(world.delete(&path).await.status, 204, "{scopes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_lives_no_longer_than_graph_allows() {
    let world = World::new().await;
    let expires =
        |minutes: i64| (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes)).to_string();
    let body = |minutes: i64, url: &str| {
        json!({"changeType": "updated,deleted", "resource": "/users", "notificationUrl": url,
               "expirationDateTime": expires(minutes)})
    };
    let local = "http://127.0.0.1/notify";
    assert_eq!(world.post("/subscriptions", body(41_762, local)).await.status, 400);
    assert_eq!(world.post("/subscriptions", body(60, "http://example.com/notify")).await.status, 400);
    let short = world.post("/subscriptions", body(5, local)).await;
    let granted: jiff::Timestamp = short.body["expirationDateTime"].as_str().unwrap().parse().unwrap();
    assert!(granted > jiff::Timestamp::now() + jiff::SignedDuration::from_mins(40), "{granted} is too soon");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_member_is_a_notification_of_the_group() {
    let world = subscribed().await;
    world
        .delivering(async {
            let ada = world.user("ada").await;
            let engineers = world.group("Engineers", &[]).await;
            world.join(&engineers, &ada).await;
        })
        .await;
    let received = world.received();
    let joined = received.iter().find(|item| item["resourceData"].get("members@delta").is_some()).unwrap();
    assert!(joined["resource"].as_str().unwrap().starts_with("Groups/"), "{joined}");
    assert_eq!((&joined["changeType"], &joined["clientState"]), (&json!("updated"), &json!("secret")));
    assert!(received.iter().all(|item| item["changeType"] == "updated"), "a creation is told as an update");
}

#[tokio::test(start_paused = true)]
async fn soft_deletion_is_an_update_and_the_final_one_a_deletion() {
    let world = subscribed().await;
    let ada = world.user("ada").await;
    world.delivering(async {}).await;
    world.received();
    world.delivering(world.delete(&format!("/users/{ada}"))).await;
    assert_eq!(world.received()[0]["changeType"], "updated");
    world.delivering(world.delete(&format!("/directory/deletedItems/{ada}"))).await;
    assert_eq!(world.received()[0]["changeType"], "deleted");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_delivered_again() {
    let world = subscribed().await;
    *world.webhook.statuses.lock().unwrap() = vec![503, 500];
    world.delivering(world.user("ada")).await;
    assert_eq!(world.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn notifications_come_twice_or_get_lost_on_demand() {
    let world = subscribed().await;
    world.control("faults", json!({"delivery": {"duplicate": true}})).await;
    world.delivering(world.user("ada")).await;
    assert_eq!(world.received().len(), 2);
    world.control("faults", json!({"delivery": {"drop": 1}})).await;
    world.delivering(world.user("alan")).await;
    assert!(world.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_expired_subscription_tells_nothing() {
    let world = subscribed().await;
    world.control("clock", json!({"advance_seconds": 90_000})).await;
    let mut world = world;
    world.sign_in().await;
    world.delivering(world.user("ada")).await;
    assert!(world.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lifecycle_event_reaches_its_own_address_without_a_resource() {
    let world = subscribed().await;
    world.delivering(world.control("faults", json!({"lifecycle": "reauthorizationRequired"}))).await;
    let received = world.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0]["lifecycleEvent"], "reauthorizationRequired");
    assert_eq!(received[0].get("resource"), None);
}

#[tokio::test(start_paused = true)]
async fn a_creation_answers_what_was_sent_and_later_reads_keep_client_state_to_themselves() {
    let world = World::new().await;
    let made = world.subscribe("/groups").await.body;
    assert_eq!((&made["resource"], &made["clientState"]), (&json!("/groups"), &json!("secret")));
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/subscriptions/{id}")).await.body["clientState"], json!(null));
    assert_eq!(world.subscribe("groups/").await.status, 409, "slashes make no other resource");
    let path = format!("/subscriptions/{id}");
    assert_eq!(world.patch(&path, json!({"clientState": "other"})).await.status, 400);
    assert_eq!(world.patch(&path, json!({"expirationDateTime": "soon"})).await.status, 400);
    assert_eq!(world.delete(&path).await.status, 204);
    assert_eq!(world.post(&format!("{path}/reauthorize"), json!(null)).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn who_left_is_told_in_both_spellings() {
    let world = subscribed().await;
    let (ada, alan) = (world.user("ada").await, world.user("alan").await);
    let engineers = world.group("Engineers", &[&ada, &alan]).await;
    world.delivering(async {}).await;
    world.received();
    world
        .delivering(async {
            for user in [&ada, &alan] {
                world.delete(&format!("/groups/{engineers}/members/{user}/$ref")).await;
            }
        })
        .await;
    let received = world.received();
    let removed = |item: &serde_json::Value| item["resourceData"]["members@delta"][0]["@removed"].clone();
    let spellings: Vec<_> = received.iter().map(removed).collect();
    for spelling in [json!("deleted"), json!({"reason": "deleted"})] {
        assert!(spellings.contains(&spelling), "{spelling} is not among {spellings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_removed_subscription_is_told_of_and_gone() {
    let world = subscribed().await;
    assert_eq!(world.control("faults", json!({"lifecycle": "unknown"})).await.status, 400);
    world.delivering(world.control("faults", json!({"lifecycle": "subscriptionRemoved"}))).await;
    assert_eq!(world.received().len(), 2);
    assert_eq!(world.get("/subscriptions").await.body["value"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_slow_too_often_is_told_ten_minutes_late() {
    let world = subscribed().await;
    // The clock is paused: what passes here is the sandbox's time, and nobody waits for it.
    let pass = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    world
        .delivering(async {
            *world.webhook.takes.lock().unwrap() = Duration::from_secs(4);
            for number in 0..60 {
                world.user(&format!("user{number}")).await;
                pass(1).await;
            }
            pass(60).await;
            *world.webhook.takes.lock().unwrap() = Duration::ZERO;
            let late = world.user("late").await;
            let told = || world.received().iter().any(|item| item["resourceData"]["id"] == json!(late));
            pass(590).await;
            assert!(!told(), "a slow host was told at once");
            pass(20).await;
            assert!(told(), "what waited ten minutes was not told");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_both_reauthorized_and_changed_within_ten_minutes_tells_nothing_any_more() {
    for (minutes, told) in [(9, 0), (10, 1)] {
        let mut world = World::new().await;
        let made = world.subscribe("/users").await;
        let path = format!("/subscriptions/{}", made.body["id"].as_str().unwrap());
        let pass = |minutes: i64| json!({"advance_seconds": minutes * 60});
        assert_eq!(world.post(&format!("{path}/reauthorize"), json!(null)).await.status, 204);
        world.control("clock", pass(minutes)).await;
        world.sign_in().await;
        let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(12);
        let renewed = world.patch(&path, json!({"expirationDateTime": expires.to_string()})).await;
        assert_eq!(renewed.status, 200, "it is accepted: {}", renewed.body);
        world.delivering(world.user("ada")).await;
        assert_eq!(world.received().len(), told, "{minutes} minutes between both");
        // A new one is in order again.
        assert_eq!(world.delete(&path).await.status, 204);
        world.subscribe("/users").await;
        world.delivering(world.user("alan")).await;
        assert_eq!(world.received().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn changes_alone_may_follow_each_other_at_once() {
    let world = World::new().await;
    let made = world.subscribe("/users").await;
    let path = format!("/subscriptions/{}", made.body["id"].as_str().unwrap());
    for hours in [12, 13] {
        let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        let body = json!({"expirationDateTime": expires.to_string()});
        assert_eq!(world.patch(&path, body).await.status, 200);
    }
    world.delivering(world.user("ada")).await;
    assert_eq!(world.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_list_has_pages_and_takes_no_query_options() {
    let world = World::new().await;
    for _ in 0..12 {
        let group = world.group("Engineers", &[]).await;
        assert_eq!(world.subscribe(&format!("/groups/{group}")).await.status, 201);
    }
    let first = world.get("/subscriptions").await;
    let next = first.body["@odata.nextLink"].as_str().unwrap().to_owned();
    let second = world.get(&next).await;
    let mut ids: Vec<&str> =
        [&first, &second].into_iter().flat_map(|page| world::values(page, "id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), second.body.get("@odata.nextLink")), (12, None));
    assert_eq!(world.get("/subscriptions?$top=5").await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_refuses_the_handshake_or_takes_too_long_for_it_is_named_as_graph_does() {
    let world = World::new().await;
    *world.webhook.handshake.lock().unwrap() = (Duration::ZERO, 403);
    let refused = world.subscribe("/users").await;
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(refused.status == 400 && message.contains("HTTP status code is 'Forbidden'"), "{message}");
    *world.webhook.handshake.lock().unwrap() = (Duration::from_secs(11), 200);
    let late = world.subscribe("/users").await;
    assert_eq!(late.body["error"]["message"], "Subscription validation request timed out.");
    *world.webhook.handshake.lock().unwrap() = (Duration::from_secs(9), 200);
    let made = world.subscribe("/users").await;
    assert_eq!(made.status, 201);
    // It is asked again whenever the subscription changes.
    *world.webhook.handshake.lock().unwrap() = (Duration::ZERO, 502);
    let path = format!("/subscriptions/{}", made.body["id"].as_str().unwrap());
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(12);
    let renewed = world.patch(&path, json!({"expirationDateTime": expires.to_string()})).await;
    assert!(renewed.body["error"]["message"].as_str().unwrap().contains("'BadGateway'"), "{}", renewed.body);
}

#[tokio::test(start_paused = true)]
async fn on_demand_validations_are_never_sent_and_duplicates_are_accepted() {
    let world = World::new().await;
    world.control("faults", json!({"subscriptions": {"unsent_validations": 1, "duplicates": true}})).await;
    let unsent = world.subscribe("/users").await;
    assert_eq!(unsent.body["error"]["message"], "Subscription validation request timed out.");
    for _ in 0..2 {
        assert_eq!(world.subscribe("/users").await.status, 201);
    }
}
