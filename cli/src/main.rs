//! `entra-mirror`: the operator's command.

use clap::{Parser, Subcommand};
use entra_mirror::{playground, sandbox_command};
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
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Sandbox { port } => sandbox_command::run(port).await.map(|()| true),
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
