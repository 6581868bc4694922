//! What the certificate function costs on a day with nothing to do, and the memory that it has needed at the most.

use crate::figure::{Bound, Figure};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::certificate_world::{CertificateWorld, MEMBER_PROVIDER, PROVIDER};
use tests::own_process::peak_memory_of;

/// Everything this measures, in the order in which it is printed.
pub const NAMES: [&str; 4] = [
    "certificate-daily-check-graph-calls",
    "certificate-daily-check-metadata-fetches",
    "certificate-daily-check-calls-per-target",
    "peak-memory-certificate",
];

/// Identity Center through its console's API, and a provider in each of two accounts.
const TARGETS: f64 = 3.0;
const RUNS: usize = 30;
/// MiB.
const PEAK: f64 = 20.0;

/// Runs the built function on a certificate that is good for two years, and then through a rotation.
///
/// # Errors
/// When a part of this world does not start, or a run fails.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let providers = format!("{PROVIDER},{MEMBER_PROVIDER}");
    let variables = [
        ("CERTIFICATE_MODE", "auto"),
        ("IDENTITY_CENTER_CERTIFICATES", "full"),
        ("SAML_PROVIDERS", providers.as_str()),
    ];
    let fresh = json!([{"preferred": true, "trusted": true, "started_days_ago": 300}]);
    let world = CertificateWorld::start(fresh, &variables).await?;
    let world = world.context("there is no moto: use tests/bench, which names it")?;
    // The first run learns which identity provider it is.
    world.run().await?;
    world.forget_calls().await?;
    let report = world.run().await?;
    ensure!(report["writes"].is_null(), "a day with nothing to do has writes: {report}");
    let calls = world.look("calls").await?;
    let [graph, metadata, per_target, memory] = NAMES;
    let most = |name: &str, value: f64, bound: f64| Figure::new(name, value, "calls", Bound::AtMost(bound));
    let of_targets = sum(&calls["aws"]["appsauth"]) + sum(&calls["aws"]["iam"]);
    let mut figures = vec![
        most(graph, calls["graph"]["round_trips"].as_f64().unwrap_or(f64::NAN), 3.0),
        most(metadata, calls["metadata"]["round_trips"].as_f64().unwrap_or(f64::NAN), 1.0),
        most(per_target, of_targets / TARGETS, 1.0),
    ];
    for _ in 0..RUNS {
        world.sign_in().await?;
        world.deliver_events().await?;
        world.run().await?;
    }
    let (code, text) = world.commanded(&["stage", "--at-once"]).await?;
    ensure!(code == 0, "no rotation was begun: {text}");
    for _ in 0..RUNS {
        world.sign_in().await?;
        world.run().await?;
    }
    let process = world.function.process_id().context("the function's process has ended")?;
    figures.push(Figure::new(memory, peak_memory_of(&process.to_string())?, "MiB", Bound::AtMost(PEAK)));
    Ok(figures)
}

fn sum(calls: &Value) -> f64 {
    calls.as_object().into_iter().flatten().filter_map(|(_, count)| count.as_f64()).sum()
}
