//! Facts about `entra-mirror doctor`: what a person would check, in a line each, and nothing is written.

use crate::plan::printed;
use crate::start::lambda;
use crate::team::Team;
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Output;
use tests::world::Choices;

/// The findings of `doctor --json` by their check, and how the command ended.
struct Examined {
    lights: BTreeMap<String, (String, Value)>,
    code: Option<i32>,
    health: Value,
}

impl Examined {
    fn of(output: &Output) -> anyhow::Result<Self> {
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| printed(output))?;
        let findings = report["findings"].as_array().context("a report has findings")?;
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let lights = findings
            .iter()
            .map(|finding| (text(finding, "check"), (text(finding, "light"), finding.clone())))
            .collect();
        Ok(Self { lights, code: output.status.code(), health: report["health"].clone() })
    }

    fn light(&self, check: &str) -> &str {
        self.lights.get(check).map_or("nobody looked", |(light, _)| light)
    }

    fn fix(&self, check: &str) -> String {
        self.lights.get(check).map(|(_, finding)| finding.to_string()).unwrap_or_default()
    }

    /// The checks that are not green.
    fn others(&self) -> Vec<(&str, &str)> {
        let others = self.lights.iter().filter(|(_, (light, _))| light != "green");
        others.map(|(check, (light, _))| (check.as_str(), light.as_str())).collect()
    }
}

/// A team that is mirrored, swept, and whose certificate was looked at.
async fn healthy() -> anyhow::Result<Option<Team>> {
    let choices = Choices { certificate: true, ..Choices::default() };
    let Some(team) = Team::seeded(choices, json!({})).await? else { return Ok(None) };
    let certificates = json!([{"preferred": true, "trusted": true}]);
    team.sandbox.control("seed", json!({"certificates": certificates})).await?;
    team.mirror().await?;
    team.full_sweep().await?;
    team.rest().await?;
    team.look_at_certificate().await?;
    Ok(Some(team))
}

#[tokio::test]
async fn a_healthy_system_is_green_but_for_what_nobody_can_tell() -> anyhow::Result<()> {
    let Some(team) = healthy().await? else { return Ok(()) };
    let items = team.account.ledger_items().await?;
    team.driver.forget_calls().await?;
    let output = team.operator(&["doctor", "--json"]).await?;
    let examined = Examined::of(&output)?;
    assert_eq!(examined.others(), [("NameID", "unknown")], "{}", printed(&output));
    assert!(examined.fix("NameID").contains("Attributes & Claims"), "{}", printed(&output));
    assert_eq!((examined.code, examined.health), (Some(0), json!("healthy")));

    assert_eq!(team.account.ledger_items().await?, items, "it only reads");
    let calls = team.driver.calls().await?;
    let writes = |operations: &Value, reads: &[&str]| {
        let names = operations.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        names.filter(|name| !reads.iter().any(|read| name.starts_with(read))).collect::<Vec<_>>()
    };
    assert_eq!(writes(&calls["graph"]["operations"], &["GET"]), Vec::<String>::new());
    for service in ["identitystore", "sso", "organizations", "sts"] {
        let none = Vec::<String>::new();
        assert_eq!(writes(&calls["aws"][service], &["List", "Describe", "Get"]), none, "{service}: {calls}");
    }

    let text = printed(&team.operator(&["doctor"]).await?);
    assert!(text.contains("green    user names on both sides"), "{text}");
    assert!(text.contains("equal for 5 users"), "{text}");
    assert!(!text.contains("contoso.example"), "it names people: {text}");
    Ok(())
}

