//! `entra-mirror doctor`: checks what a person would check.

use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use wiring::doctor;

/// Looks at everything at once and prints a line for each finding, or one JSON object. Tells how it ended: 0, 2 if somebody
/// should do something, 1 if something does not work.
///
/// # Errors
/// When a variable is missing or wrong: then nothing can be looked at.
pub async fn run(json: bool) -> anyhow::Result<ExitCode> {
    let report = doctor::assemble().await?.examine().await;
    let text = if json {
        json!({"health": report.health(), "findings": report.findings}).to_string()
    } else {
        report.to_string()
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::from(report.exit_code()))
}
