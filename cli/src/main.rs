//! `entra-mirror`: the operator's command.

mod arguments;
mod dispatch;

use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match dispatch::run(arguments::Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("entra-mirror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
