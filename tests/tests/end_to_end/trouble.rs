//! Facts about services that are slow, busy, or refuse: nothing is lost, nothing is done twice.

use crate::team::{Team, address_of, members};
use entra_mirror::playground::driver::Driver;
use serde_json::{Value, json};
use tests::waiting::Seen;
use tests::world::Choices;

#[tokio::test]
async fn a_creation_that_times_out_after_it_took_effect_is_not_repeated() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let hang = json!({"service": "identitystore", "operation": "CreateUser", "status": 500, "after_effect": true,
                      "hang": true});
    team.faults(json!({"rules": [hang]})).await?;
    let grace = team.entra().create_user("Grace", "Hopper", json!({})).await?;
    team.entra().add_member(team.id("Engineers"), &grace).await?;
    team.agree().await?;
    let held = team.held().await?;
    assert_eq!(held.counts(), (6, 1, 6), "{held:?}");
    // Ours it is: what changes in Entra ID reaches it.
    let id = held.user_id("grace.hopper@contoso.example").map(str::to_owned);
    team.entra().update(&format!("/users/{grace}"), json!({"displayName": "Admiral Hopper"})).await?;
    team.agree().await?;
    assert_eq!(team.held().await?.user_id("grace.hopper@contoso.example"), id.as_deref());
    Ok(())
}

