//! What a full sweep costs: calls, time and memory of the whole, and processor time of the comparison alone.

use crate::alone::{Subject, in_own_process, size};
use crate::figure::{Bound, Figure};
use tests::organisation::comparison;
use tests::organisation::sweep::{Cost, Fewest};

/// Users of the organisations that are swept.
const USERS: [usize; 2] = [10_000, 100_000];
/// Of the time that the quotas demand.
const TIME: f64 = 1.1;
/// Seconds; a Lambda ends after 15 minutes.
const INVOCATION: f64 = 720.0;
/// MiB.
const SWEEP_MEMORY: f64 = 512.0;

/// Users of the organisations that are compared, the last one with 1,000,000 memberships.
const COMPARED: [usize; 3] = [1_000, 10_000, 100_000];
/// Seconds for a million memberships.
const PLANNING: f64 = 1.0;
/// MiB.
const PLANNING_MEMORY: f64 = 300.0;
/// Time for a membership among a million and among ten thousand, which fit into the processor's caches.
const GROWTH: f64 = 2.0;

const OF_SWEEP: [&str; 5] =
    ["identity-store-calls", "graph-calls", "time", "longest-invocation", "peak-memory"];
const OF_PLANNING: [&str; 3] =
    ["planning-1000000-memberships", "planning-1000000-memberships-peak-memory", "planning-growth"];

/// Everything this measures, in the order in which it is printed.
pub fn names() -> Vec<String> {
    let sweeps = USERS.iter().flat_map(|users| OF_SWEEP.map(|what| name(*users, what)));
    sweeps.chain(OF_PLANNING.map(str::to_owned)).collect()
}

/// Measures each organisation in a process of its own.
///
/// # Errors
/// When a sweep fails or writes, or finds a difference where there is none.
pub async fn measure(wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for users in USERS {
        if OF_SWEEP.iter().any(|what| wanted(&name(users, what))) {
            figures.extend(sweep(users).await?);
        }
    }
    if OF_PLANNING.into_iter().any(&wanted) {
        figures.extend(planning().await?);
    }
    Ok(figures)
}

fn name(users: usize, what: &str) -> String {
    format!("sweep-{users}-users-{what}")
}

async fn sweep(users: usize) -> anyhow::Result<[Figure; 5]> {
    let cost: Cost = in_own_process(Subject::Sweep, users).await?;
    let fewest = Fewest::of(size(users));
    let at_most =
        |what: &str, value, unit, bound| Figure::new(name(users, what), value, unit, Bound::AtMost(bound));
    let [calls, graph_calls, time, invocation, memory] = OF_SWEEP;
    let seconds = cost.took.as_secs_f64();
    Ok([
        at_most(calls, cost.identity_store_calls as f64, "calls", fewest.identity_store_calls as f64),
        at_most(graph_calls, cost.graph_calls as f64, "round trips", fewest.graph_calls as f64),
        at_most(time, seconds, "s, virtual", fewest.time.as_secs_f64() * TIME),
        at_most(invocation, cost.longest_invocation.as_secs_f64(), "s, virtual", INVOCATION),
        at_most(memory, cost.peak_memory, "MiB", SWEEP_MEMORY),
    ])
}

async fn planning() -> anyhow::Result<[Figure; 3]> {
    let mut per_membership = Vec::with_capacity(COMPARED.len());
    let [mut seconds, mut memory] = [f64::NAN; 2];
    for users in COMPARED {
        let cost: comparison::Cost = in_own_process(Subject::Comparison, users).await?;
        (seconds, memory) = ((cost.picture + cost.members).as_secs_f64(), cost.peak_memory);
        per_membership.push(seconds / size(users).memberships() as f64);
    }
    let growth =
        per_membership.last().zip(per_membership.first()).map_or(f64::NAN, |(last, first)| last / first);
    let at_most = |name: &str, value, unit, bound| Figure::new(name, value, unit, Bound::AtMost(bound));
    let [time, peak, grows] = OF_PLANNING;
    Ok([
        at_most(time, seconds, "s of processor", PLANNING),
        at_most(peak, memory, "MiB", PLANNING_MEMORY),
        at_most(grows, growth, "x per membership", GROWTH),
    ])
}
