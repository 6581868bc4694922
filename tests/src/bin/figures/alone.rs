//! Measurements in a process of their own: this program, started again.

use crate::review;
use anyhow::{Context, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::process::Stdio;
use std::time::Duration;
use tests::access;
use tests::load;
use tests::organisation::{Size, comparison, sweep};
use tokio::process::Command;

/// How many updates arrive in a second: five times what Identity Center takes, and five times what one application may
/// write into Entra ID (throttling-limits: 3,000 in 150 s). The Graph quota of the smallest tenants lets 157 users be
/// looked at in a second; should more arrive for long, the queue grows, and a revocation with it.
const UPDATES_A_SECOND: usize = 100;
/// How long the agenda's work is measured by itself, and how long there are revocations beside much other work.
const WHILE: Duration = Duration::from_mins(3);

/// What is measured in a process of its own; sweep and comparison of so many users in a tenth as many groups of a
/// hundred, as is the initial load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lower")]
pub enum Subject {
    /// [`sweep::measure`].
    Sweep,
    /// [`comparison::measure`].
    Comparison,
    /// [`load::backlog`].
    Backlog,
    /// [`load::updates`].
    Updates,
    /// [`load::unassigned`].
    Unassigned,
    /// [`load::initial_load`].
    InitialLoad,
    /// [`access::membership_changes`] of so many changes.
    MembershipChanges,
    /// [`access::reading`] of so many groups.
    Reading,
    /// [`access::first_assignments`] in so many accounts.
    FirstAssignments,
    /// [`review::plan_input`].
    Plan,
    /// [`review::explain_input`].
    Explain,
}

/// An organisation of so many users.
pub fn size(users: usize) -> Size {
    Size { users, groups: users / 10, members_per_group: 100 }
}

/// Measures in a process of its own.
///
/// # Errors
/// When it does not start or fails.
pub async fn in_own_process<T: DeserializeOwned>(subject: Subject, users: usize) -> anyhow::Result<T> {
    start(subject, users, Stdio::null()).await
}

/// As [`in_own_process`], with a file as standard input.
///
/// # Errors
/// When it does not start or fails.
pub async fn with_input<T: DeserializeOwned>(
    subject: Subject,
    users: usize,
    input: File,
) -> anyhow::Result<T> {
    start(subject, users, input.into()).await
}

async fn start<T: DeserializeOwned>(subject: Subject, users: usize, input: Stdio) -> anyhow::Result<T> {
    let subject = format!("{subject:?}").to_lowercase();
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let output = Command::new(program)
        .args(["--alone", &subject, "--users", &users.to_string()])
        .stdin(input)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("this program does not start again")?;
    ensure!(output.status.success(), "the {subject} of {users} users failed: see its message above");
    serde_json::from_slice(&output.stdout).with_context(|| format!("the {subject} told no figures"))
}

/// Measures in this process, and answers JSON.
///
/// # Errors
/// When the measurement fails, or finds what it should not.
pub fn measure(subject: Subject, users: usize) -> anyhow::Result<String> {
    let size = size(users);
    match subject {
        Subject::Sweep => json(in_virtual_time(sweep::measure(size))?),
        Subject::Backlog => json(in_virtual_time(load::backlog(users, WHILE))?),
        Subject::Updates => json(in_virtual_time(load::updates(users, UPDATES_A_SECOND))?),
        Subject::Unassigned => json(in_virtual_time(load::unassigned(users, WHILE))?),
        Subject::InitialLoad => json(in_virtual_time(load::initial_load(size))?),
        Subject::MembershipChanges => json(in_virtual_time(access::membership_changes(users))?),
        Subject::Reading => json(in_virtual_time(access::reading(users))?),
        Subject::FirstAssignments => json(in_virtual_time(access::first_assignments(users))?),
        Subject::Plan => json(review::plan_input(users)?),
        Subject::Explain => json(review::explain_input()?),
        Subject::Comparison => {
            let found = comparison::measure(size)?;
            let expected = comparison::expected(size);
            ensure!((found.findings, found.foreign) == expected, "the comparison found something else");
            json(found.cost)
        }
    }
}

fn in_virtual_time<T>(measured: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(measured)
}

fn json(cost: impl Serialize) -> anyhow::Result<String> {
    serde_json::to_string(&cost).context("the cost is no JSON")
}
