//! Facts about what Graph, and whoever pretends to be Graph, sends to the webhook.

use crate::team::Team;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::account::CLIENT_STATE;
use tests::waiting::Seen;
use tests::world::World;

#[tokio::test]
async fn graph_takes_both_addresses_after_their_handshake() -> anyhow::Result<()> {
    let Some(world) = World::start().await? else { return Ok(()) };
    let subscriptions = world.entra().list("/subscriptions").await?;
    let resources: BTreeSet<&str> =
        subscriptions.iter().filter_map(|subscription| subscription["resource"].as_str()).collect();
    assert_eq!(resources, BTreeSet::from(["/groups", "/users"]), "{subscriptions:?}");
    for subscription in &subscriptions {
        assert_eq!(subscription["notificationUrl"], format!("{}/notify", world.url.address));
        assert_eq!(subscription["lifecycleNotificationUrl"], format!("{}/lifecycle", world.url.address));
    }
    Ok(())
}

#[tokio::test]
async fn a_lifecycle_notification_lands_on_the_lifecycle_queue() -> anyhow::Result<()> {
    let Some(world) = World::start().await? else { return Ok(()) };
    world.faults(json!({"lifecycle": "reauthorizationRequired"})).await?;
    let subscribed = world.entra().list("/subscriptions").await?;
    let expected: BTreeSet<String> =
        subscribed.iter().filter_map(|subscription| subscription["id"].as_str().map(str::to_owned)).collect();
    let mut told = BTreeSet::new();
    for _ in 0..20 {
        for message in world.account.receive(&world.account.lifecycle).await? {
            let event: Value = serde_json::from_str(message.body())?;
            assert_eq!(event["lifecycleEvent"], "reauthorizationRequired", "{event}");
            told.insert(event["subscriptionId"].as_str().unwrap().to_owned());
        }
        if told == expected {
            break;
        }
    }
    assert_eq!(told, expected, "{}", world.webhook.logs().tail(20));
    assert_eq!(world.mirror.logs().metric("Triggers"), 0.0, "a lifecycle event went to the changes queue");
    Ok(())
}

#[tokio::test]
async fn a_forged_notification_queues_nothing_and_a_good_one_beside_it_counts() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let handled = team.mirror.logs().metric("Triggers");
    let forged = notification(&team, "Ada", "guessed");
    assert_eq!(post(&team, &json!({"value": [forged]})).await?, 403);

    let good = notification(&team, "Alan", CLIENT_STATE);
    assert_eq!(post(&team, &json!({"value": [forged, good]})).await?, 202);
    let look = || async {
        let more = team.mirror.logs().metric("Triggers") - handled;
        Ok(if more > 0.0 { Seen::Expected(more) } else { Seen::Not("no trigger".to_owned()) })
    };
    let more = team.eventually("the good notification is handled", look).await?;
    team.rest().await?;
    assert_eq!(
        (more, team.mirror.logs().metric("Triggers") - handled),
        (1.0, 1.0),
        "a forged one was queued"
    );
    assert_eq!(team.webhook.logs().metric("NotificationsRejected"), 2.0);
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_no_collection_is_refused() -> anyhow::Result<()> {
    let Some(world) = World::start().await? else { return Ok(()) };
    assert_eq!(post(&world, &json!({"value": "notifications"})).await?, 400);
    assert_eq!(post(&world, &json!([])).await?, 400);
    let answer = reqwest::get(format!("{}/notify", world.url.address)).await?;
    assert_eq!(answer.status(), 405, "a browser may not read anything here");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_queued_is_answered_with_5xx_so_that_graph_sends_it_again() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let lifecycle = json!({"subscriptionId": team.id("Ada"), "tenantId": team.sandbox.address("tenant_id"),
                           "clientState": CLIENT_STATE, "lifecycleEvent": "missed"});
    team.account.delete_queue(&team.account.lifecycle).await?;
    assert_eq!(post(&team, &json!({"value": [lifecycle]})).await?, 503);
    let line = team.logged(&team.webhook, &["notifications were not queued", "LIFECYCLE_QUEUE_URL"]).await?;
    assert!(line.contains("correct the variable"), "the line says not what to do: {line}");

    let change = notification(&team, "Ada", CLIENT_STATE);
    assert_eq!(post(&team, &json!({"value": [change]})).await?, 202, "the other queue is there");
    team.rest().await?;
    team.account.delete_queue(&team.account.changes).await?;
    assert_eq!(post(&team, &json!({"value": [change]})).await?, 503);
    Ok(())
}

#[tokio::test]
async fn notifications_that_come_twice_and_in_the_wrong_order_do_no_harm() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    team.faults(json!({"delivery": {"duplicate": true, "reorder": true, "hold": true}})).await?;
    team.entra().remove_member(team.id("Engineers"), team.id("Ada")).await?;
    team.entra().add_member(team.id("Engineers"), team.id("Ada")).await?;
    team.entra().remove_member(team.id("Engineers"), team.id("Alan")).await?;
    team.entra().update(&team.user_path("Barbara"), json!({"displayName": "Barbara L."})).await?;
    team.faults(json!({"delivery": {"duplicate": true, "reorder": true}})).await?;
    team.agree().await?;
    team.rest().await?;
    team.agree().await
}

/// A notification about a member, as Graph would send it.
fn notification(team: &Team, name: &str, client_state: &str) -> Value {
    let id = team.id(name);
    json!({"changeType": "updated", "clientState": client_state, "resource": format!("Users/{id}"),
           "resourceData": {"@odata.type": "#Microsoft.Graph.User", "@odata.id": format!("Users/{id}"), "id": id},
           "subscriptionExpirationDateTime": "2026-12-20T11:00:00Z",
           "subscriptionId": "d850b120-5c2d-49cc-bb2f-8cb0060fef8e",
           "tenantId": team.sandbox.address("tenant_id")})
}

async fn post(world: &World, body: &Value) -> anyhow::Result<u16> {
    let request = reqwest::Client::new().post(format!("{}/notify", world.url.address));
    let answer = request.header("content-type", "application/json").body(body.to_string()).send().await?;
    Ok(answer.status().as_u16())
}
