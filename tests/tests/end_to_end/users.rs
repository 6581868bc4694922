//! Facts about users: what changes in Entra ID changes in Identity Center, in place.

use crate::team::{Team, address_of, members, names};
use serde_json::json;
use tests::world::World;

#[tokio::test]
async fn a_user_is_renamed_in_place() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let id = team.held().await?.user_id(&address_of("Ada")).map(str::to_owned);
    let married = json!({"userPrincipalName": "ada.king@contoso.example", "mail": "ada.king@contoso.example",
                         "surname": "King", "displayName": "Ada King"});
    team.entra().update(&team.user_path("Ada"), married).await?;
    team.agree().await?;
    let held = team.held().await?;
    assert_eq!(held.user_id("ada.king@contoso.example"), id.as_deref(), "the user has another id: {held:?}");
    assert_eq!(held.counts(), (5, 1, 5), "{held:?}");
    Ok(())
}

#[tokio::test]
async fn an_attribute_that_is_removed_in_entra_id_is_removed() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let ada = address_of("Ada");
    assert_eq!(team.held().await?.user(&ada).unwrap()["Title"], "Engineer");
    team.entra().update(&team.user_path("Ada"), json!({"jobTitle": null})).await?;
    team.holds("Ada without a title", |held| held.user(&ada).is_some_and(|user| user["Title"].is_null()))
        .await?;
    Ok(())
}

#[tokio::test]
async fn who_is_disabled_loses_access_and_gets_it_back_when_enabled_with_the_same_id() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let barbara = address_of("Barbara");
    let id = team.held().await?.user_id(&barbara).map(str::to_owned);
    team.entra().update(&team.user_path("Barbara"), json!({"accountEnabled": false})).await?;
    let rest = names(["Ada", "Alan", "Donald", "Edsger"]);
    let held =
        team.holds("everybody but Barbara", |held| held.members("Engineers").as_ref() == Some(&rest)).await?;
    assert_eq!(held.user_id(&barbara), id.as_deref(), "the object stays for its grace period");

    team.entra().update(&team.user_path("Barbara"), json!({"accountEnabled": true})).await?;
    let all = members();
    let held = team.holds("Barbara again", |held| held.members("Engineers").as_ref() == Some(&all)).await?;
    assert_eq!(held.user_id(&barbara), id.as_deref(), "Barbara came back as somebody else: {held:?}");
    Ok(())
}

#[tokio::test]
async fn who_is_deleted_loses_access_and_keeps_the_object_for_good_or_not() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    team.entra().delete(&team.user_path("Edsger")).await?;
    let rest = names(["Ada", "Alan", "Barbara", "Donald"]);
    team.holds("everybody but Edsger", |held| held.members("Engineers").as_ref() == Some(&rest)).await?;

    team.entra().delete(&team.user_path("Donald")).await?;
    team.entra().delete(&format!("/directory/deletedItems/{}", team.id("Donald"))).await?;
    let rest = names(["Ada", "Alan", "Barbara"]);
    let held =
        team.holds("neither of both", |held| held.members("Engineers").as_ref() == Some(&rest)).await?;
    assert_eq!(held.counts(), (5, 1, 3), "no object is deleted before its grace period is over: {held:?}");
    team.rest().await?;
    assert_eq!(team.mirror.logs().metric("FailedHandlings"), 0.0, "{}", team.mirror.logs().tail(20));
    Ok(())
}

#[tokio::test]
async fn a_guest_is_mirrored_under_the_user_principal_name() -> anyhow::Result<()> {
    let Some(world) = World::start().await? else { return Ok(()) };
    let more = json!({"userPrincipalName": "tim_partner.example#EXT#@contoso.example", "mail": "tim@partner.example",
                      "userType": "Guest"});
    let guest = world.entra().create_user("Tim", "Lee", more).await?;
    world.assign(&guest).await?;
    world.agree().await?;
    let held = world.held().await?;
    let guest = held.user("tim_partner.example#EXT#@contoso.example").unwrap();
    assert_eq!(guest["Emails"][0]["Value"], "tim@partner.example", "{guest}");
    Ok(())
}

#[tokio::test]
async fn someone_aws_would_refuse_is_skipped_with_a_reason_and_stops_nobody_else() -> anyhow::Result<()> {
    let more = json!({"users": [{"userPrincipalName": "zero.width@contoso.example",
                                 "displayName": "Zero\u{200b}Width"}]});
    let Some(team) = Team::seeded(Default::default(), more).await? else { return Ok(()) };
    let refused = team.id("zero.width@contoso.example").to_owned();
    team.entra().add_member(team.id("Engineers"), &refused).await?;
    team.minute_run_at_rest().await?;
    team.agree_but_for(&[&refused]).await?;
    team.logged(&team.mirror, &[&refused, "holds a character that AWS refuses"]).await?;
    assert!(team.mirror.logs().metric("Skipped") >= 1.0, "nothing was counted as skipped");
    assert!(team.held().await?.user("zero.width@contoso.example").is_none());
    Ok(())
}

#[tokio::test]
async fn an_attribute_that_is_not_mirrored_costs_no_call_of_identity_center() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    team.driver.forget_calls().await?;
    let triggers = team.mirror.logs().metric("Triggers");
    team.entra().update(&team.user_path("Ada"), json!({"officeLocation": "2/1"})).await?;
    team.rest().await?;
    assert!(team.mirror.logs().metric("Triggers") > triggers, "the change was not handled at all");
    let calls = team.driver.calls().await?;
    assert!(calls["aws"]["identitystore"].is_null(), "an unchanged user costs calls: {calls}");
    Ok(())
}
