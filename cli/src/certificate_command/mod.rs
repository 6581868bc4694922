//! `entra-mirror certificate`: shows how the signing certificate is, and lays down what an operator wants.

mod table;

use anyhow::{Context, bail};
use engine::ports::Cause;
use engine::rotation::Look;
use engine::rotation::ports::{Instruction, Outcome};
use jiff::Timestamp;
use planning::rotation::Command;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use wiring::operator::{self, OperatorParts};

/// The function looks every two minutes whether somebody wants something, and takes some seconds for it.
const PATIENCE: Duration = Duration::from_mins(4);
/// The pause between two looks at the outcome.
const PAUSE: Duration = Duration::from_secs(1);
/// A refusal, as `status` has it: somebody has to do something.
const NEEDS_PERSON: u8 = 2;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// How it is.
    Status,
    /// What happened.
    History {
        /// So many entries.
        most: usize,
    },
    /// Something that the function carries out.
    Do(Command),
}

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The ledger's table, if `LEDGER_TABLE` does not name it.
    pub table: Option<String>,
    /// What is asked for.
    pub asked: Asked,
    /// Print JSON.
    pub json: bool,
}

/// Does it, and tells how it ended: 0, 2 if somebody has to do something, 1 if something is broken.
///
/// # Errors
/// When the ledger cannot be read, or the function does not answer.
pub async fn run(request: CertificateRequest) -> anyhow::Result<ExitCode> {
    let (parts, json) = (operator::assemble(request.table).await?, request.json);
    match request.asked {
        Asked::Status => status(&parts, json).await,
        Asked::History { most } => history(&parts, most, json).await,
        Asked::Do(command) => instruct(&parts, command, json).await,
    }
}

async fn status(parts: &OperatorParts, json: bool) -> anyhow::Result<ExitCode> {
    let look = parts.desk.shown().await?.context(
        "the certificate function has not looked yet: deploy it, and invoke it with {\"look_at\":\"certificate\"}",
    )?;
    let now = parts.clock.now();
    if json {
        print(&serde_json::to_string(&look)?)?;
    } else {
        print(&table::of(&look, now))?;
    }
    Ok(ExitCode::from(exit_code(&look, now)))
}

/// A verdict that is a day and a half old says nothing of today.
fn exit_code(look: &Look, now: Timestamp) -> u8 {
    if table::is_stale(look, now) && look.verdict.exit_code() == 0 {
        NEEDS_PERSON
    } else {
        look.verdict.exit_code()
    }
}

async fn history(parts: &OperatorParts, most: usize, json: bool) -> anyhow::Result<ExitCode> {
    for entry in parts.rotation.history(most).await? {
        if json {
            print(&serde_json::to_string(&entry)?)?;
        } else {
            print(&format!("{}  {}", table::minute(entry.at), entry.what))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn instruct(parts: &OperatorParts, command: Command, json: bool) -> anyhow::Result<ExitCode> {
    let id = Uuid::new_v4().simple().to_string();
    let what = command.to_string();
    let instruction = Instruction { id: id.clone(), command, at: parts.clock.now() };
    if let Err(error) = parts.desk.instruct(&instruction).await {
        if error.cause == Cause::Conflict {
            bail!("another instruction still waits for the certificate function: try again in two minutes");
        }
        return Err(error.into());
    }
    if !json {
        print("The certificate function carries it out within two minutes; waiting for it ...")?;
    }
    let outcome = outcome(parts, &id).await?;
    match (&outcome.refused, json) {
        (_, true) => {
            print(&json!({"command": what, "refused": outcome.refused, "at": outcome.at}).to_string())?
        }
        (None, false) => {
            print(&format!("Done: {what}. See `entra-mirror certificate status` for what comes next."))?
        }
        (Some(why), false) => eprintln!("entra-mirror: refused: {why}"),
    }
    Ok(if outcome.refused.is_none() { ExitCode::SUCCESS } else { ExitCode::from(NEEDS_PERSON) })
}

async fn outcome(parts: &OperatorParts, id: &str) -> anyhow::Result<Outcome> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(outcome) = parts.desk.outcome().await?.filter(|outcome| outcome.id == id) {
            return Ok(outcome);
        }
        if Instant::now() > deadline {
            bail!(
                "the certificate function has not answered: look at its log, and at the alarm CertificateIsSilent; what you \
                 want still waits for it"
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").map_err(Into::into)
}
