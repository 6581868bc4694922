//! A whole rotation of the signing certificate in virtual days, with a sign-in before and after every run; and the same
//! done naively, which locks everybody out.

pub mod reports;
pub mod world;

use anyhow::Context;
use comfy_table::{Cell, ColumnConstraint, Table, Width};
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{Retirement, State};
use serde::Serialize;
use world::{Choices, RotationWorld, SignIn};

/// Runs after which a rotation that is not done is never done.
const MOST_RUNS: usize = 600;
/// While nothing but days has to pass, the schedule is played this often.
const STRIDE: SignedDuration = SignedDuration::from_hours(8);
/// The schedule's least pause.
const LEAST: SignedDuration = SignedDuration::from_mins(2);

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
pub struct RotationStep {
    /// Always `certificate`, or `certificate (naive)`.
    pub step: &'static str,
    /// In virtual time.
    pub at: Timestamp,
    /// How far the rotation is; `None` if there is none.
    pub state: Option<State>,
    /// What was written.
    pub writes: Vec<String>,
    /// Sign-ins since the step before, and how many of them failed.
    pub sign_ins: usize,
    /// The failed ones.
    pub failed_sign_ins: usize,
    /// As expected.
    pub converged: bool,
}

/// Plays both; true if not one sign-in failed, and the naive rotation failed.
///
/// # Errors
/// When the sandbox, or the rotation, fails.
pub async fn play(json: bool) -> anyhow::Result<bool> {
    let steps = rotate().await.context("the rotation of the signing certificate")?;
    let naive = naive().await.context("the naive rotation")?;
    for step in steps.iter().chain([&naive]) {
        if json {
            println!("{}", serde_json::to_string(step)?);
        }
    }
    if !json {
        print(&steps, &naive);
    }
    Ok(steps.iter().all(|step| step.converged) && naive.converged)
}

/// A whole rotation, until the certificate before is retired.
///
/// # Errors
/// When the sandbox, or the rotation, fails, or it is never done.
pub async fn rotate() -> anyhow::Result<Vec<RotationStep>> {
    let mut world = RotationWorld::start(Choices::default()).await?;
    world.rotator.policy.retirement = Retirement::Automatic;
    let mut steps = Vec::new();
    let (mut sign_ins, mut failed) = (0, 0);
    let mut state = None;
    let mut has_begun = false;
    for _ in 0..MOST_RUNS {
        let before = world.sign_in().await?;
        world.deliver_events().await?;
        world.run().await?;
        let after = world.sign_in().await?;
        sign_ins += 2;
        failed += [&before, &after].into_iter().filter(|sign_in| !sign_in.accepted).count();
        let reported = world.reports.take();
        let look = reported.look.context("the run did not look")?;
        let now = look.rotation.as_ref().map(|rotation| rotation.state);
        if now != state || !reported.writes.is_empty() {
            let (writes, at) = (reported.writes, look.at);
            let converged = failed == 0;
            steps.push(RotationStep {
                step: "certificate",
                at,
                state: now,
                writes,
                sign_ins,
                failed_sign_ins: failed,
                converged,
            });
            (sign_ins, failed, state) = (0, 0, now);
        }
        has_begun |= now.is_some();
        if has_begun && now.is_none() {
            return Ok(steps);
        }
        world.pass(pause(&world, now).await?).await?;
    }
    anyhow::bail!("the rotation is not done after {MOST_RUNS} runs: it is at {state:?}")
}

/// As long as the schedule waits; longer where an hour more does not matter.
async fn pause(world: &RotationWorld, state: Option<State>) -> anyhow::Result<SignedDuration> {
    use engine::rotation::ports::RotationLedger;
    let due = world.ledger.due().await?.map_or(LEAST, |due| due.duration_since(world.now()));
    let slow = matches!(state, Some(State::Trusted | State::Active | State::Retiring));
    Ok(if slow { due.max(STRIDE) } else { due.max(LEAST) })
}

/// Make one, activate it, and look what happens.
async fn naive() -> anyhow::Result<RotationStep> {
    let world = RotationWorld::start(Choices::default()).await?;
    let certificates = &world.rotator.certificates;
    certificates.add("CN=naive").await?;
    let before = world.sign_in().await?;
    let reading = certificates.list().await?;
    let made = reading.certificates.iter().find(|found| found.display_name == "CN=naive");
    let made = made.context("the new certificate is not there")?;
    certificates.prefer(made.sha1).await?;
    let after: SignIn = world.sign_in().await?;
    let failed = [&before, &after].into_iter().filter(|sign_in| !sign_in.accepted).count();
    Ok(RotationStep {
        step: "certificate (naive)",
        at: world.now(),
        state: None,
        writes: vec!["make a certificate".to_owned(), format!("activate {}", made.sha1)],
        sign_ins: 2,
        failed_sign_ins: failed,
        // It has to fail: that is what a rotation that proves first saves people from.
        converged: before.accepted && !after.accepted,
    })
}

fn print(steps: &[RotationStep], naive: &RotationStep) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY);
    table.set_header(["virtual time", "rotation", "written", "sign-ins", "failed"]);
    for step in steps.iter().chain([naive]) {
        let rotation = match (step.state, step.step) {
            (_, "certificate (naive)") => "naive: activate first".to_owned(),
            (Some(state), _) => format!("{state:?}"),
            (None, _) => "done".to_owned(),
        };
        let written = if step.writes.is_empty() { "nothing".to_owned() } else { step.writes.join("\n") };
        let at = step.at.to_string();
        table.add_row([
            Cell::new(at.get(..16).unwrap_or(&at).replace('T', " ")),
            Cell::new(rotation),
            Cell::new(written),
            Cell::new(step.sign_ins),
            Cell::new(step.failed_sign_ins),
        ]);
    }
    for (column, width) in table.column_iter_mut().zip([18, 23, 74, 10, 8]) {
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    println!("\n{table}");
    let failed: usize = steps.iter().map(|step| step.failed_sign_ins).sum();
    let tried: usize = steps.iter().map(|step| step.sign_ins).sum();
    println!("The signing certificate was rotated in virtual days: {failed} of {tried} sign-ins failed.\n");
}
