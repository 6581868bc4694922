//! What the playground prints: a table as it goes, or one JSON object per step.

use super::driver::Driver;
use super::events::Events;
use comfy_table::{Cell, ColumnConstraint, Table, Width};
use serde::Serialize;

/// One step.
#[derive(Debug, Clone, Serialize)]
pub struct StepReport {
    /// Its name.
    pub step: String,
    /// What happened in Entra ID.
    pub entra: String,
    /// Both sides agree.
    pub converged: bool,
    /// From the notification's arrival (or the poll that found it) to the last write in AWS, in
    /// milliseconds; `None` if nothing was written.
    pub lag_ms: Option<f64>,
    /// Round trips to Microsoft Graph.
    pub graph_calls: u64,
    /// Calls of the Identity Store API.
    pub aws_calls: u64,
    /// What was written, and what was skipped.
    pub aws_changes: Vec<String>,
    /// How the sides differ, where they do.
    pub differences: Vec<String>,
}

/// The whole story.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Always `summary`.
    pub step: &'static str,
    /// How many steps were played.
    pub steps: usize,
    /// Both sides agree at the end, and agreed after every step.
    pub converged: bool,
    /// All round trips to Microsoft Graph.
    pub graph_calls: u64,
    /// All calls of the Identity Store API.
    pub aws_calls: u64,
    /// The longest lag of any step, in milliseconds.
    pub lag_ms: Option<f64>,
}

impl StepReport {
    /// What came of a step, with names instead of Entra's object ids.
    pub async fn of(
        step: &str,
        entra: &str,
        driver: &Driver,
        events: &Events,
        differences: Vec<String>,
    ) -> anyhow::Result<Self> {
        let calls = driver.calls().await?;
        let store = calls["aws"]["identitystore"].as_object();
        let lines = events.changes.iter().chain(&events.skipped);
        Ok(Self {
            step: step.to_owned(),
            entra: entra.to_owned(),
            converged: differences.is_empty() && events.failures == 0,
            lag_ms: events.lags_ms.iter().copied().reduce(f64::max),
            graph_calls: calls["graph"]["round_trips"].as_u64().unwrap_or(0),
            aws_calls: store.into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum(),
            aws_changes: driver.named(lines).await?,
            differences,
        })
    }
}

impl Summary {
    /// Sums up.
    pub fn of(steps: &[StepReport]) -> Self {
        Self {
            step: "summary",
            steps: steps.len(),
            converged: steps.iter().all(|step| step.converged),
            graph_calls: steps.iter().map(|step| step.graph_calls).sum(),
            aws_calls: steps.iter().map(|step| step.aws_calls).sum(),
            lag_ms: steps.iter().filter_map(|step| step.lag_ms).reduce(f64::max),
        }
    }
}

/// Prints a step's part of the table; the heading comes with the first.
pub fn print_row(step: &StepReport, first: bool) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY);
    if first {
        table.set_header(["in Entra ID", "in Identity Center", "lag", "Graph", "AWS", ""]);
    }
    let lag = step.lag_ms.map_or_else(|| "–".to_owned(), |lag| format!("{lag:.1} ms"));
    let agreed = if step.converged { "agree" } else { "DIFFER" };
    let changes =
        if step.aws_changes.is_empty() { "nothing".to_owned() } else { step.aws_changes.join("\n") };
    table.add_row([
        Cell::new(&step.entra),
        Cell::new(changes),
        Cell::new(lag),
        Cell::new(step.graph_calls),
        Cell::new(step.aws_calls),
        Cell::new(agreed),
    ]);
    let widths = [36, 62, 11, 7, 5, 8];
    for (column, width) in table.column_iter_mut().zip(widths) {
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    println!("{table}");
    for difference in &step.differences {
        println!("  {difference}");
    }
}

/// Prints the summary in words.
pub fn print_summary(summary: &Summary) {
    let lag = summary.lag_ms.map_or_else(|| "none".to_owned(), |lag| format!("{lag:.1} ms"));
    let verdict = if summary.converged { "Both sides agree." } else { "The sides DIFFER: see above." };
    println!(
        "{} steps, {} Graph round trips, {} Identity Store calls, longest lag {lag}. {verdict}",
        summary.steps, summary.graph_calls, summary.aws_calls
    );
}
