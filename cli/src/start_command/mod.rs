//! `entra-mirror start`: what has to run once after a deployment, followed until both sides agree. It can be repeated: whatever
//! is as it should be stays so.

mod progress;

use anyhow::{Context, bail};
use engine::ports::{Agenda, Clock};
use progress::Progress;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wiring::functions::{Functions, InvocationError};
use wiring::operator;

/// Between two looks at what is still to be done.
const LOOK: Duration = Duration::from_secs(2);
/// Entries of the agenda that are counted; more are "at least" so many.
const COUNTED: usize = 1_000;
/// What `sam deploy` has just made may not answer at once: the role of a new function takes seconds to be known everywhere.
const FIRST_TRIES: u32 = 5;

/// A command line.
#[derive(Debug, Clone)]
pub struct StartOptions {
    /// The stack's name, with which the functions' names begin.
    pub stack: String,
    /// For how long it follows the work, which goes on by itself.
    pub wait: Duration,
    /// Print one JSON object.
    pub json: bool,
}

/// The functions, and what they have to do.
struct Started {
    functions: Functions,
    stack: String,
    agenda: Arc<dyn Agenda>,
    clock: Arc<dyn Clock>,
    progress: Progress,
    deadline: Instant,
}

/// Ensures the subscriptions, reads the assignments, compares everything, and follows the work until another comparison finds
/// nothing to do: then it ends with 0, and with 1 if that is not so in time.
///
/// # Errors
/// When a function is not deployed, or fails.
pub async fn run(options: StartOptions) -> anyhow::Result<ExitCode> {
    let functions = Functions::connect().await?;
    let sweep = format!("{}-sweep", options.stack);
    let table = functions.variables(&sweep).await?.remove("LEDGER_TABLE");
    let table = table.with_context(|| format!("{sweep} has no variable LEDGER_TABLE: deploy again"))?;
    let parts = operator::assemble(Some(table)).await?;
    let started = Started {
        functions,
        stack: options.stack,
        agenda: parts.decisions.agenda,
        clock: parts.clock,
        progress: Progress::new(options.json),
        deadline: Instant::now() + options.wait,
    };
    started.run().await
}

impl Started {
    async fn run(mut self) -> anyhow::Result<ExitCode> {
        let subscriptions = self.first("subscriptions", "subscriptions").await?;
        self.progress.say("Subscriptions: Microsoft Graph tells of changes of users and groups.");
        let assignments = self.invoke("sweep", "assignments").await?;
        let assigned = assignments["assigned"].as_u64().unwrap_or(0);
        self.progress.say(&format!(
            "Assignments: {assigned} users and groups are assigned to the enterprise application."
        ));
        if assigned == 0 {
            self.progress.say(
                "  Assign users or groups in the Entra admin center (Enterprise applications, Users and groups): within a \
                 minute they are mirrored.",
            );
        }
        let (comparisons, agree) = self.until_both_sides_agree().await?;
        if agree {
            self.progress.say("Both sides agree.");
        } else {
            self.progress.say("The time is up; the work goes on by itself. Run this again to follow it.");
        }
        self.progress.conclude(&json!({
            "subscriptions": subscriptions, "assigned": assigned, "comparisons": comparisons, "agree": agree,
        }))?;
        Ok(if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The first call of a system that was deployed a moment ago.
    async fn first(&self, function: &str, look_at: &str) -> anyhow::Result<Value> {
        let mut tries = 1;
        loop {
            match self.invoke(function, look_at).await {
                Err(error)
                    if tries < FIRST_TRIES
                        && error.is::<InvocationError>()
                        && Instant::now() < self.deadline =>
                {
                    self.progress.say(&format!("  {error:#}; it is tried again"));
                    tokio::time::sleep(LOOK * tries).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn invoke(&self, function: &str, look_at: &str) -> anyhow::Result<Value> {
        let name = format!("{}-{function}", self.stack);
        Ok(self.functions.invoke(&name, &json!({"look_at": look_at})).await?)
    }

    /// How often everything was compared, and whether nothing is left to do.
    async fn until_both_sides_agree(&mut self) -> anyhow::Result<(usize, bool)> {
        let mut comparisons = 0;
        let mut look_at = "everything";
        loop {
            let report = self.invoke("sweep", look_at).await?;
            match report["outcome"].as_str() {
                Some("finished") => {
                    comparisons += 1;
                    look_at = "everything";
                    self.progress.compared(&report);
                    if report["planned"] == 0 && self.open().await? == 0 {
                        return Ok((comparisons, true));
                    }
                }
                Some("unfinished") => look_at = "unfinished",
                // The schedule's run is at it, or has ended it meanwhile.
                Some("somebody_else" | "nothing_to_do") => {
                    look_at = "everything";
                    tokio::time::sleep(LOOK).await;
                }
                _ => bail!(
                    "{}-sweep gave an answer that this version does not know: deploy the same version",
                    self.stack
                ),
            }
            if !self.until_nothing_is_due().await? {
                return Ok((comparisons, false));
            }
        }
    }

    /// Follows the work to its end; false if the time is up before.
    async fn until_nothing_is_due(&mut self) -> anyhow::Result<bool> {
        loop {
            let open = self.open().await?;
            self.progress.open(open, COUNTED);
            if open == 0 {
                return Ok(Instant::now() < self.deadline);
            }
            if Instant::now() >= self.deadline {
                return Ok(false);
            }
            // The schedule does it every minute; nobody has to wait for that.
            self.invoke("sweep", "assignments").await?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How much of the agenda is due and not done.
    async fn open(&self) -> anyhow::Result<usize> {
        let due = self.agenda.due(self.clock.now(), COUNTED).await?;
        Ok(due.ready.len() + due.in_flight.len())
    }
}
