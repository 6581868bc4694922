//! `entra-mirror`: the operator's command.

mod arguments;

use arguments::{Arguments, Command, RulesCommand};
use clap::Parser;
use entra_mirror::{certificate_command, holds_command, playground, rules_command, sandbox_command};
use std::process::ExitCode;
use tokio::task::LocalSet;

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Sandbox { port } => sandbox_command::run(port).await.map(|()| true),
        Command::Holds { hold, json, ledger } => {
            holds_command::show(ledger.table, hold.map(Into::into), json).await.map(|()| true)
        }
        Command::Approve { choice, ledger } => {
            holds_command::approve(ledger.table, &choice.into()).await.map(|()| true)
        }
        Command::Discard { choice, ledger } => {
            holds_command::discard(ledger.table, &choice.into()).await.map(|()| true)
        }
        Command::Certificate { command } => {
            let (asked, output) = command.split();
            return certificate_command::run(output.ledger.table, asked, output.json).await;
        }
        Command::Rules { command: RulesCommand::Check { file, json } } => rules_command::check(&file, json),
        Command::Playground { json } => LocalSet::new().run_until(playground::run(json)).await,
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("entra-mirror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
