//! Facts about the changes queue: what cannot be handled stops nobody else.

use crate::team::{Team, address_of, members};
use serde_json::json;
use tests::event_source::Wait;
use tests::waiting::Seen;
use tests::world::Choices;

#[tokio::test]
async fn a_message_that_is_no_trigger_is_counted_and_acknowledged_while_others_are_handled()
-> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    team.account.send_change("{\"look\":\"somewhere\"}", team.id("Ada"), "stray").await?;
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    team.agree().await?;
    team.rest().await?;
    assert_eq!(team.mirror.logs().metric("UndecodableMessages"), 1.0, "{}", team.mirror.logs().tail(20));
    assert_eq!(team.account.depth(&team.account.changes_dead).await?, (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_mirror_that_is_killed_in_the_middle_of_a_batch_leaves_no_duplicates() -> anyhow::Result<()> {
    let Some(team) = Team::seeded(Choices::default(), json!({})).await? else { return Ok(()) };
    // One creation takes effect and is never answered, while others are under way.
    let hang = json!({"service": "identitystore", "operation": "CreateUser", "status": 500, "after_effect": true,
                      "hang": true});
    team.faults(json!({"rules": [hang]})).await?;
    team.minute_run().await?;
    let look = || async {
        let (begun, held) = (team.calls_of("CreateUser").await?, team.held().await?.counts().0);
        let seen = format!("{begun} creations begun, {held} users there");
        Ok(if begun > 0 && held > 0 { Seen::Expected(()) } else { Seen::Not(seen) })
    };
    team.eventually("a creation is under way", look).await?;
    team.mirror.kill();
    team.agree().await?;
    team.rest().await?;
    assert_eq!(team.mirror.starts(), 2, "the mirror was not killed in the middle of anything");
    let held = team.held().await?;
    assert_eq!(held.members("Engineers"), Some(members()), "{held:?}");
    assert_eq!(held.counts(), (5, 1, 5), "something was created twice: {held:?}");
    assert!(
        team.mirror.logs().with(&["waits for adoption"]).is_empty(),
        "what we made was taken for foreign"
    );
    Ok(())
}

#[tokio::test]
async fn a_trigger_that_fails_five_times_goes_to_the_dead_letter_queue_and_others_are_served()
-> anyhow::Result<()> {
    let choices = Choices { wait: Wait::Skipped, ..Choices::default() };
    let Some(team) = Team::seeded(choices, json!({})).await? else { return Ok(()) };
    team.mirror().await?;
    let poison = json!({"service": "graph", "operation": "GET /groups/delta", "status": 403, "times": 1000});
    team.faults(json!({"rules": [poison]})).await?;
    let group = team.id("Engineers");
    team.entra().update(&format!("/groups/{group}"), json!({"displayName": "Poison"})).await?;
    team.entra().update(&team.user_path("Ada"), json!({"displayName": "Ada King"})).await?;
    let ada = address_of("Ada");
    team.holds("Ada King", |held| held.user(&ada).is_some_and(|user| user["DisplayName"] == "Ada King"))
        .await?;

    let dead = team.account.changes_dead.as_str();
    let look = || async {
        let letters = team.account.receive(dead).await?;
        Ok(letters.into_iter().next().map_or_else(|| Seen::Not("no dead letter".to_owned()), Seen::Expected))
    };
    let letter = team.eventually("the group's trigger is in the dead letter queue", look).await?;
    assert!(letter.body().contains(group), "the letter does not name the group: {letter:?}");
    assert_eq!(team.mirror.logs().metric("FailedHandlings"), 5.0, "{}", team.mirror.logs().tail(20));
    team.rest().await?;

    // The record is dirty, so that the next look at the group makes up for it.
    team.faults(json!({"clear": true})).await?;
    team.entra().update(&format!("/groups/{group}"), json!({"displayName": "Cured"})).await?;
    team.agree().await
}
