//! `entra-mirror`: the operator's command.

mod arguments;
mod commands;
mod setup_arguments;

use arguments::Arguments;
use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match commands::run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("entra-mirror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
