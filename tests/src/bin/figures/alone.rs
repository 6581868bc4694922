//! Measurements in a process of their own: this program, started again.

use anyhow::{Context, ensure};
use serde::de::DeserializeOwned;
use std::process::Stdio;
use tests::organisation::{Size, comparison, sweep};
use tokio::process::Command;

/// What is measured in a process of its own, of so many users in a tenth as many groups of a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Subject {
    /// [`sweep::measure`].
    Sweep,
    /// [`comparison::measure`].
    Comparison,
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
    let subject = format!("{subject:?}").to_lowercase();
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let output = Command::new(program)
        .args(["--alone", &subject, "--users", &users.to_string()])
        .stdin(Stdio::null())
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
    let json = match subject {
        Subject::Sweep => {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
            serde_json::to_string(&runtime.block_on(sweep::measure(size))?)
        }
        Subject::Comparison => {
            let found = comparison::measure(size)?;
            let expected = comparison::expected(size);
            ensure!((found.findings, found.foreign) == expected, "the comparison found something else");
            serde_json::to_string(&found.cost)
        }
    };
    json.context("the cost is no JSON")
}
