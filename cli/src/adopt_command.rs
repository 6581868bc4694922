//! `entra-mirror adopt`: takes over what stands in Identity Center already.

use crate::following::follow;
use crate::snapshot_command::store_private;
use anyhow::Context;
use planning::snapshot::{AdoptionList, Candidate, Stored, candidates};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use wiring::operator;

/// Lists what may be adopted.
///
/// # Errors
/// When a side cannot be read completely, or the file cannot be written.
pub async fn list(out: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let snapshot = operator::snapshot_reader(None).await?.read().await?;
    let list = AdoptionList(candidates(&snapshot));
    print(&list.0, json)?;
    if let Some(file) = out {
        let (tenant, application) = (snapshot.tenant.clone(), snapshot.service_principal.clone());
        let stored = Stored::new(tenant, application, snapshot.taken_at, list);
        store_private(file, &serde_json::to_vec_pretty(&stored)?)?;
        writeln!(
            std::io::stderr(),
            "Take out of {0} what is not to be adopted, then `entra-mirror adopt {0}`.",
            file.display()
        )?;
    }
    Ok(())
}

/// Adopts what a reviewed list holds and is still so; true if that was all of it.
///
/// # Errors
/// When the file is no list of this tenant, a side cannot be read completely, or the ledger fails. It can be repeated.
pub async fn adopt(file: &Path, patience: Duration) -> anyhow::Result<bool> {
    let reader = operator::snapshot_reader(None).await?;
    let json = std::fs::read(file).with_context(|| {
        format!("cannot read {}: name a file that `entra-mirror adopt --out LIST` wrote", file.display())
    })?;
    let stored = Stored::<AdoptionList>::read(&json, &reader.tenant, &reader.service_principal);
    let reviewed = stored.with_context(|| file.display().to_string())?.content.0;
    let parts = operator::review().await?;
    // Doubts were reviewed as they stand in the list: with others it is another decision.
    let present: BTreeSet<Candidate> = candidates(&reader.read().await?).into_iter().collect();
    let (mut keys, mut left) = (BTreeSet::new(), 0);
    for candidate in &reviewed {
        let named = format!("{} {} ({})", candidate.kind(), candidate.principal, candidate.object);
        if present.contains(candidate) {
            keys.insert(parts.adoption.adopt(candidate).await?);
            writeln!(std::io::stdout(), "adopted: {named}")?;
        } else {
            left += 1;
            writeln!(std::io::stdout(), "not adopted: {named}: the list is out of date about it; list anew")?;
        }
    }
    let open = follow(parts.watch.as_ref(), keys, patience).await?.len();
    if open > 0 {
        writeln!(std::io::stdout(), "{open} of them are still on the agenda: the mirror goes on by itself.")?;
    }
    Ok(left == 0 && open == 0)
}

fn print(candidates: &[Candidate], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for candidate in candidates {
        if json {
            writeln!(out, "{}", serde_json::to_string(candidate)?)?;
            continue;
        }
        writeln!(out, "{} {}: {}", candidate.kind(), candidate.principal, candidate.object)?;
        for doubt in &candidate.doubts {
            writeln!(out, "  ! {doubt}")?;
        }
    }
    if candidates.is_empty() && !json {
        writeln!(out, "Nothing is to be adopted: what matches somebody in scope is ours already.")?;
    }
    Ok(())
}