#[tokio::test]
async fn what_is_broken_is_red_or_yellow_each_with_what_to_do_and_hides_nothing_else() -> anyhow::Result<()> {
    let Some(team) = healthy().await? else { return Ok(()) };
    let subscriptions = team.entra().list("/subscriptions").await?;
    let groups = subscriptions.iter().find(|found| found["resource"] == "/groups");
    let id = groups.and_then(|found| found["id"].as_str()).context("no subscription to groups")?;
    team.entra().delete(&format!("/subscriptions/{id}")).await?;
    team.sandbox
        .control("seed", json!({"provisioning_jobs": [{"id": "aWSSSO.1", "state": "Active"}]}))
        .await?;
    team.account.send_dead_letter().await?;
    // A rename of which nothing was told yet.
    team.faults(json!({"delivery": {"hold": true}})).await?;
    let renamed = json!({"userPrincipalName": "countess@contoso.example"});
    team.entra().update(&team.user_path("Ada"), renamed).await?;
    let denied = json!({"service": "graph", "operation": "GET /groups", "status": 403, "times": 9});
    team.faults(json!({"rules": [denied]})).await?;
    let output =
        team.operator_with(&[("WEBHOOK_URL", "http://127.0.0.1:9/notify")], &["doctor", "--json"]).await?;
    let examined = Examined::of(&output)?;
    let expected = [
        ("Entra ID's own provisioning", "red", "Provisioning"),
        ("NameID", "unknown", "Attributes & Claims"),
        ("dead letters of changes", "yellow", "log"),
        ("permission Group.Read.All", "red", "admin consent"),
        ("subscription to groups", "red", "subscribe again"),
        ("user names on both sides", "yellow", "entra-mirror plan"),
        ("webhook", "red", "Graph gets no answer"),
    ];
    let lights: Vec<_> = expected.iter().map(|(check, light, _)| (*check, *light)).collect();
    assert_eq!(examined.others(), lights, "{}", printed(&output));
    for (check, _, advice) in expected {
        assert!(
            examined.fix(check).contains(advice),
            "{check} does not say {advice:?}: {}",
            examined.fix(check)
        );
    }
    assert_eq!((examined.code, examined.health), (Some(1), json!("broken")));
    Ok(())
}

#[tokio::test]
async fn who_cannot_sign_in_learns_why_and_sees_the_rest_all_the_same() -> anyhow::Result<()> {
    let Some(team) = healthy().await? else { return Ok(()) };
    team.account.put_secret(&team.account.entra_credential, r#"{"client_secret":"guessed"}"#).await?;
    let output = team.operator(&["doctor", "--json"]).await?;
    let examined = Examined::of(&output)?;
    for check in
        ["sign-in to Entra ID", "permission User.Read.All", "enterprise application", "subscriptions"]
    {
        assert_eq!(examined.light(check), "red", "{check}: {}", printed(&output));
        assert!(examined.fix(check).contains("ENTRA_CREDENTIAL_SECRET"), "{}", examined.fix(check));
    }
    for check in ["AWS credentials", "Identity Center's Region", "last full sweep", "held revocations"] {
        assert_eq!(examined.light(check), "green", "{check}: {}", printed(&output));
    }
    assert!(!printed(&output).contains("guessed"), "the secret is shown: {}", printed(&output));
    assert_eq!(examined.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_token_that_the_operator_brought_serves_in_place_of_a_sign_in() -> anyhow::Result<()> {
    let Some(team) = healthy().await? else { return Ok(()) };
    team.account.put_secret(&team.account.entra_credential, r#"{"client_secret":"guessed"}"#).await?;
    let token = team.sandbox.reader_token().await?;
    let output = team.operator_with(&[("GRAPH_ACCESS_TOKEN", &token)], &["doctor", "--json"]).await?;
    let examined = Examined::of(&output)?;
    assert_eq!(examined.others(), [("NameID", "unknown")], "{}", printed(&output));
    assert!(!printed(&output).contains(&token), "the token is shown");
    Ok(())
}

#[tokio::test]
async fn whoever_names_the_stack_and_signs_in_needs_no_variable() -> anyhow::Result<()> {
    let Some(team) = healthy().await? else { return Ok(()) };
    let lambda = lambda(&team).await?;
    let arguments = ["doctor", "--json", "--stack", "deployed", "--sign-in"];
    let run = team.operator_of_stack(&lambda.address, &arguments);
    let (output, code) = tokio::join!(run, team.sandbox.type_code());
    let (output, code) = (output?, code?);
    let examined = Examined::of(&output)?;
    assert_eq!(examined.others(), [("NameID", "unknown")], "{}", printed(&output));
    assert!(printed(&output).contains(&code), "the code is told: {}", printed(&output));

    let without = team.operator_of_stack(&lambda.address, &["holds"]).await?;
    assert!(printed(&without).contains("--stack"), "{}", printed(&without));
    let holds = team.operator_of_stack(&lambda.address, &["holds", "--json", "--stack", "deployed"]).await?;
    assert_eq!(holds.status.code(), Some(0), "{}", printed(&holds));
    Ok(())
}
