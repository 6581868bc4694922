//! Facts about `entra-mirror plan`, `explain` and `snapshot`, which read both sides and write nothing.

use crate::team::Team;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

/// A folder for one fact's files.
pub fn folder(name: &str) -> anyhow::Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

pub fn text(path: &std::path::Path) -> anyhow::Result<&str> {
    path.to_str().context("the folder's name is no UTF-8")
}

pub fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The plan as JSON, and how the command ended.
async fn plan(team: &Team, more: &[&str]) -> anyhow::Result<(Value, Option<i32>)> {
    let output = team.operator(&[&["plan", "--json"], more].concat()).await?;
    let plan = serde_json::from_slice(&output.stdout).with_context(|| printed(&output))?;
    Ok((plan, output.status.code()))
}

#[tokio::test]
async fn a_plan_shows_what_comes_with_its_reason_and_nothing_once_it_has_come() -> anyhow::Result<()> {
    let Some(team) = Team::seeded(Default::default(), json!({})).await? else { return Ok(()) };
    let (before, code) = plan(&team, &[]).await?;
    assert_eq!(code, Some(2), "something would change: {before}");
    assert_eq!(
        (&before["summary"]["grant"], &before["summary"]["update"]),
        (&json!(5), &json!(6)),
        "{before}"
    );
    let ada = json!({"name": "ada.lovelace@contoso.example", "id": team.id("Ada")});
    let principals = before["principals"].as_array().context("a plan has principals")?;
    let of_ada = principals.iter().find(|plan| plan["principal"] == ada).context("Ada is not planned")?;
    assert_eq!(of_ada["changes"][0]["why"], "member of Engineers");
    assert_eq!(of_ada["changes"][1]["text"], "+ membership: Engineers");
    let output = team.operator(&["plan", "--only", "user:ada.lovelace@contoso.example"]).await?;
    assert!(
        printed(&output).contains("  + membership: Engineers   # member in Entra ID"),
        "{}",
        printed(&output)
    );
    assert!(printed(&output).contains("Plan: 0 to revoke, 1 to update, 1 to grant;"), "{}", printed(&output));
    assert_eq!(team.held().await?.counts(), (0, 0, 0), "a plan writes nothing");

    team.mirror().await?;
    let (after, code) = plan(&team, &[]).await?;
    assert_eq!((code, &after["principals"]), (Some(0), &json!([])), "nothing would change: {after}");
    Ok(())
}

#[tokio::test]
async fn the_command_reads_and_never_writes_to_identity_center_or_the_ledger() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    team.driver.forget_calls().await?;
    plan(&team, &[]).await?;
    let calls = team.driver.calls().await?;
    let store = calls["aws"]["identitystore"].as_object().context("the identity store was not asked")?;
    assert!(store.keys().all(|operation| operation.starts_with("List")), "{calls}");
    Ok(())
}

#[tokio::test]
async fn a_snapshot_answers_later_what_the_sides_answered_then() -> anyhow::Result<()> {
    let Some(team) = Team::seeded(Default::default(), json!({})).await? else { return Ok(()) };
    let folder = folder("snapshot")?;
    let (file, page) = (folder.join("sides.json"), folder.join("plan.html"));
    let output = team.operator(&["snapshot", text(&file)?]).await?;
    ensure!(output.status.success(), "{}", printed(&output));
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600, "it names people");
    let (live, _) = plan(&team, &[]).await?;
    team.mirror().await?;

    let offline = ["--snapshot", text(&file)?, "--html", text(&page)?];
    let (stored, code) = plan(&team, &offline).await?;
    assert_eq!((&stored["digest"], code), (&live["digest"], Some(2)), "{stored}");
    let html = std::fs::read_to_string(&page)?;
    let data = html.split("id=\"plan\">").nth(1).and_then(|rest| rest.split("</script>").next());
    let data: Value = serde_json::from_str(data.context("the page holds no plan")?)?;
    assert_eq!(data, stored, "the page shows the same plan");

    let output =
        team.operator(&["explain", "ada.lovelace@contoso.example", "--snapshot", text(&file)?]).await?;
    for part in ["by way of Engineers -> enterprise application", "membership NOT YET in AWS"] {
        assert!(printed(&output).contains(part), "{}", printed(&output));
    }
    let output = team.operator(&["explain", "ada.lovelace@contoso.example"]).await?;
    assert!(printed(&output).contains("group Engineers: membership in force"), "{}", printed(&output));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_answered_ends_with_advice() -> anyhow::Result<()> {
    let Some(team) = Team::mirrored().await? else { return Ok(()) };
    let file = folder("advice")?.join("half.json");
    std::fs::write(&file, "{\"format\":1,")?;
    for (arguments, advice) in [
        (&["explain", "nobody@contoso.example"][..], "set RULES_PARAMETER"),
        (&["explain", "user:nobody@contoso.example"], "assign the user to the enterprise application"),
        (&["plan", "--snapshot", text(&file)?], "take it anew with `entra-mirror snapshot FILE`"),
        (&["plan", "--snapshot", "/nowhere.json"], "name a file that `entra-mirror snapshot FILE` wrote"),
        (&["plan", "--only", "everything"], "write user:NAME, group:NAME or account:ID"),
    ] {
        let output = team.operator(arguments).await?;
        assert!(
            !output.status.success() && printed(&output).contains(advice),
            "{arguments:?}: {}",
            printed(&output)
        );
    }
    Ok(())
}
