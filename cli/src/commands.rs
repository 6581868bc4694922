//! Which command does what, and what it ends with.

use crate::arguments::{Arguments, Command, RulesCommand};
use entra_mirror::plan_command::PlanOptions;
use entra_mirror::start_command::StartOptions;
use entra_mirror::{
    adopt_command, apply_command, certificate_command, doctor_command, explain_command, holds_command,
    plan_command, playground, rules_command, sandbox_command, setup_command, sign_in, snapshot_command,
    start_command,
};
use std::process::ExitCode;
use std::time::Duration;
use tokio::task::LocalSet;
use wiring::deployment;

/// The stack that is set up and started, unless another one is named.
const STACK: &str = "entra-mirror";

/// Does what a command asks for.
pub async fn run(Arguments { command, stack, sign_in }: Arguments) -> anyhow::Result<ExitCode> {
    if command.is_about_a_deployment() {
        if let Some(stack) = &stack {
            deployment::take_variables(stack).await?;
        }
        if sign_in {
            deployment::take_token(&sign_in::to_read().await?);
        }
    }
    let stack = stack.unwrap_or_else(|| STACK.to_owned());
    let done = |()| ExitCode::SUCCESS;
    let judged = |good| if good { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    match command {
        Command::Sandbox { port, empty } => sandbox_command::run(port, empty).await.map(done),
        Command::Start { wait, json } => {
            let wait = Duration::from_secs(wait);
            start_command::run(StartOptions { stack, wait, json }).await
        }
        Command::Setup(options) => setup_command::run(options.of_stack(stack)).await,
        Command::Holds { hold, json, ledger } => {
            holds_command::show(ledger.table, hold.map(Into::into), json).await.map(done)
        }
        Command::Approve { choice, ledger } => {
            holds_command::approve(ledger.table, &choice.into()).await.map(done)
        }
        Command::Discard { choice, ledger } => {
            holds_command::discard(ledger.table, &choice.into()).await.map(done)
        }
        Command::Plan { sides, json, html, only, out } => {
            plan_command::plan(&sides.into(), &PlanOptions { json, html, only, out }).await
        }
        Command::Apply { plan, following } => apply_command::apply(&plan, following.into()).await.map(judged),
        Command::Adopt { list: Some(list), following, .. } => {
            adopt_command::adopt(&list, following.into()).await.map(judged)
        }
        Command::Adopt { list: None, out, json, .. } => {
            adopt_command::list(out.as_deref(), json).await.map(done)
        }
        Command::Doctor { json } => doctor_command::run(json).await,
        Command::Certificate { command } => certificate_command::run(command.into()).await,
        Command::Explain { what, sides, json } => {
            explain_command::explain(&sides.into(), &what, json).await.map(done)
        }
        Command::Snapshot { file } => snapshot_command::take(&file).await.map(done),
        Command::Rules { command: RulesCommand::Check { file, against, json } } => {
            rules_command::check(&file, &against.into(), json).await.map(judged)
        }
        Command::Rules { command: RulesCommand::Push { file, yes } } => {
            rules_command::push(&file, yes).await.map(judged)
        }
        Command::Playground { json } => LocalSet::new().run_until(playground::run(json)).await.map(judged),
    }
}
