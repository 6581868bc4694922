//! `entra-mirror`: the operator's command.

mod arguments;
mod commands;
mod setup_arguments;

use arguments::Arguments;
use clap::Parser;
use std::process::ExitCode;
use wiring::configuration::ConfigurationError;
use wiring::operator::OperatorError;

#[tokio::main]
async fn main() -> ExitCode {
    match commands::run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("entra-mirror: {error:#}");
            if lacks_a_variable(&error) {
                eprintln!("Or name the stack, whose functions run with it: --stack entra-mirror");
            }
            ExitCode::FAILURE
        }
    }
}

fn lacks_a_variable(error: &anyhow::Error) -> bool {
    let configuration = match error.downcast_ref::<OperatorError>() {
        Some(OperatorError::Configuration(error)) => Some(error),
        _ => error.downcast_ref::<ConfigurationError>(),
    };
    // Where the system is deployed has to be known before its functions can be asked.
    let missing = |error: &ConfigurationError| matches!(error, ConfigurationError::Missing { name, .. } if !name.starts_with("AWS_"));
    configuration.is_some_and(missing)
}
