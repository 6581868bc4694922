//! `entra-mirror setup`: sets up both sides so that `sam deploy` can follow. Every step is shown, then done; run again it goes
//! on where it stopped, and changes nothing that is as it should be.

mod carry_out;
mod conversation;
mod entra_steps;
mod files;
mod patience;
mod read;
mod report;
mod sides;

use anyhow::bail;
use carry_out::{Carrying, Outcome};
use conversation::Decision;
use planning::setup::{Setup, Step, plan};
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

/// How often it starts over because another set-up was faster.
const TRIES: usize = 3;

/// How the functions are to prove to Entra ID who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// AWS says which role calls.
    Federated,
    /// A client secret in Secrets Manager.
    Secret,
}

/// A command line.
#[derive(Debug, Clone)]
pub struct SetupOptions {
    /// Identity Center's service provider metadata.
    pub aws_metadata: PathBuf,
    /// The address of the AWS access portal.
    pub portal_url: Option<String>,
    /// Who is told of an expiring certificate.
    pub notify: Vec<String>,
    /// The name of an enterprise application that has to be made.
    pub name: String,
    /// The stack's name.
    pub stack: String,
    /// The enterprise application, by its application id.
    pub application: Option<String>,
    /// Make one although there are others.
    pub new_application: bool,
    /// How the functions sign in.
    pub credential: Credential,
    /// Outbound identity federation may be turned on.
    pub enable_federation: bool,
    /// The tenant: its id, or a domain of it.
    pub tenant: Option<String>,
    /// The public client that the operator signs in with.
    pub sign_in_client: Option<String>,
    /// Where `samconfig.toml` is, and files for AWS go.
    pub folder: PathBuf,
    /// Do not ask.
    pub yes: bool,
    /// Change what somebody set otherwise.
    pub overwrite: bool,
    /// Print one JSON object.
    pub json: bool,
    /// Only tell what is not as it should be.
    pub check: bool,
}

/// Sets up, and tells how it ended: 0 if everything is as it should be, 2 if something waits for somebody, or differs.
///
/// # Errors
/// When a file is of a wrong kind, or a side refuses. What was done stays done.
pub async fn run(options: SetupOptions) -> anyhow::Result<ExitCode> {
    let mut sides = sides::connect(&options).await?;
    let mut report = Report::new(options.json, &sides).with_files(&options);
    report.say(&format!(
        "Tenant {} ({}), AWS account {} in {}",
        sides.tenant.display_name, sides.tenant.id, sides.wanted.account, sides.wanted.region
    ))?;
    for _ in 0..TRIES {
        let found = read::everything(&sides, &options).await?;
        let setup = plan(&sides.wanted, &found, sides.now());
        report.show(&setup, &found)?;
        if options.check {
            return report.checked(&setup);
        }
        let setup = match conversation::decide(setup, &options, &mut report)? {
            Decision::Go(setup) => setup,
            Decision::Stop => return report.declined(),
        };
        let mut carrying = Carrying::new(&mut sides, &options, &found);
        if carry_out(&mut carrying, &setup, &mut report).await? == Outcome::StartOver {
            report.say("Another set-up was faster; this one goes on with what that made.")?;
            continue;
        }
        let found = read::settled(&sides, &options, &mut report).await?;
        files::write(&sides, &found, &options, &mut report).await?;
        return report.finished(&sides, &found);
    }
    bail!("other set-ups are under way: wait until they have ended, then run this again")
}

async fn carry_out(
    carrying: &mut Carrying<'_>,
    setup: &Setup,
    report: &mut Report,
) -> anyhow::Result<Outcome> {
    for step in setup.steps.iter().filter(|step| !is_about_files(step)) {
        match carrying.carry_out(step).await? {
            Outcome::StartOver => return Ok(Outcome::StartOver),
            Outcome::Done => report.done(step)?,
            Outcome::Waits { for_whom, link } => report.waits(step, &for_whom, link)?,
        }
    }
    Ok(Outcome::Done)
}

/// Files follow what is found once everything else is done.
fn is_about_files(step: &Step) -> bool {
    matches!(step, Step::WriteFile(_) | Step::WriteParameters)
}
