//! What keeping the subscriptions alive costs, and the memory that it has needed at the most.

use crate::figure::{Bound, Figure};
use anyhow::{Context, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tests::own_process::peak_memory_of;
use tests::world::{Choices, World};

/// Everything this measures, in the order in which it is printed.
pub const NAMES: [&str; 3] = [
    "subscriptions-renewal-gets-per-subscription",
    "subscriptions-renewal-patches-per-subscription",
    "peak-memory-subscriptions",
];

/// `/users` and `/groups`.
const SUBSCRIPTIONS: f64 = 2.0;
const RENEWALS: usize = 50;
/// MiB.
const PEAK: f64 = 16.0;

/// Runs the built function on subscriptions of which less than half of the lifetime is left.
///
/// # Errors
/// When a part of this world does not start, or a run does something else than renew.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let world = World::with(Choices { subscribes: true, ..Choices::default() }).await?;
    let world = world.context("there is no moto: use tests/bench, which names it")?;
    world.look_at_subscriptions().await?;
    renew(&world).await?;
    let operations = world.driver.calls().await?["graph"]["operations"].take();
    let operations = operations.as_object().context("no counts of Graph's operations")?;
    let calls = |method: &str| -> f64 {
        let counted = operations.iter().filter(|(name, _)| name.starts_with(method));
        counted.filter_map(|(_, count)| count.as_f64()).sum()
    };
    let (gets, patches) = (calls("GET "), calls("PATCH "));
    ensure!(
        operations.len() == 2 && gets > 0.0 && patches > 0.0,
        "a renewal consists of other calls: {operations:?}"
    );
    for _ in 1..RENEWALS {
        renew(&world).await?;
    }
    let [get, patch, memory] = NAMES;
    let process = world.subscriptions.process_id().context("the function's process has ended")?;
    let once = |name: &str, value: f64| Figure::new(name, value / SUBSCRIPTIONS, "calls", Bound::AtMost(1.0));
    Ok(vec![
        once(get, gets),
        once(patch, patches),
        Figure::new(memory, peak_memory_of(&process.to_string())?, "MiB", Bound::AtMost(PEAK)),
    ])
}

/// Leaves the subscriptions a day to live, and has both of them renewed.
async fn renew(world: &World) -> anyhow::Result<()> {
    let soon = (Timestamp::now() + SignedDuration::from_hours(24)).to_string();
    for held in world.entra().list("/subscriptions").await? {
        let path = format!("/subscriptions/{}", held["id"].as_str().context("a subscription without an id")?);
        world.entra().update(&path, json!({"expirationDateTime": soon})).await?;
    }
    world.driver.forget_calls().await?;
    let report = world.look_at_subscriptions().await?;
    ensure!(report["steps"].as_array().map(Vec::len) == Some(2), "not both were renewed: {report}");
    Ok(())
}
