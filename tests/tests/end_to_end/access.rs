//! Facts about account assignments: rules in Parameter Store, accounts and permission sets in the sandbox.

use crate::plan::{folder, printed, text};
use crate::team::{Team, members};
use anyhow::ensure;
use entra_mirror::playground::access;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::waiting::Seen;
use tests::world::Choices;
use tokio::task::LocalSet;

const PROD: &str = "222222222222";
const STAGING: &str = "333333333333";
const LAB: &str = "444444444444";

/// A rule that gives Engineers AdministratorAccess in these accounts.
fn rules(accounts: &[&str]) -> String {
    format!(
        "[[grant]]\ngroup = \"Engineers\"\npermission_set = \"AdministratorAccess\"\naccounts = {}\n",
        json!(accounts)
    )
}

/// The team with three accounts and a rule for two of them, which AWS takes a second each for.
async fn team(accounts: &[&str]) -> anyhow::Result<Option<Team>> {
    let choices = Choices { rules: Some(rules(accounts)), ..Choices::default() };
    let seed = json!({
        "accounts": [
            {"id": PROD, "name": "prod"}, {"id": STAGING, "name": "staging"}, {"id": LAB, "name": "lab"},
        ],
        "permission_sets": [{"name": "AdministratorAccess"}],
    });
    let Some(team) = Team::seeded(choices, seed).await? else { return Ok(None) };
    team.faults(json!({"provisioning": {"seconds": 1}})).await?;
    team.mirror().await?;
    Ok(Some(team))
}

impl Team {
    /// The accounts in which Engineers have AdministratorAccess.
    async fn accounts(&self) -> anyhow::Result<BTreeSet<String>> {
        let state = self.sandbox.look("state").await?;
        let group = self.held().await?.group_id("Engineers").map(str::to_owned);
        let assignments = state["access"]["account_assignments"].as_array().into_iter().flatten();
        let own = assignments.filter(|held| held["PrincipalId"].as_str() == group.as_deref());
        Ok(own.filter_map(|held| held["AccountId"].as_str().map(str::to_owned)).collect())
    }

    /// Runs the sweep, as every minute, until Engineers have AdministratorAccess in these accounts and no others.
    async fn reach(&self, accounts: &[&str]) -> anyhow::Result<()> {
        let expected: BTreeSet<String> = accounts.iter().map(ToString::to_string).collect();
        let look = || async {
            self.minute_run().await?;
            let held = self.accounts().await?;
            Ok(if held == expected { Seen::Expected(()) } else { Seen::Not(format!("{held:?}")) })
        };
        self.eventually(&format!("Engineers in {accounts:?}"), look).await
    }

    async fn calls_of_sso_admin(&self) -> anyhow::Result<Value> {
        Ok(self.sandbox.look("calls").await?["aws"]["sso"].take())
    }
}

