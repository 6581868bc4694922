//! Facts about the subscriptions to change notifications: they come about, stay alive, and nothing is lost where one was not.

use crate::team::{Team, address_of};
use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::account::CLIENT_STATE;
use tests::function_url::FunctionUrl;
use tests::waiting::Seen;
use tests::world::{Choices, World};

const ROTATED: &str = "another-client-state-of-the-tests";

/// A team whose subscriptions the product has made, mirrored and swept.
async fn subscribed_team() -> anyhow::Result<Option<Team>> {
    let choices = Choices { subscribes: true, ..Choices::default() };
    let Some(team) = Team::seeded(choices, json!({})).await? else { return Ok(None) };
    let report = team.look_at_subscriptions().await?;
    assert_eq!(report["steps"], json!(["create one to /users", "create one to /groups"]), "{report}");
    team.mirror().await?;
    assert_eq!(team.go_on_sweeping().await?, "finished", "a fresh tenant is swept");
    team.agree().await?;
    Ok(Some(team))
}

/// The ids of the subscriptions, in their order.
async fn ids(world: &World) -> anyhow::Result<BTreeSet<String>> {
    let all = world.entra().list("/subscriptions").await?;
    all.iter().map(|held| Ok(held["id"].as_str().context("no id")?.to_owned())).collect()
}

async fn graph_calls(world: &World) -> anyhow::Result<Value> {
    Ok(world.driver.calls().await?["graph"]["operations"].take())
}

/// Shortens the lives of all subscriptions.
async fn shorten(world: &World) -> anyhow::Result<()> {
    let soon = (Timestamp::now() + SignedDuration::from_hours(24)).to_string();
    for id in ids(world).await? {
        world.entra().update(&format!("/subscriptions/{id}"), json!({"expirationDateTime": soon})).await?;
    }
    Ok(())
}

/// Waits until the sweep that was asked for has run.
async fn is_swept(world: &World) -> anyhow::Result<()> {
    let look = || async {
        let outcome = world.go_on_sweeping().await?;
        Ok(if outcome == "finished" { Seen::Expected(()) } else { Seen::Not(outcome) })
    };
    world.eventually("a full sweep was asked for, and is finished", look).await
}

#[tokio::test]
async fn a_fresh_tenant_gets_two_subscriptions_and_notifications_through_them() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    let held = team.entra().list("/subscriptions").await?;
    let resources: BTreeSet<&str> = held.iter().filter_map(|held| held["resource"].as_str()).collect();
    assert_eq!((held.len(), resources), (2, BTreeSet::from(["/groups", "/users"])), "{held:?}");
    for held in &held {
        assert_eq!(held["notificationUrl"], format!("{}/notify", team.url.address));
        assert_eq!(held["lifecycleNotificationUrl"], format!("{}/lifecycle", team.url.address));
        assert_eq!((&held["changeType"], &held["clientState"]), (&json!("updated,deleted"), &Value::Null));
        let expires: Timestamp = held["expirationDateTime"].as_str().unwrap().parse()?;
        let life = expires.duration_since(Timestamp::now());
        assert!(
            life > SignedDuration::from_hours(27 * 24) && life < SignedDuration::from_mins(41_760),
            "{life}"
        );
    }
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    team.entra().remove_member(team.id("Engineers"), team.id("Alan")).await?;
    team.agree().await?;
    team.rest().await?;
    assert_eq!(team.webhook.logs().metric("NotificationsRejected"), 0.0);

    // Nothing is left to do, neither here nor for the sweep.
    let report = team.look_at_subscriptions().await?;
    assert_eq!((&report["outcome"], &report["steps"]), (&json!("looked"), &json!([])), "{report}");
    assert_eq!(team.go_on_sweeping().await?, "nothing_to_do");
    assert!(team.subscriptions.logs().metric("SubscriptionMinutesLeft") > 2.0 * 40_000.0);
    for line in team.subscriptions.logs().lines() {
        assert!(!line.contains(CLIENT_STATE) && !line.contains("sandbox-secret"), "{line}");
    }
    for item in team.account.ledger_items().await? {
        assert!(!item.to_string().contains(CLIENT_STATE), "the ledger holds clientState: {item}");
    }
    Ok(())
}

#[tokio::test]
async fn a_renewal_is_one_get_and_one_patch_for_each_and_a_quiet_run_one_get() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    let before = ids(&team).await?;
    team.driver.forget_calls().await?;
    team.look_at_subscriptions().await?;
    assert_eq!(graph_calls(&team).await?, json!({"GET /subscriptions": 1}));
    shorten(&team).await?;
    team.driver.forget_calls().await?;
    let report = team.look_at_subscriptions().await?;
    assert_eq!(graph_calls(&team).await?, json!({"GET /subscriptions": 1, "PATCH /subscriptions/{id}": 2}));
    assert!(report["minutes_left"].as_i64().unwrap() > 40_000, "{report}");
    assert_eq!(ids(&team).await?, before, "renewed, not made anew");
    assert_eq!(team.go_on_sweeping().await?, "nothing_to_do", "nothing was missed");
    Ok(())
}

