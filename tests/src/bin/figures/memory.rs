//! How much memory webhook and mirror have needed at the most after a hundred events each.

use crate::figure::{Bound, Figure};
use anyhow::{Context, ensure};
use serde_json::json;
use tests::function::Function;
use tests::own_process::peak_memory_of;
use tests::world::World;

/// Everything this measures.
pub const NAMES: [&str; 2] = ["peak-memory-webhook-100-events", "peak-memory-mirror-100-events"];

/// MiB.
const PEAK: f64 = 16.0;
const EVENTS: usize = 100;
/// One of so many who join leaves again: far from what is held as bulk.
const ONE_LEAVES_OF: usize = 5;

/// Plays changes through the built functions, with SQS, DynamoDB and Secrets Manager in moto and real
/// notifications from the sandbox, until each function has handled its events.
///
/// # Errors
/// When a part of this world does not start, or both sides do not agree at the end.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let world = World::start().await?.context("there is no moto: use tests/bench, which names it")?;
    play(&world).await.context("the changes were not played to their end")?;
    world.agree().await?;
    for function in [&world.webhook, &world.mirror] {
        let handled = invocations(function);
        ensure!(handled >= EVENTS, "a function handled only {handled} events");
    }
    let [webhook, mirror] = NAMES;
    Ok(vec![peak(webhook, &world.webhook)?, peak(mirror, &world.mirror)?])
}

async fn play(world: &World) -> anyhow::Result<()> {
    let entra = world.entra();
    let group = entra.create_group("Engineers").await?;
    entra.assign(&group).await?;
    let mut number = 0;
    while invocations(&world.webhook).min(invocations(&world.mirror)) < EVENTS {
        number += 1;
        let user = entra.create_user(&format!("User{number}"), "Example", json!({})).await?;
        entra.add_member(&group, &user).await?;
        // Each change is handled before the next, so that few share an event.
        world.rest().await?;
        if number % ONE_LEAVES_OF == 0 {
            entra.remove_member(&group, &user).await?;
            world.rest().await?;
        }
    }
    Ok(())
}

/// Each invocation writes one line of its metric.
fn invocations(function: &Function) -> usize {
    let lines = |metric: &str| function.logs().with(&["CloudWatchMetrics", metric]).len();
    lines("\"NotificationsReceived\",\"Unit\"").max(lines("\"Triggers\",\"Unit\""))
}

fn peak(name: &str, function: &Function) -> anyhow::Result<Figure> {
    let process = function.process_id().context("the function's process has ended")?;
    Ok(Figure::new(name, peak_memory_of(&process.to_string())?, "MiB", Bound::AtMost(PEAK)))
}
