//! How long a change takes from its notification to the last write in Identity Center.

use crate::figure::{Bound, Figure};
use crate::statistics::{median, quantile};
use crate::world::World;
use anyhow::{Context, ensure};
use serde_json::json;

/// How many users change.
const CHANGING: usize = 200;
/// How many there are: among fewer, so many who leave within ten minutes would be held.
const USERS: usize = 2_500;
/// The changes that each of them goes through.
const CHANGES: [Change; 5] = [Change::Join, Change::Rename, Change::Disable, Change::Enable, Change::Leave];
/// Milliseconds.
const MEDIAN: f64 = 10.0;
/// Milliseconds.
const P99: f64 = 50.0;

/// Everything this measures.
pub const NAMES: [&str; 2] = ["lag-median-1000-changes-quotas-off", "lag-p99-1000-changes-quotas-off"];

#[derive(Debug, Clone, Copy)]
enum Change {
    Join,
    Rename,
    Disable,
    Enable,
    Leave,
}

/// Plays the changes one after the other, each settled before the next, on a sandbox without quotas or
/// latency. The clock starts when the webhook has the notification and stops after the write.
///
/// # Errors
/// When a change leads to no write.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let seed = json!({
        "size": {"users": USERS, "groups": 1, "members_per_group": USERS, "assigned_groups": 1},
        "groups": [{"displayName": "Auditors", "assigned": true, "members": []}],
    });
    let world = World::start(&seed).await?;
    let mut lags = Vec::with_capacity(CHANGING * CHANGES.len());
    for number in 1..=CHANGING {
        for change in CHANGES {
            let lag = lag_of(&world, change, number).await;
            lags.push(lag.with_context(|| format!("{change:?} of user {number}"))?);
        }
    }
    let [name_of_median, name_of_p99] = NAMES;
    Ok(vec![
        Figure::new(name_of_median, median(&lags), "ms", Bound::AtMost(MEDIAN)),
        Figure::new(name_of_p99, quantile(&lags, 0.99), "ms", Bound::AtMost(P99)),
    ])
}

/// Milliseconds to the last write of a change.
async fn lag_of(world: &World, change: Change, number: usize) -> anyhow::Result<f64> {
    let cost = world.cost_of(play(world, change, number)).await?;
    let last = cost.events.lags_ms.iter().copied().reduce(f64::max);
    let last = last.context("nothing was written, so there is no lag")?;
    ensure!(last >= 0.0, "a write before its notification: the clock was set back, measure again");
    Ok(last)
}

async fn play(world: &World, change: Change, number: usize) -> anyhow::Result<()> {
    let entra = &world.driver.entra;
    let user = world.id(&format!("user-{number}@contoso.example"))?;
    let auditors = world.id("Auditors")?;
    let update = async |properties| entra.update(&format!("/users/{user}"), properties).await;
    match change {
        Change::Join => entra.add_member(auditors, user).await,
        Change::Rename => update(json!({"displayName": format!("Renamed {number}")})).await,
        Change::Disable => update(json!({"accountEnabled": false})).await,
        Change::Enable => update(json!({"accountEnabled": true})).await,
        Change::Leave => entra.remove_member(auditors, user).await,
    }
}
