//! Facts about `entra-mirror apply` and `adopt`: an operator decides, the mirror does it.

use crate::plan::{folder, printed, text};
use crate::team::{Team, address_of};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::world::Choices;

/// The team in Entra ID, where no notification is delivered and no minute run has been.
async fn waiting(more: Value) -> anyhow::Result<Option<Team>> {
    Team::seeded(Choices::default(), more).await
}

#[tokio::test]
async fn a_plan_is_applied_as_it_was_reviewed_and_not_beyond() -> anyhow::Result<()> {
    let Some(team) = waiting(json!({})).await? else { return Ok(()) };
    let file = folder("apply")?.join("plan.json");
    let output = team.operator(&["plan", "--out", text(&file)?]).await?;
    ensure!(output.status.code() == Some(2), "{}", printed(&output));

    // Meanwhile somebody joins: the plan does not show that. Nobody is told, so that nothing moves before it is looked at.
    team.faults(json!({"delivery": {"drop": 100}})).await?;
    let grace = team.entra().create_user("Grace", "Hopper", json!({})).await?;
    team.entra().add_member(team.id("Engineers"), &grace).await?;
    let output = team.operator(&["apply", text(&file)?, "--wait", "0"]).await?;
    let said = printed(&output);
    for line in [
        "NOT YET: group Engineers: + group",
        "NOT YET: user ada.lovelace@contoso.example: + membership: Engineers",
        "not done by this plan, which does not show it: grace.hopper@contoso.example",
        "0 done, 11 not done.\n6 of them are still on the agenda: the mirror goes on by itself.",
    ] {
        assert!(said.contains(line), "{line:?} is missing in\n{said}");
    }
    assert_eq!(team.held().await?.counts(), (0, 0, 0), "the command writes nothing to Identity Center");

    moves_work(&team).await?;
    team.rest().await?;
    let output = team.operator(&["apply", text(&file)?]).await?;
    let said = printed(&output);
    assert!(said.contains("no longer called for: ada.lovelace@contoso.example: + user"), "{said}");
    assert!(output.status.success() && said.ends_with("0 done, 0 not done.\n"), "{said}");
    Ok(())
}

/// The minute runs that a schedule makes, until work has come and gone.
async fn moves_work(team: &Team) -> anyhow::Result<()> {
    let all = |held: &tests::identity_store::HeldState| {
        held.members("Engineers").is_some_and(|members| members.len() >= 5)
    };
    let look = || async {
        team.minute_run().await?;
        let held = team.held().await?;
        Ok(if all(&held) {
            tests::waiting::Seen::Expected(())
        } else {
            tests::waiting::Seen::Not(format!("{held:?}"))
        })
    };
    team.eventually("the team is mirrored", look).await
}

#[tokio::test]
async fn what_another_tool_made_is_adopted_with_its_id_and_doubts_are_shown_before() -> anyhow::Result<()> {
    let ada = address_of("Ada");
    let by_another = json!({
        "users": [{"UserName": ada, "DisplayName": "Ada", "Name": {"GivenName": "Ada", "FamilyName": "L"},
                   "Emails": [{"Value": "countess@contoso.example", "Primary": true}]}],
        "groups": [{"DisplayName": "Engineers"}],
        "memberships": [{"GroupDisplayName": "Engineers", "UserName": ada}],
    });
    let Some(team) = waiting(json!({"identity_center": by_another})).await? else { return Ok(()) };
    let before = team.held().await?;
    team.minute_run_at_rest().await?;
    let file = folder("adopt")?.join("list.json");
    let output = team.operator(&["adopt", "--out", text(&file)?]).await?;
    let said = printed(&output);
    assert!(said.contains("another e-mail address: make sure that it is the same person"), "{said}");
    assert!(said.contains("group Engineers:"), "{said}");

    let adopt = ["adopt", text(&file)?, "--wait", "60"];
    let (output, moved) = tokio::join!(team.operator(&adopt), moves_work(&team));
    moved?;
    let said = printed(&output?);
    assert!(
        said.contains("adopted: group Engineers") && said.contains(&format!("adopted: user {ada}")),
        "{said}"
    );
    team.agree().await?;
    let after = team.held().await?;
    assert_eq!(after.user_id(&ada), before.user_id(&ada), "Ada became somebody else");
    assert_eq!(after.group_id("Engineers"), before.group_id("Engineers"), "Engineers became another group");

    let output = team.operator(&["adopt", text(&file)?]).await?;
    assert!(printed(&output).contains("the list is out of date about it"), "{}", printed(&output));
    assert!(!output.status.success());
    Ok(())
}

#[tokio::test]
async fn a_list_is_no_plan_and_a_plan_of_another_tenant_is_none_of_ours() -> anyhow::Result<()> {
    let Some(team) = waiting(json!({})).await? else { return Ok(()) };
    let folder = folder("documents")?;
    let (list, plan) = (folder.join("list.json"), folder.join("plan.json"));
    team.operator(&["adopt", "--out", text(&list)?]).await?;
    let output = team.operator(&["apply", text(&list)?]).await?;
    assert!(printed(&output).contains("holds no plan of this version"), "{}", printed(&output));
    team.operator(&["plan", "--out", text(&plan)?]).await?;
    let mut document: Value = serde_json::from_slice(&std::fs::read(&plan)?)?;
    document["tenant"] = json!("00000000-0000-4000-8000-000000000001");
    std::fs::write(&plan, serde_json::to_vec(&document).context("the plan is no JSON")?)?;
    let output = team.operator(&["apply", text(&plan)?]).await?;
    assert!(
        printed(&output).contains("is of tenant 00000000-0000-4000-8000-000000000001"),
        "{}",
        printed(&output)
    );
    Ok(())
}
