//! Facts about what the functions write: ids and counts, nothing secret and nothing personal.

use crate::team::{Team, address_of};
use serde_json::json;
use tests::account::CLIENT_STATE;
use tests::world::Choices;

#[tokio::test]
async fn the_logs_of_a_whole_run_hold_nothing_secret_and_nothing_personal() -> anyhow::Result<()> {
    // The most that template.yaml lets an operator ask for.
    let variables = vec![("AWS_LAMBDA_LOG_LEVEL", "DEBUG".to_owned())];
    let more = json!({
        "users": [{"userPrincipalName": "zero.width@contoso.example", "displayName": "Zero\u{200b}Width"}],
        "identity_center": {"users": [{"UserName": address_of("Barbara"), "DisplayName": "Barbara",
                                       "Name": {"GivenName": "Barbara", "FamilyName": "Liskov"}}]},
    });
    let Some(team) = Team::seeded(Choices { variables, ..Choices::default() }, more).await? else {
        return Ok(());
    };
    play(&team).await?;
    let lines: Vec<String> = [&team.webhook, &team.mirror, &team.sweep]
        .iter()
        .flat_map(|function| function.logs().lines())
        .collect();
    // They do say what happened, and to whom.
    for (text, why) in [
        ("\"applied\"", "no change was reported"),
        (team.id("Ada"), "Ada's handling was not reported"),
        ("skipped", "nobody was skipped"),
        ("the message comes again", "nothing failed"),
        ("DEBUG", "the level was not raised"),
    ] {
        assert!(lines.iter().any(|line| line.contains(text)), "{why}: the run is too poor to prove anything");
    }
    for (what, text) in secrets(&team) {
        let found = lines.iter().find(|line| line.to_lowercase().contains(&text.to_lowercase()));
        assert_eq!(found, None, "a log line holds {what}");
    }
    Ok(())
}

/// Something of everything: creations, renames, a revocation, someone skipped, a name that is not ours, a refusal by
/// either cloud, a forged notification.
async fn play(team: &Team) -> anyhow::Result<()> {
    let (refused, foreign) = (team.id("zero.width@contoso.example"), team.id("Barbara"));
    team.entra().add_member(team.id("Engineers"), refused).await?;
    team.minute_run_at_rest().await?;
    team.agree_but_for(&[refused, foreign]).await?;
    let denied =
        |service: &str, operation: &str| json!({"service": service, "operation": operation, "status": 403});
    team.faults(json!({"rules": [denied("graph", "GET /users/{id}")]})).await?;
    team.entra()
        .update(&team.user_path("Ada"), json!({"displayName": "Ada King", "surname": "King"}))
        .await?;
    team.agree_but_for(&[refused, foreign]).await?;
    team.faults(json!({"rules": [denied("identitystore", "UpdateUser")]})).await?;
    team.entra().update(&team.user_path("Ada"), json!({"jobTitle": "Countess"})).await?;
    team.entra().remove_member(team.id("Engineers"), team.id("Alan")).await?;
    let path = format!("/groups/{}", team.id("Engineers"));
    team.entra().update(&path, json!({"displayName": "Platform Engineers"})).await?;
    team.agree_but_for(&[refused, foreign]).await?;
    let forged =
        json!({"value": [{"clientState": "forged-client-state", "resource": "Users/ada@contoso.example"}]});
    let request =
        reqwest::Client::new().post(format!("{}/notify", team.url.address)).body(forged.to_string());
    request.header("content-type", "application/json").send().await?;
    team.minute_run_at_rest().await?;
    team.rest().await
}

fn secrets(team: &Team) -> Vec<(&'static str, String)> {
    let mut secrets = vec![
        ("the client secret", team.sandbox.address("client_secret")),
        ("clientState", CLIENT_STATE.to_owned()),
        ("a forged clientState", "forged-client-state".to_owned()),
        ("a bearer token", "bearer ".to_owned()),
        ("a token's field", "access_token".to_owned()),
        ("AWS's secret key", "secret-access-key-of-the-tests".to_owned()),
        ("AWS's session token", "session-token-of-the-tests".to_owned()),
        ("a signature", "signature=".to_owned()),
        ("an address", "@contoso.example".to_owned()),
        ("a group's name", "Platform Engineers".to_owned()),
        ("a title", "Countess".to_owned()),
    ];
    let names = ["Lovelace", "Turing", "Liskov", "Knuth", "Dijkstra", "Ada King"];
    secrets.extend(names.map(|name| ("a display name", name.to_owned())));
    secrets
}
