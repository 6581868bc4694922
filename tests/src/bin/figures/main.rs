//! Measures the figures that the project holds itself to; `tests/bench` builds and starts it.

mod access;
mod alone;
mod calls;
mod certificate;
mod cold_start;
mod doctor;
mod figure;
mod first_https;
mod full_sweep;
mod lag;
mod load;
mod memory;
mod notifications;
mod review;
mod rotation;
mod setup;
mod start;
mod statistics;
mod subscriptions;
mod tls_endpoint;
mod webhook_rate;
mod world;

use alone::Subject;
use anyhow::{Context, ensure};
use clap::Parser;
use figure::Figure;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::task::LocalSet;

/// A time is measured again before it counts as missed: other work on the machine may have disturbed it.
const TRIES: u32 = 3;

/// Measures the figures that the project holds itself to. Ends with 0 only if every bound is met.
#[derive(Parser)]
#[command(name = "tests/bench")]
struct Arguments {
    /// Measure only the figures whose name starts with this.
    #[arg(default_value = "")]
    name_prefix: String,
    /// Print one JSON object per figure instead of a line of text.
    #[arg(long)]
    json: bool,
    /// PEM file with a certificate for localhost and its key.
    #[arg(long, required_unless_present = "alone")]
    certificate: Option<PathBuf>,
    /// Measure this in this process, and print its cost as JSON.
    #[arg(long, hide = true, requires = "users")]
    alone: Option<Subject>,
    /// Of how many users.
    #[arg(long, hide = true)]
    users: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let measured = match (arguments.alone, arguments.users) {
        // Virtual time is a runtime's own, and such a measurement has none but that.
        (Some(subject), Some(users)) => {
            alone::measure(subject, users).and_then(|cost| say(&cost)).map(|()| true)
        }
        _ => measure_all(&arguments),
    };
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            warn_if_busy();
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tests/bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn measure_all(arguments: &Arguments) -> anyhow::Result<bool> {
    let local = LocalSet::new();
    tokio::select! {
        measured = local.run_until(measure(arguments)) => measured,
        // Leaving here drops, and so stops, whatever was started.
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    }
}

/// True if every figure that was asked for meets its bound.
async fn measure(arguments: &Arguments) -> anyhow::Result<bool> {
    let wanted = |name: &str| name.starts_with(&arguments.name_prefix);
    let names = names();
    ensure!(
        names.iter().any(|name| wanted(name)),
        "no figure's name starts with {:?}; there are {}",
        arguments.name_prefix,
        names.join(", ")
    );
    let mut all_met = true;
    let mut print = |figures: Vec<Figure>| -> anyhow::Result<()> {
        for figure in figures.iter().filter(|figure| wanted(&figure.name)) {
            all_met &= figure.is_met();
            let line = if arguments.json { figure.json()? } else { figure.to_string() };
            say(&line)?;
        }
        Ok(())
    };
    let certificate = arguments.certificate.as_ref().context("--certificate names none")?;
    print(calls::measure(wanted).await?)?;
    print(full_sweep::measure(wanted).await?)?;
    print(load::measure(wanted).await?)?;
    print(access::measure(wanted).await?)?;
    if rotation::NAMES.into_iter().any(wanted) {
        print(rotation::measure().into())?;
    }
    if certificate::NAMES.into_iter().any(wanted) {
        print(certificate::measure().await?)?;
    }
    if subscriptions::NAMES.into_iter().any(wanted) {
        print(subscriptions::measure().await?)?;
    }
    if review::NAMES.into_iter().any(wanted) {
        print(review::measure().await?.into())?;
    }
    if setup::NAMES.into_iter().any(wanted) {
        print(setup::measure().await?)?;
    }
    if wanted(doctor::NAME) {
        print(repeated(async || Ok(vec![doctor::measure().await?])).await?)?;
    }
    if lag::NAMES.into_iter().any(wanted) {
        print(repeated(async || lag::measure().await).await?)?;
    }
    if wanted(cold_start::NAME) {
        print(repeated(async || Ok(vec![cold_start::measure().await?])).await?)?;
    }
    for function in start::FUNCTIONS {
        if wanted(&start::name(function)) {
            print(repeated(async || Ok(vec![start::measure(function)?])).await?)?;
        }
        if wanted(&first_https::name(function)) {
            print(repeated(async || Ok(vec![first_https::measure(function, certificate).await?])).await?)?;
        }
    }
    if memory::NAMES.into_iter().any(wanted) {
        print(memory::measure().await?)?;
    }
    if wanted(webhook_rate::NAME) {
        print(repeated(async || Ok(vec![webhook_rate::measure()?])).await?)?;
    }
    Ok(all_met)
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

fn names() -> Vec<String> {
    let mut names = calls::names();
    names.extend(full_sweep::names());
    names.extend(load::NAMES.map(str::to_owned));
    names.extend(access::NAMES.map(str::to_owned));
    names.extend(rotation::NAMES.map(str::to_owned));
    names.extend(certificate::NAMES.map(str::to_owned));
    names.extend(subscriptions::NAMES.map(str::to_owned));
    names.extend(review::NAMES.map(str::to_owned));
    names.extend(setup::NAMES.map(str::to_owned));
    names.push(doctor::NAME.to_owned());
    names.extend(lag::NAMES.map(str::to_owned));
    names.push(cold_start::NAME.to_owned());
    names.extend(start::FUNCTIONS.iter().flat_map(|name| [start::name(name), first_https::name(name)]));
    names.extend(memory::NAMES.map(str::to_owned));
    names.push(webhook_rate::NAME.to_owned());
    names
}

/// Measures times again while one of them is missed; each figure says how often it was measured.
async fn repeated(measure: impl AsyncFn() -> anyhow::Result<Vec<Figure>>) -> anyhow::Result<Vec<Figure>> {
    let mut tries = 1;
    loop {
        let figures = measure().await?;
        if tries == TRIES || figures.iter().all(Figure::is_met) {
            return Ok(figures.into_iter().map(|figure| Figure { tries, ..figure }).collect());
        }
        tries += 1;
    }
}

/// A missed time says little on a machine that is busy with something else.
fn warn_if_busy() {
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load = load.and_then(|text| text.split(' ').next().and_then(|load| load.parse::<f64>().ok()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if let Some(load) = load.filter(|load| *load > cores as f64) {
        eprintln!(
            "tests/bench: this machine is busy (load {load} on {cores} cores): measure times again when it is not"
        );
    }
}

/// Done when the process is asked to stop. Without signal handlers it stops at once, as ever.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
