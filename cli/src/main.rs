//! `entra-mirror`: the operator's command.

use clap::{Args, Parser, Subcommand};
use entra_mirror::holds_command::{self, Choice};
use entra_mirror::{playground, sandbox_command};
use planning::EntraObjectId;
use std::process::ExitCode;
use tokio::task::LocalSet;

/// Makes AWS IAM Identity Center agree with Microsoft Entra ID.
#[derive(Parser)]
#[command(name = "entra-mirror", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves a strict stand-in for Entra ID, Microsoft Graph and IAM Identity Center on the loopback, until
    /// interrupted. The first line is a JSON object with the addresses and what is needed to sign in.
    Sandbox {
        /// The port to listen on; 0 takes a free one.
        #[arg(long, default_value_t = 7400)]
        port: u16,
    },
    /// Plays a story in a sandbox and shows what changes on both sides. Ends with 0 only if they agree.
    Playground {
        /// Print one JSON object per step, and a summary, instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Shows bulk revocations that wait for a decision; with a hold's name, its principals.
    Holds {
        /// The hold.
        hold: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        ledger: LedgerOption,
    },
    /// Approves revocations that are held: what of them is still valid is then done by the mirror.
    Approve {
        #[command(flatten)]
        choice: ChoiceOptions,
        #[command(flatten)]
        ledger: LedgerOption,
    },
    /// Discards revocations that are held: nothing is revoked, and nobody is asked again until Entra ID says
    /// something else about them.
    Discard {
        #[command(flatten)]
        choice: ChoiceOptions,
        #[command(flatten)]
        ledger: LedgerOption,
    },
}

#[derive(Args)]
struct LedgerOption {
    /// The ledger's table, if the variable LEDGER_TABLE does not name it.
    #[arg(long = "ledger", value_name = "TABLE")]
    table: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct ChoiceOptions {
    /// The hold, as `entra-mirror holds` shows it.
    #[arg(conflicts_with = "all")]
    hold: Option<String>,
    /// Only this principal (its object id in Entra ID) of the hold.
    #[arg(long, requires = "hold")]
    principal: Option<EntraObjectId>,
    /// Every hold.
    #[arg(long)]
    all: bool,
}

impl From<ChoiceOptions> for Choice {
    fn from(options: ChoiceOptions) -> Self {
        match options.hold {
            Some(hold) => Choice::Hold { hold: hold.into(), only: options.principal },
            None => Choice::All,
        }
    }
}

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
