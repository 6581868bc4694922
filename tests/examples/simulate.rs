//! Plays many simulated histories, and says what they came to: see `tests/simulate`.

#![allow(clippy::disallowed_methods, reason = "a command for developers, who name a seed in the environment")]

use anyhow::Context;
use clap::Parser;
use std::process::ExitCode;
use tests::simulation::many::{Plan, Summary, play_many};

/// Plays simulated histories in virtual time; exit code 1 if a property did not hold in one of them.
#[derive(Parser)]
struct Arguments {
    /// How many.
    #[arg(default_value_t = 1_000)]
    histories: u64,
    /// The first one's seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn paused() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
}

fn main() -> anyhow::Result<ExitCode> {
    let Arguments { histories, seed } = Arguments::parse();
    let seeds = seed..seed.checked_add(histories).context("so many seeds there are not")?;
    let summary = play_many(&Plan { seeds, bug: None, one_is_enough: false }, paused)?;
    report(&summary);
    Ok(if summary.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(summary: &Summary) {
    for (seed, report) in &summary.violations {
        if summary.histories == 1 {
            report.journal.iter().for_each(|line| println!("{line}"));
        }
        println!("SEED={seed}: {}", report.violation.as_deref().unwrap_or_default());
    }
    let seconds = summary.took.as_secs_f64();
    println!(
        "histories   {} in {seconds:.1} s, {:.1} a second",
        summary.histories,
        summary.histories as f64 / seconds
    );
    println!(
        "events      {}, in {:.0} hours of virtual time",
        summary.events,
        summary.lasted.as_secs_f64() / 3_600.0
    );
    println!("writes      {} to the identity store", summary.writes);
    println!("violations  {}", summary.violations.len());
    println!("faults      {}", summary.injected.values().sum::<u64>());
    for (kind, times) in &summary.injected {
        println!("  {times:>9}  {kind}");
    }
}
