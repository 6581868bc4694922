//! How long `entra-mirror doctor` takes on a healthy system.

use crate::figure::{Bound, Figure};
use anyhow::{Context, ensure};
use serde_json::json;
use std::time::Instant;
use tests::world::{Choices, World};

/// The figure's name.
pub const NAME: &str = "doctor-healthy-system";

/// Seconds, from the command's start to its end.
const LONGEST: f64 = 5.0;

/// Runs the built command on a small world that is mirrored and swept.
///
/// # Errors
/// When a part of this world does not start, or something in it is not as it should be.
pub async fn measure() -> anyhow::Result<Figure> {
    let world = World::with(Choices { certificate: true, ..Choices::default() }).await?;
    let world = world.context("there is no moto: use tests/bench, which names it")?;
    let size = json!({"users": 50, "groups": 2, "members_per_group": 25});
    let certificates = json!([{"preferred": true, "trusted": true}]);
    world.sandbox.control("seed", json!({"size": size, "certificates": certificates})).await?;
    world.minute_run_at_rest().await?;
    world.agree().await?;
    world.full_sweep().await?;
    world.rest().await?;
    world.look_at_certificate().await?;
    let start = Instant::now();
    let output = world.operator(&["doctor"]).await?;
    let took = start.elapsed().as_secs_f64();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(Figure::new(NAME, took, "s", Bound::AtMost(LONGEST)))
}