#[tokio::test]
async fn under_the_quotas_of_both_clouds_everything_arrives_and_nothing_fails() -> anyhow::Result<()> {
    const USERS: u64 = 40;
    let choices = Choices { quotas: true, ..Choices::default() };
    let Some(world) = tests::world::World::with(choices).await? else { return Ok(()) };
    let size = json!({"users": USERS, "groups": 1, "members_per_group": USERS, "assigned_groups": 1});
    world.sandbox.control("seed", json!({"size": size})).await?;
    // Somebody else uses up the quota of a second or two: how busy this machine is must not matter.
    let used_up = |operation: &str| json!({"service": "identitystore", "operation": operation, "status": 429, "retry_after": 1, "times": 30});
    world.faults(json!({"rules": [used_up("CreateUser"), used_up("CreateGroupMembership")]})).await?;
    let look = || async {
        // Who steps back is taken up by the minute run.
        world.minute_run().await?;
        let counts = world.held().await?.counts();
        let all = (USERS as usize, 1, USERS as usize);
        Ok(if counts == all { Seen::Expected(()) } else { Seen::Not(format!("{counts:?}")) })
    };
    world.eventually("forty members", look).await?;
    world.agree().await?;
    let logs = world.mirror.logs();
    assert!(
        logs.metric("Throttled") > 0.0,
        "nothing stepped back, so that nothing is proved: {}",
        logs.tail(20)
    );
    assert_eq!(logs.metric("FailedHandlings"), 0.0, "being throttled counts as a failure: {}", logs.tail(20));
    assert_eq!(world.account.depth(&world.account.changes_dead).await?, (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_busy_graph_is_asked_again_inside_and_outside_of_a_batch() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    for operation in ["GET /users/{id}", "GET /users/{id}/memberOf", "POST /$batch"] {
        let busy = json!({"service": "graph", "operation": operation, "status": 429, "retry_after": 1});
        team.faults(json!({"rules": [busy]})).await?;
        team.entra()
            .update(
                &team.user_path("Ada"),
                json!({"displayName": format!("Ada {operation}").replace('$', "")}),
            )
            .await?;
        team.agree().await?;
    }
    team.rest().await?;
    assert_eq!(team.mirror.logs().metric("FailedHandlings"), 0.0, "{}", team.mirror.logs().tail(20));

    let polled = "GET /servicePrincipals/{id}/appRoleAssignedTo";
    let busy = json!({"service": "graph", "operation": polled, "status": 429, "retry_after": 1});
    team.faults(json!({"rules": [busy]})).await?;
    let report = team.minute_run().await?;
    assert_eq!(report["assigned"], 1, "{report}");
    Ok(())
}

#[tokio::test]
async fn a_graph_that_is_busy_for_long_makes_the_principal_step_back_to_the_agenda() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let busy = json!({"service": "graph", "operation": "GET /users/{id}", "status": 429, "retry_after": 6});
    team.faults(json!({"rules": [busy]})).await?;
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    let ada = address_of("Ada");
    let look = || async {
        team.minute_run().await?;
        let name = team.held().await?.user(&ada).map(|user| user["DisplayName"].clone());
        Ok(if name == Some(json!("Ada King")) { Seen::Expected(()) } else { Seen::Not(format!("{name:?}")) })
    };
    team.eventually("Ada King", look).await?;
    assert_eq!(team.mirror.logs().metric("Throttled"), 1.0, "{}", team.mirror.logs().tail(20));
    assert_eq!(team.mirror.logs().metric("FailedHandlings"), 0.0);
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_no_longer_good_is_replaced() -> anyhow::Result<()> {
    let Some(mut team) = Team::mirrored().await? else { return Ok(()) };
    team.faults(json!({"revoke_tokens": true})).await?;
    team.world.driver = Driver::sign_in(&team.sandbox.addresses).await?;
    let before = logins(&team.driver.calls().await?);
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    team.agree().await?;
    team.rest().await?;
    assert_eq!(logins(&team.driver.calls().await?), before + 1, "the mirror signs in once");
    assert_eq!(team.mirror.logs().metric("FailedHandlings"), 0.0, "{}", team.mirror.logs().tail(20));
    Ok(())
}

#[tokio::test]
async fn a_group_whose_delta_link_expired_is_read_in_full() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    team.faults(json!({"delivery": {"hold": true}})).await?;
    let grace = team.entra().create_user("Grace", "Hopper", json!({})).await?;
    team.entra().add_member(team.id("Engineers"), &grace).await?;
    team.entra().remove_member(team.id("Engineers"), team.id("Alan")).await?;
    team.faults(json!({"expire_delta_links": true, "delivery": {}})).await?;
    team.agree().await?;
    team.rest().await?;
    assert_eq!(team.mirror.logs().metric("FailedHandlings"), 0.0, "{}", team.mirror.logs().tail(20));
    Ok(())
}

#[tokio::test]
async fn when_graph_denies_the_log_names_the_permission_and_the_message_comes_again() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let denied = json!({"service": "graph", "operation": "GET /users/{id}", "status": 403});
    team.faults(json!({"rules": [denied]})).await?;
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    let line = team.logged(&team.mirror, &["the message comes again", "User.Read.All"]).await?;
    assert!(line.contains("with admin consent"), "the line says not what to do: {line}");
    team.agree().await
}

#[tokio::test]
async fn reads_that_lag_behind_their_notification_change_nothing_and_are_looked_at_again()
-> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let group = team.id("Engineers");
    team.faults(json!({"stale_reads_seconds": 600})).await?;
    team.entra().remove_member(group, team.id("Ada")).await?;
    team.rest().await?;
    let held = team.held().await?;
    assert_eq!(held.members("Engineers"), Some(members()), "Graph does not show yet that Ada left: {held:?}");
    let items = team.account.ledger_items().await?;
    let who_may_have_left = |item: &&Value| {
        let text = |name: &str| item[name]["S"].as_str().unwrap_or_default();
        text("pk") == "agenda#live-revocation" && text("sk").contains(team.id("Ada"))
    };
    assert_eq!(items.iter().filter(who_may_have_left).count(), 3, "after 1, 5 and 15 minutes: {items:?}");
    assert_eq!(team.mirror.logs().metric("FailedHandlings"), 0.0, "{}", team.mirror.logs().tail(20));
    Ok(())
}

fn logins(calls: &Value) -> u64 {
    calls["login"]["round_trips"].as_u64().unwrap_or(0)
}
