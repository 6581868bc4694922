//! Histories in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops where its world is not as it should be, and is told its seed by the environment"
)]

use tests::simulation::bugs::Bug;
use tests::simulation::history::{Report, play};
use tests::simulation::many::{Plan, play_many};

fn paused() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()
}

fn played(seed: u64, bug: Option<Bug>) -> Report {
    paused().unwrap().block_on(play(seed, bug)).unwrap()
}

#[test]
fn one() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let began = std::time::Instant::now();
    let report = played(seed, None);
    for line in &report.journal {
        println!("{line}");
    }
    println!("{:?} {:?}", report.violation, began.elapsed());
    println!(
        "{} events, lasted {:?}, writes {}, digest {:x}, {:?}",
        report.events, report.lasted, report.writes, report.digest, report.injected
    );
}

#[test]
fn many() {
    let n = std::env::var("N").ok().and_then(|seed| seed.parse().ok()).unwrap_or(100);
    let summary = play_many(&Plan { seeds: 0..n, bug: None, one_is_enough: false }, paused).unwrap();
    for (seed, report) in &summary.violations {
        println!("SEED={seed} ({:?}) {}", report.lasted, report.violation.as_ref().unwrap());
    }
    println!(
        "{} histories, {} events, {:?} virtual, {} writes, took {:?}\n{:#?}\n{} violations",
        summary.histories,
        summary.events,
        summary.lasted,
        summary.writes,
        summary.took,
        summary.injected,
        summary.violations.len()
    );
}