#[tokio::test]
async fn one_that_is_gone_is_made_anew_and_what_nobody_told_is_found() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    for id in ids(&team).await? {
        team.entra().delete(&format!("/subscriptions/{id}")).await?;
    }
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    team.entra().remove_member(team.id("Engineers"), team.id("Alan")).await?;
    let report = team.look_at_subscriptions().await?;
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(2), "{report}");
    is_swept(&team).await?;
    team.minute_run().await?;
    team.agree().await
}

#[tokio::test]
async fn one_that_is_gone_when_it_is_renewed_is_made_anew() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    shorten(&team).await?;
    let gone = json!({"service": "graph", "operation": "PATCH /subscriptions/{id}", "status": 404});
    // The sandbox still has it, and refuses a second one until duplicates are let in.
    team.faults(json!({"rules": [gone], "subscriptions": {"duplicates": true}})).await?;
    let report = team.look_at_subscriptions().await?;
    assert_eq!((&report["sweep"], report["minutes_left"].as_i64().unwrap() > 40_000), (&json!(true), true));
    // The next run removes what turned out to be there all the same.
    let report = team.look_at_subscriptions().await?;
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(1), "{report}");
    assert_eq!(ids(&team).await?.len(), 2);
    is_swept(&team).await
}

#[tokio::test]
async fn what_graph_took_away_is_made_anew_as_soon_as_it_says_so() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    let before = ids(&team).await?;
    team.faults(json!({"lifecycle": "subscriptionRemoved"})).await?;
    let look = || async {
        let now = ids(&team).await?;
        let fresh = now.len() == 2 && now.is_disjoint(&before);
        Ok(if fresh { Seen::Expected(()) } else { Seen::Not(format!("{now:?}")) })
    };
    team.eventually("both were made anew", look).await?;
    is_swept(&team).await?;
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    team.agree().await
}

#[tokio::test]
async fn a_demand_for_a_new_token_is_answered_with_a_renewal_and_never_with_both() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    team.driver.forget_calls().await?;
    team.faults(json!({"lifecycle": "reauthorizationRequired"})).await?;
    let look = || async {
        let calls = graph_calls(&team).await?;
        let renewed = calls["PATCH /subscriptions/{id}"].as_u64().unwrap_or(0);
        Ok(if renewed >= 2 { Seen::Expected(calls) } else { Seen::Not(calls.to_string()) })
    };
    let calls = team.eventually("both were renewed", look).await?;
    assert!(calls.get("POST /subscriptions/{id}/reauthorize").is_none(), "{calls}");
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    team.agree().await
}

#[tokio::test]
async fn what_graph_missed_to_tell_leads_to_a_full_sweep() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    team.faults(json!({"delivery": {"drop": 2}})).await?;
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    team.entra().update(&team.user_path("Alan"), json!({"displayName": "Alan M. Turing"})).await?;
    team.rest().await?;
    team.faults(json!({"lifecycle": "missed"})).await?;
    is_swept(&team).await?;
    team.minute_run().await?;
    let ada = address_of("Ada");
    team.holds("Ada King", |held| held.user(&ada).is_some_and(|user| user["DisplayName"] == "Ada King"))
        .await?;
    team.agree().await
}

#[tokio::test]
async fn a_rotated_client_state_loses_no_notification() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    let before = ids(&team).await?;
    // One that carries the secret before is still on its way.
    team.faults(json!({"delivery": {"hold": true}})).await?;
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    team.account.rotate_client_state(ROTATED).await?;
    let report = team.look_at_subscriptions().await?;
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(4), "each is deleted and made: {report}");
    assert!(ids(&team).await?.is_disjoint(&before));
    // Others follow that carry the new one, in the same request and alone.
    team.entra().update(&team.user_path("Alan"), json!({"displayName": "Alan M. Turing"})).await?;
    team.faults(json!({"delivery": {}})).await?;
    team.agree().await?;
    team.entra().remove_member(team.id("Engineers"), team.id("Barbara")).await?;
    team.agree().await?;
    team.rest().await?;
    assert_eq!(team.webhook.logs().metric("NotificationsRejected"), 0.0, "{}", team.webhook.logs().tail(20));
    is_swept(&team).await?;
    assert_eq!(team.look_at_subscriptions().await?["steps"], json!([]), "once is enough");
    Ok(())
}

