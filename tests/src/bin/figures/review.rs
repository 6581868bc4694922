//! What planning everything, and explaining one user, costs where a snapshot is at hand.

use crate::alone::{self, Subject};
use crate::figure::{Bound, Figure};
use anyhow::{Context, ensure};
use planning::snapshot::{Snapshot, explain_user, plan};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Seek, Write};
use tests::own_process::{peak_memory, processor_time};
use tests::snapshot;

/// Users; a tenth as many groups of a hundred, with two account assignments each.
const USERS: usize = 10_000;

/// Everything this measures: seconds of the processor, MiB, seconds of the processor.
pub const NAMES: [&str; 3] = ["plan-10000-users", "plan-10000-users-peak-memory", "explain-of-10000-users"];

/// What one process needed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cost {
    seconds: f64,
    peak: f64,
}

/// Measures each in a process of its own, which reads the snapshot as the command does.
///
/// # Errors
/// When a process fails, or finds what it should not.
pub async fn measure() -> anyhow::Result<[Figure; 3]> {
    let mut file = tempfile().context("no temporary file")?;
    file.write_all(&snapshot::snapshot(alone::size(USERS))?.to_json()?)?;
    let mut cost = async |subject| {
        file.rewind()?;
        alone::with_input(subject, USERS, file.try_clone()?).await
    };
    let planned: Cost = cost(Subject::Plan).await?;
    let explained: Cost = cost(Subject::Explain).await?;
    let [plan, memory, explain] = NAMES;
    Ok([
        Figure::new(plan, planned.seconds, "s of processor", Bound::AtMost(2.0)),
        Figure::new(memory, planned.peak, "MiB", Bound::AtMost(300.0)),
        Figure::new(explain, explained.seconds, "s of processor", Bound::AtMost(0.3)),
    ])
}

/// Plans what stands on standard input.
///
/// # Errors
/// When it plans something else than what differs.
pub fn plan_input(users: usize) -> anyhow::Result<Cost> {
    let snapshot = input()?;
    let plan = plan(&snapshot)?;
    let printed = plan.to_string();
    let expected = snapshot::differences(alone::size(users));
    ensure!(plan.changes().count() == expected, "expected {expected} changes: {printed}");
    cost()
}

/// Explains somebody of whom the snapshot on standard input tells.
///
/// # Errors
/// When nothing is explained.
pub fn explain_input() -> anyhow::Result<Cost> {
    let explained = explain_user(&input()?, "user4711@contoso.example")?.context("the user is not known")?;
    let printed = explained.to_string();
    ensure!(printed.contains("in force (rule at 1:1)"), "no account is explained: {printed}");
    cost()
}

fn input() -> anyhow::Result<Snapshot> {
    let mut json = Vec::new();
    std::io::stdin().lock().read_to_end(&mut json)?;
    Ok(Snapshot::from_json(&json, None)?)
}

fn cost() -> anyhow::Result<Cost> {
    Ok(Cost { seconds: processor_time()?.as_secs_f64(), peak: peak_memory()? })
}

/// A file that is gone when it is closed.
fn tempfile() -> std::io::Result<File> {
    let path = std::env::temp_dir().join(format!("entra-mirror-snapshot-{}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}
