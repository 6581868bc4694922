//! Facts about `entra-mirror start`, which invokes the deployed functions by Lambda's own API.

use crate::plan::printed;
use crate::team::Team;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::sync::Arc;
use tests::function::Function;
use tests::lambda_api::LambdaApi;
use tests::world::{Choices, World, variables};

/// Lambda's API in front of the functions that an operator's command invokes, or looks up.
pub async fn lambda(world: &World) -> anyhow::Result<LambdaApi> {
    let with = |name: &str, function: &Arc<Function>| {
        (format!("deployed-{name}"), (function.clone(), variables(&world.sandbox, &world.account)))
    };
    let (sweep, subscriptions) = (&world.sweep, &world.subscriptions);
    let functions =
        [with("sweep", sweep), with("subscriptions", subscriptions), with("webhook", &world.webhook)];
    LambdaApi::serve(functions.into()).await
}

#[tokio::test]
async fn what_was_deployed_is_started_followed_until_both_sides_agree_and_can_be_started_again()
-> anyhow::Result<()> {
    let choices = Choices { subscribes: true, ..Choices::default() };
    let Some(team) = Team::seeded(choices, json!({})).await? else { return Ok(()) };
    let lambda = lambda(&team).await?;
    let with = [("AWS_ENDPOINT_URL_LAMBDA", lambda.address.as_str())];
    let start = ["start", "--stack", "deployed", "--json", "--wait", "100"];
    for _ in 0..2 {
        let output = team.operator_with(&with, &start).await?;
        ensure!(output.status.success(), "{}", printed(&output));
        let told: Value = serde_json::from_slice(&output.stdout).with_context(|| printed(&output))?;
        ensure!(told["agree"] == true && told["assigned"] == 1, "{told}");
        team.agree().await?;
    }
    let listed = team.entra().list("/subscriptions").await?;
    assert_eq!(listed.len(), 2, "{listed:?}");
    Ok(())
}

#[tokio::test]
async fn a_stack_that_is_not_deployed_is_named() -> anyhow::Result<()> {
    let Some(team) = Team::seeded(Choices::default(), json!({})).await? else { return Ok(()) };
    let lambda = lambda(&team).await?;
    let with = [("AWS_ENDPOINT_URL_LAMBDA", lambda.address.as_str())];
    let output = team.operator_with(&with, &["start", "--stack", "elsewhere"]).await?;
    let said = printed(&output);
    ensure!(output.status.code() == Some(1) && said.contains("elsewhere-sweep"), "{said}");
    Ok(())
}
