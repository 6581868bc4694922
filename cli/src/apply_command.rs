//! `entra-mirror apply`: has done what was reviewed, and nothing else.

use crate::following::follow;
use anyhow::Context;
use planning::snapshot::{Comparison, PrincipalPlan, Stored, WholePlan, compare, plan};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use wiring::operator;

/// Applies a stored plan; true if all that is still called for of it was done.
///
/// # Errors
/// When the file is no plan of this tenant, a side cannot be read completely, or the ledger fails. It can be repeated.
pub async fn apply(file: &Path, patience: Duration) -> anyhow::Result<bool> {
    let reader = operator::snapshot_reader(None).await?;
    let json = std::fs::read(file).with_context(|| {
        format!("cannot read {}: name a file that `entra-mirror plan --out PLAN` wrote", file.display())
    })?;
    let stored = Stored::<WholePlan>::read(&json, &reader.tenant, &reader.service_principal);
    let reviewed = stored.with_context(|| file.display().to_string())?.content;
    let parts = operator::review().await?;
    let snapshot = reader.read().await?;
    let comparison = compare(&reviewed, &plan(&snapshot)?);
    print_difference(&comparison)?;
    let mut keys = BTreeSet::new();
    for plan in &comparison.valid {
        keys.insert(parts.work.put(plan, &snapshot).await?);
    }
    let open = follow(parts.watch.as_ref(), keys, patience).await?;
    // What was done is seen where it was done.
    let present = plan(&reader.read().await?)?;
    let left = print_outcome(&comparison.valid, &present)?;
    if !open.is_empty() {
        let open = open.len();
        writeln!(std::io::stdout(), "{open} of them are still on the agenda: the mirror goes on by itself.")?;
    }
    Ok(left == 0)
}

fn print_difference(comparison: &Comparison) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (principal, change) in &comparison.settled {
        writeln!(out, "no longer called for: {principal}: {change}")?;
    }
    for differing in &comparison.differing {
        writeln!(out, "not done by this plan, which does not show it: {}", differing.principal)?;
        for change in &differing.unreviewed {
            writeln!(out, "  {change}")?;
        }
    }
    Ok(())
}

/// Prints change by change; answers how many are not done.
fn print_outcome(applied: &[PrincipalPlan], present: &WholePlan) -> anyhow::Result<usize> {
    let mut out = std::io::stdout().lock();
    let (mut done, mut left) = (0, 0);
    for plan in applied {
        let of_it =
            |other: &&PrincipalPlan| other.kind == plan.kind && other.principal.id == plan.principal.id;
        let now = present.principals.iter().find(of_it);
        for (change, _) in &plan.changes {
            let is_open = now.is_some_and(|now| now.changes.iter().any(|(other, _)| other == change));
            let how = if is_open { "NOT YET" } else { "done" };
            writeln!(out, "{how}: {} {}: {change}", plan.kind, plan.principal)?;
            if is_open { left += 1 } else { done += 1 }
        }
        for line in now.into_iter().flat_map(|now| now.skipped.iter().chain(&now.held)) {
            writeln!(out, "  ! {line}")?;
        }
    }
    writeln!(out, "{done} done, {left} not done.")?;
    Ok(left)
}
