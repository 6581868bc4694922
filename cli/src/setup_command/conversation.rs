//! Asks before anything is done; a script says beforehand what it wants.

use super::SetupOptions;
use super::report::Report;
use anyhow::{bail, ensure};
use planning::setup::{Setup, Step};
use std::io::{IsTerminal, Write};

/// Whether to go on, and with what.
pub(super) enum Decision {
    /// With these steps.
    Go(Setup),
    /// Nothing is done.
    Stop,
}

/// Decides what of the shown steps is done.
pub(super) fn decide(setup: Setup, options: &SetupOptions, report: &mut Report) -> anyhow::Result<Decision> {
    if setup.is_complete() {
        return Ok(Decision::Go(setup));
    }
    let enables = setup.steps.contains(&Step::EnableFederation);
    if options.yes {
        ensure!(
            !enables || options.enable_federation,
            "outbound identity federation is off in this AWS account, and without it the functions need a secret: allow it to be \
             turned on with --enable-federation, or use --credential secret"
        );
        return Ok(Decision::Go(with_overwrites(setup, options.overwrite, report)));
    }
    ensure!(
        std::io::stdin().is_terminal(),
        "nothing is done, since nobody can be asked here: add --yes to do what is shown"
    );
    let overwrites = setup.steps.iter().any(Step::overwrites);
    let what = if overwrites { "all of this but what is marked with \"!\"" } else { "all of this" };
    if !says_yes(&format!("Do {what}? Only \"yes\" does. "))? {
        return Ok(Decision::Stop);
    }
    let overwrite = options.overwrite
        || (overwrites
            && says_yes("Change what somebody set otherwise, too (marked with \"!\")? Only \"yes\" does. ")?);
    Ok(Decision::Go(with_overwrites(setup, overwrite, report)))
}

fn with_overwrites(setup: Setup, overwrite: bool, report: &mut Report) -> Setup {
    if overwrite {
        return setup;
    }
    setup.steps.iter().filter(|step| step.overwrites()).for_each(|step| report.left(step));
    setup.without_overwrites()
}

fn says_yes(question: &str) -> anyhow::Result<bool> {
    let mut out = std::io::stdout();
    write!(out, "{question}")?;
    out.flush()?;
    let mut answer = String::new();
    if std::io::stdin().read_line(&mut answer)? == 0 {
        bail!("nothing is done, since nobody answers");
    }
    Ok(answer.trim() == "yes")
}