#[tokio::test]
async fn a_validation_that_timed_out_is_tried_again() -> anyhow::Result<()> {
    let choices = Choices { subscribes: true, ..Choices::default() };
    let Some(world) = World::with(choices).await? else { return Ok(()) };
    world.faults(json!({"subscriptions": {"unsent_validations": 2}})).await?;
    let report = world.look_at_subscriptions().await?;
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(2), "{report}");
    assert_eq!(world.subscriptions.logs().with(&["tried again in a moment", "timed out"]).len(), 2);
    assert_eq!(ids(&world).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_graph_cannot_reach_is_named_with_what_to_do() -> anyhow::Result<()> {
    let choices = Choices { subscribes: true, ..Choices::default() };
    let Some(world) = World::with(choices).await? else { return Ok(()) };
    // Something else answers there; and nobody does, for longer than there is time.
    let elsewhere = ("WEBHOOK_URL", world.sandbox.address("control"));
    let nowhere = ("WEBHOOK_URL", "http://127.0.0.1:9".to_owned());
    for (variable, seconds, part) in [(elsewhere, 180, "answered with "), (nowhere, 42, "timed out")] {
        let function = world.other_subscriptions(&[variable], Duration::from_secs(seconds))?;
        let error = function.invoke(&json!({"look_at": "subscriptions"})).await.unwrap_err();
        let error = format!("{error:#}");
        for part in ["Microsoft Graph cannot reach the webhook", part, "check that WEBHOOK_URL"] {
            assert!(error.contains(part), "{part:?} is missing: {error}");
        }
        assert_eq!(function.logs().metric("SubscriptionMinutesLeft"), 0.0);
        assert_eq!(function.logs().with(&["\"Heartbeat\""]).len(), 0, "a run that failed is no sign of life");
    }
    assert_eq!(ids(&world).await?.len(), 0);
    // Once it can be reached, everything is as it should be.
    assert_eq!(world.look_at_subscriptions().await?["steps"].as_array().map(Vec::len), Some(2));
    Ok(())
}

#[tokio::test]
async fn strays_and_duplicates_of_ours_go_and_nobody_elses() -> anyhow::Result<()> {
    let Some(team) = subscribed_team().await? else { return Ok(()) };
    let ours = ids(&team).await?;
    let other = FunctionUrl::serve(team.webhook.clone()).await?;
    team.faults(json!({"subscriptions": {"duplicates": true}})).await?;
    let until = (Timestamp::now() + SignedDuration::from_hours(24)).to_string();
    let group = format!("/groups/{}/members", team.id("Engineers"));
    for (resource, address) in
        [("/users", &other.address), ("/users", &team.url.address), (group.as_str(), &team.url.address)]
    {
        team.entra().subscribe(resource, address, CLIENT_STATE, &until).await?;
    }
    let report = team.look_at_subscriptions().await?;
    assert_eq!(
        (report["steps"].as_array().map(Vec::len), &report["foreign"]),
        (Some(2), &json!(1)),
        "{report}"
    );
    let left = team.entra().list("/subscriptions").await?;
    let foreign = left.iter().filter(|held| held["notificationUrl"] == format!("{}/notify", other.address));
    assert_eq!((left.len(), foreign.count()), (3, 1), "{left:?}");
    assert!(ids(&team).await?.is_superset(&ours), "those that tell everything stay");
    assert_eq!(team.go_on_sweeping().await?, "nothing_to_do");
    Ok(())
}

#[tokio::test]
async fn two_runs_at_once_make_no_more_than_two_subscriptions() -> anyhow::Result<()> {
    let choices = Choices { subscribes: true, ..Choices::default() };
    let Some(world) = World::with(choices).await? else { return Ok(()) };
    world.faults(json!({"subscriptions": {"duplicates": true}})).await?;
    let other = world.other_subscriptions(&[], Duration::from_secs(180))?;
    let event = json!({"look_at": "subscriptions"});
    let (one, another) = tokio::join!(world.subscriptions.invoke(&event), other.invoke(&event));
    let outcomes = [one?["outcome"].take(), another?["outcome"].take()];
    assert!(outcomes.contains(&json!("looked")), "{outcomes:?}");
    assert_eq!(ids(&world).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn messages_that_say_nothing_are_acknowledged_and_those_that_were_not_answered_come_again()
-> anyhow::Result<()> {
    let choices = Choices { subscribes: true, ..Choices::default() };
    let Some(world) = World::with(choices).await? else { return Ok(()) };
    let message = |id: &str, body: &str| json!({"messageId": id, "body": body, "attributes": {}});
    let missed = r#"{"subscriptionId":"d850b120-5c2d-49cc-bb2f-8cb0060fef8e","lifecycleEvent":"missed"}"#;
    let batch = json!({"Records": [message("nonsense", "{}"), message("missed", missed)]});
    let denied = json!({"service": "graph", "operation": "GET /subscriptions", "status": 403});
    world.faults(json!({"rules": [denied]})).await?;
    let answer = world.subscriptions.invoke(&batch).await?;
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "missed"}]}));
    assert_eq!(world.subscriptions.logs().metric("UndecodableMessages"), 1.0);
    let line = world.logged(&world.subscriptions, &["were not answered", "User.Read.All"]).await?;
    assert!(line.contains("admin consent"), "{line}");
    let answer = world.subscriptions.invoke(&batch).await?;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let unknown = world.subscriptions.invoke(&json!({"look_at": "everything"})).await.unwrap_err();
    assert!(format!("{unknown:#}").contains("correct the schedule"), "{unknown:#}");
    Ok(())
}
