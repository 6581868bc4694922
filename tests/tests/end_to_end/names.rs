//! Facts about names: what is not ours is never touched, and a name passes on when its holder has left.

use crate::team::{Team, address_of, members, names};
use serde_json::json;

#[tokio::test]
async fn a_second_group_of_one_name_is_skipped_and_the_first_keeps_it() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let second = team.entra().create_group("Engineers").await?;
    team.assign(&second).await?;
    team.logged(&team.mirror, &[&second, "another mirrored group already has this name"]).await?;
    team.rest().await?;
    let held = team.held().await?;
    assert_eq!(held.members("Engineers"), Some(members()), "{held:?}");
    assert_eq!(held.counts(), (5, 1, 5), "{held:?}");
    Ok(())
}

#[tokio::test]
async fn a_user_and_a_group_that_are_not_ours_wait_for_adoption() -> anyhow::Result<()> {
    let foreign = json!({
        "users": [{"UserName": address_of("Ada"), "DisplayName": "Made by hand",
                   "Name": {"GivenName": "Made", "FamilyName": "By Hand"}}],
        "groups": [{"DisplayName": "Auditors", "Description": "made by hand"}],
        "memberships": [{"UserName": address_of("Ada"), "GroupDisplayName": "Auditors"}],
    });
    let more = json!({"groups": [{"displayName": "Auditors", "members": [address_of("Alan")], "assigned": true}],
                      "identity_center": foreign});
    let Some(team) = Team::seeded(Default::default(), more).await? else { return Ok(()) };
    let before = team.held().await?;
    team.minute_run_at_rest().await?;
    let rest = names(["Alan", "Barbara", "Donald", "Edsger"]);
    team.holds("Engineers without Ada", |held| held.members("Engineers").as_ref() == Some(&rest)).await?;
    for waiting in [team.id("Ada"), team.id("Auditors")] {
        team.logged(&team.mirror, &[waiting, "it waits for adoption"]).await?;
    }
    team.rest().await?;
    let held = team.held().await?;
    assert_eq!(held.user(&address_of("Ada")), before.user(&address_of("Ada")), "a foreign user was changed");
    assert_eq!(held.members("Auditors"), Some(names(["Ada"])), "a foreign group was changed: {held:?}");
    assert_eq!(held.counts(), (5, 2, 5), "{held:?}");
    Ok(())
}

#[tokio::test]
async fn who_is_hired_under_the_name_of_somebody_deleted_takes_it_as_somebody_new() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let edsger = address_of("Edsger");
    let first = team.held().await?.user_id(&edsger).unwrap().to_owned();
    team.entra().delete(&team.user_path("Edsger")).await?;
    let rest = names(["Ada", "Alan", "Barbara", "Donald"]);
    team.holds("Engineers without Edsger", |held| held.members("Engineers").as_ref() == Some(&rest)).await?;

    let again = team.entra().create_user("Edsger", "Dijkstra", json!({})).await?;
    team.entra().add_member(team.id("Engineers"), &again).await?;
    let all = members();
    let held = team.holds("a new Edsger", |held| held.members("Engineers").as_ref() == Some(&all)).await?;
    assert_ne!(held.user_id(&edsger), Some(first.as_str()), "the new one was given the old one's identity");
    let retired = held.user_of(&first).unwrap();
    assert_eq!(retired["UserName"], format!("retired-{}", team.id("Edsger")), "{retired}");
    Ok(())
}

#[tokio::test]
async fn two_users_swap_their_names_and_keep_their_ids() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let (ada, alan) = (address_of("Ada"), address_of("Alan"));
    let before = team.held().await?;
    let renamed = |name: &str| json!({"userPrincipalName": name, "mail": name});
    team.entra().update(&team.user_path("Ada"), renamed("between@contoso.example")).await?;
    team.entra().update(&team.user_path("Alan"), renamed(&ada)).await?;
    team.entra().update(&team.user_path("Ada"), renamed(&alan)).await?;
    let swapped = |held: &tests::identity_store::HeldState| {
        held.user_id(&alan) == before.user_id(&ada) && held.user_id(&ada) == before.user_id(&alan)
    };
    // What waits for a name is tried again by the minute run.
    let mut runs = 0;
    while !swapped(&team.held().await?) && runs < 20 {
        team.minute_run_at_rest().await?;
        runs += 1;
    }
    let held = team.holds("Ada and Alan with each other's names", swapped).await?;
    assert_eq!(held.members("Engineers"), Some(members()), "{held:?}");
    Ok(())
}
