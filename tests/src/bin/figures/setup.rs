//! How long it takes from an empty tenant to the first mirrored user, and how many calls one set-up needs.

use crate::figure::{Bound, Figure};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::time::Instant;
use tests::setup_world::SetupWorld;

/// Everything this measures, in the order in which it is printed.
pub const NAMES: [&str; 3] =
    ["setup-empty-tenant-to-first-user", "setup-graph-calls", "setup-again-graph-writes"];

const ADA: &str = "ada.lovelace@contoso.example";
/// Seconds.
const TIME: f64 = 10.0;
/// An operator waits for each; nobody counts them but us.
const CALLS: f64 = 100.0;

/// Runs the built command and the built functions.
///
/// # Errors
/// When a part of this world does not start, or a run fails.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = std::env::temp_dir().join(format!("entra-mirror-setup-{}", uuid::Uuid::new_v4().simple()));
    let measured = measured(folder.clone()).await;
    std::fs::remove_dir_all(&folder).context("the folder of the set-up cannot be removed")?;
    measured
}

async fn measured(folder: std::path::PathBuf) -> anyhow::Result<Vec<Figure>> {
    let world =
        SetupWorld::start(folder).await?.context("there is no moto: use tests/bench, which names it")?;
    let options = ["--yes", "--credential=secret", "--json"];
    let began = Instant::now();
    let run = world.setup(&options).await?;
    ensure!(run.code == Some(0), "{run:?}");
    let calls = operations(&world).await?;
    world.assign_somebody(ADA).await?;
    let deployed = world.deploy().await?;
    deployed.sweep.invoke(&json!({"look_at": "assignments"})).await?;
    world.mirrored(ADA, &deployed).await?;
    let seconds = began.elapsed().as_secs_f64();
    let before = writes(&operations(&world).await?);
    let again = world.setup(&options).await?;
    ensure!(again.code == Some(0), "{again:?}");
    let after = writes(&operations(&world).await?);
    let [first, made, rewritten] = NAMES;
    Ok(vec![
        Figure::new(first, seconds, "s", Bound::AtMost(TIME)),
        Figure::new(made, sum(&calls, |_| true), "calls", Bound::AtMost(CALLS)),
        Figure::new(rewritten, after - before, "calls", Bound::AtMost(0.0)),
    ])
}

async fn operations(world: &SetupWorld) -> anyhow::Result<Value> {
    let mut calls = world.sandbox.look("calls").await?;
    Ok(calls["graph"]["operations"].take())
}

fn writes(operations: &Value) -> f64 {
    sum(operations, |name| !name.starts_with("GET ") && !name.ends_with("$batch"))
}

fn sum(operations: &Value, counts: impl Fn(&str) -> bool) -> f64 {
    let all = operations.as_object().into_iter().flatten();
    all.filter(|(name, _)| counts(name)).filter_map(|(_, count)| count.as_f64()).sum()
}