#[tokio::test]
async fn a_group_gets_two_accounts_by_a_rule_and_another_one_when_the_rule_changes() -> anyhow::Result<()> {
    let Some(team) = team(&[PROD, "staging"]).await? else { return Ok(()) };
    team.reach(&[PROD, STAGING]).await?;

    team.account.store_rules(&rules(&[PROD, "lab"])).await?;
    team.reach(&[PROD, LAB]).await?;
    let revoked = team.logged(&team.mirror, &["applied", "revoke_account_assignment", STAGING]).await?;
    assert!(!revoked.contains("Engineers"), "a name in the log: {revoked}");
    team.logged(&team.mirror, &["applied", "grant_account_assignment", LAB, "1:1"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_leaver_costs_no_call_of_sso_admin_and_a_group_that_leaves_loses_its_accounts() -> anyhow::Result<()>
{
    let Some(team) = team(&[PROD]).await? else { return Ok(()) };
    team.reach(&[PROD]).await?;
    team.minute_run_at_rest().await?;
    let before = team.calls_of_sso_admin().await?;
    team.entra().remove_member(team.id("Engineers"), team.id("Ada")).await?;
    let left: BTreeSet<String> = members().into_iter().filter(|name| !name.starts_with("ada.")).collect();
    team.holds("Ada has left", |held| held.members("Engineers").as_ref() == Some(&left)).await?;
    team.rest().await?;
    assert_eq!(team.calls_of_sso_admin().await?, before, "a change of members asked sso-admin");

    team.entra().delete(&format!("/groups/{}", team.id("Engineers"))).await?;
    team.reach(&[]).await?;
    team.logged(&team.mirror, &["applied", "revoke_account_assignment", PROD]).await?;
    Ok(())
}

#[tokio::test]
async fn a_failed_assignment_is_told_with_its_reason_and_made_later() -> anyhow::Result<()> {
    let choices = Choices { rules: Some(rules(&[PROD, LAB])), ..Choices::default() };
    let seed = json!({
        "accounts": [{"id": PROD, "name": "prod"}, {"id": LAB, "name": "lab"}],
        "permission_sets": [{"name": "AdministratorAccess"}],
    });
    let Some(team) = Team::seeded(choices, seed).await? else { return Ok(()) };
    let failures = json!([{"account": LAB, "times": 1, "reason": "the role is in use"}]);
    team.faults(json!({"provisioning": {"seconds": 1, "failures": failures}})).await?;
    team.mirror().await?;
    team.reach(&[PROD, LAB]).await?;
    team.logged(&team.mirror, &["grant_account_assignment", LAB, "the role is in use"]).await?;
    Ok(())
}

#[tokio::test]
async fn rules_with_an_error_fail_the_run_and_take_nothing_away() -> anyhow::Result<()> {
    let Some(team) = team(&[PROD]).await? else { return Ok(()) };
    team.reach(&[PROD]).await?;
    team.account.store_rules("[[grant]]\ngroup = \"Engineers\"\n").await?;
    let error = team.minute_run().await.unwrap_err();
    assert!(format!("{error:?}").contains("rules check"), "{error:?}");
    assert_eq!(team.accounts().await?, [PROD.to_owned()].into());
    Ok(())
}

#[tokio::test]
async fn rules_are_pushed_once_they_are_right_and_then_explain_who_has_what() -> anyhow::Result<()> {
    let Some(team) = team(&[PROD]).await? else { return Ok(()) };
    team.reach(&[PROD]).await?;
    let file = folder("rules")?.join("rules.toml");
    let push = async |rules: &str, more: &[&str]| {
        std::fs::write(&file, rules)?;
        team.operator(&[&["rules", "push", text(&file)?], more].concat()).await
    };

    let misspelt = rules(&["prod", "labb"]);
    let output = push(&misspelt, &["--yes"]).await?;
    let said = printed(&output);
    ensure!(
        output.status.code() == Some(1)
            && said.contains("there is no account `labb`")
            && said.contains("did you mean `lab`"),
        "{said}"
    );
    let output = team.operator(&["rules", "check", text(&file)?]).await?;
    ensure!(output.status.success(), "the text alone has no fault: {}", printed(&output));
    let output = team.operator(&["rules", "check", text(&file)?, "--connected"]).await?;
    ensure!(output.status.code() == Some(1) && printed(&output).contains("labb"), "{}", printed(&output));

    let right = rules(&[STAGING, "lab"]);
    let output = push(&right, &[]).await?;
    let said = printed(&output);
    ensure!(output.status.code() == Some(1) && said.contains("add --yes"), "nobody can be asked: {said}");
    for line in [
        "- AdministratorAccess in account prod (222222222222)   # no rule calls for it",
        "+ AdministratorAccess in account lab (444444444444)   # rule at 1:1",
        "Plan: 1 to revoke, 0 to update, 2 to grant;",
    ] {
        ensure!(said.contains(line), "{line:?} is missing in\n{said}");
    }
    team.reach(&[PROD]).await?;

    let output = push(&right, &["--yes"]).await?;
    ensure!(output.status.success() && printed(&output).contains("stored in"), "{}", printed(&output));
    team.reach(&[STAGING, LAB]).await?;
    let output = push(&right, &["--yes"]).await?;
    ensure!(printed(&output).contains("holds these rules already"), "{}", printed(&output));

    let output = team.operator(&["explain", "lab"]).await?;
    let said = printed(&output);
    ensure!(said.contains("ada.lovelace@contoso.example") && said.contains("AdministratorAccess"), "{said}");
    let output = team.operator(&["explain", "ada.lovelace@contoso.example"]).await?;
    let said = printed(&output);
    ensure!(said.contains("444444444444") && said.contains("rule at 1:1"), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_playground_plays_a_rule_a_change_of_it_a_failure_and_an_explanation() -> anyhow::Result<()> {
    let act = LocalSet::new().run_until(access::act()).await?;
    assert!(act.steps.len() == 3 && act.steps.iter().all(|step| step.converged), "{act:#?}");
    assert!(act.explanation.contains("in force"), "{}", act.explanation);
    Ok(())
}
