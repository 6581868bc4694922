//! Facts about groups and who is in them.

use crate::team::{Team, address_of, members, names};
use serde_json::json;
use tests::world::Choices;

#[tokio::test]
async fn an_assigned_group_of_five_appears_with_its_members() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let held = team.held().await?;
    assert_eq!(held.members("Engineers"), Some(members()), "{held:?}");
    assert_eq!(held.counts(), (5, 1, 5), "{held:?}");
    assert_eq!(team.mirror.logs().metric("Changes"), 11.0, "every write is counted once");
    Ok(())
}

#[tokio::test]
async fn who_joins_appears_and_who_leaves_loses_the_membership() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let grace = team.entra().create_user("Grace", "Hopper", json!({})).await?;
    team.entra().add_member(team.id("Engineers"), &grace).await?;
    team.holds("Grace among them", |held| {
        held.members("Engineers").is_some_and(|names| names.contains("grace.hopper@contoso.example"))
    })
    .await?;

    team.entra().remove_member(team.id("Engineers"), team.id("Alan")).await?;
    let rest: Vec<&str> = vec!["Ada", "Barbara", "Donald", "Edsger", "grace.hopper@contoso.example"];
    let rest = names(rest);
    let held = team.holds("all but Alan", |held| held.members("Engineers").as_ref() == Some(&rest)).await?;
    assert!(held.user(&address_of("Alan")).is_some(), "Alan's object stays for its grace period");
    team.agree().await
}

#[tokio::test]
async fn a_group_is_renamed_in_place() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let id = team.held().await?.group_id("Engineers").map(str::to_owned);
    let path = format!("/groups/{}", team.id("Engineers"));
    team.entra().update(&path, json!({"displayName": "Platform Engineers"})).await?;
    team.agree().await?;
    let held = team.held().await?;
    assert_eq!(held.group_id("Platform Engineers"), id.as_deref(), "the group has another id: {held:?}");
    assert_eq!(held.members("Platform Engineers"), Some(members()));
    assert_eq!(held.counts(), (5, 1, 5), "{held:?}");
    Ok(())
}

#[tokio::test]
async fn a_nested_group_does_not_count_as_it_does_not_for_entra_ids_own_sign_in() -> anyhow::Result<()> {
    let Some(team) = nested("off").await? else { return Ok(()) };
    team.mirror().await?;
    let held = team.held().await?;
    assert_eq!(held.members("Engineers"), Some(members()), "{held:?}");
    assert!(held.user("grace.hopper@contoso.example").is_none(), "{held:?}");
    Ok(())
}

#[tokio::test]
async fn a_nested_group_counts_when_nested_groups_are_flattened() -> anyhow::Result<()> {
    let Some(team) = nested("flatten").await? else { return Ok(()) };
    team.minute_run_at_rest().await?;
    let mut all = members();
    all.insert("grace.hopper@contoso.example".to_owned());
    let held =
        team.holds("Grace among them", |held| held.members("Engineers").as_ref() == Some(&all)).await?;
    assert!(held.group_id("Interns").is_none(), "a group that is not assigned has no object: {held:?}");

    let linus = team.entra().create_user("Linus", "Torvalds", json!({})).await?;
    team.entra().add_member(team.id("Interns"), &linus).await?;
    all.insert("linus.torvalds@contoso.example".to_owned());
    team.holds("Linus among them", |held| held.members("Engineers").as_ref() == Some(&all)).await?;

    team.entra().remove_member(team.id("Engineers"), team.id("Interns")).await?;
    let rest = members();
    team.holds("neither of them", |held| held.members("Engineers").as_ref() == Some(&rest)).await?;
    Ok(())
}

/// Interns, with Grace in it, is a member of Engineers.
async fn nested(choice: &str) -> anyhow::Result<Option<Team>> {
    let more = json!({
        "users": [{"userPrincipalName": "grace.hopper@contoso.example", "displayName": "Grace Hopper",
                   "givenName": "Grace", "surname": "Hopper"}],
        "groups": [{"displayName": "Interns", "members": ["grace.hopper@contoso.example"]}],
    });
    let choices = Choices { variables: vec![("NESTED_GROUPS", choice.to_owned())], ..Choices::default() };
    let Some(team) = Team::seeded(choices, more).await? else { return Ok(None) };
    team.entra().add_member(team.id("Engineers"), team.id("Interns")).await?;
    Ok(Some(team))
}
