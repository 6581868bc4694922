//! Facts about assignments, which send no notifications: the minute run sees them.

use crate::team::{Team, members};
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_group_is_un_assigned_by_two_polls_and_gets_everybody_back_when_assigned_again()
-> anyhow::Result<()> {
    let more = json!({"groups": [{"displayName": "Auditors", "assigned": true}]});
    let Some(team) = Team::seeded(Default::default(), more).await? else { return Ok(()) };
    team.mirror().await?;
    let before = team.held().await?;

    team.entra().unassign(&team.assignment_of("Engineers").await?).await?;
    let report = team.minute_run().await?;
    assert_eq!(report["gone"], 0, "one poll is no proof: {report}");
    team.rest().await?;
    assert_eq!(team.held().await?, before, "one poll changes nothing");

    let report = team.minute_run().await?;
    assert_eq!(report["gone"], 1, "two polls are: {report}");
    let nobody = Some(BTreeSet::new());
    let held = team.holds("Engineers without members", |held| held.members("Engineers") == nobody).await?;
    assert_eq!(held.counts(), (5, 2, 0), "the objects stay for their grace period: {held:?}");
    team.rest().await?;

    team.assign(team.id("Engineers")).await?;
    let all = members();
    let held = team.holds("everybody again", |held| held.members("Engineers").as_ref() == Some(&all)).await?;
    assert_eq!(held.group_id("Engineers"), before.group_id("Engineers"));
    for member in all {
        assert_eq!(held.user_id(&member), before.user_id(&member), "{member} came back as somebody else");
    }
    Ok(())
}

#[tokio::test]
async fn when_graph_shows_no_assignment_at_all_that_is_held_and_nothing_is_revoked() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let before = team.held().await?;
    team.entra().unassign(&team.assignment_of("Engineers").await?).await?;
    for _ in 0..3 {
        team.minute_run().await?;
    }
    team.rest().await?;
    assert_eq!(team.held().await?, before);
    assert_eq!(team.sweep.logs().metric("Held"), 1.0, "the group's assignment waits for an operator, once");
    Ok(())
}

#[tokio::test]
async fn a_user_who_is_assigned_without_a_group_appears() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let grace = team.entra().create_user("Grace", "Hopper", json!({})).await?;
    team.rest().await?;
    assert!(team.held().await?.user("grace.hopper@contoso.example").is_none(), "a stranger is mirrored");
    team.assign(&grace).await?;
    team.agree().await
}
