//! `entra-mirror rules check`: reports every fault of a document of grants.

use crate::snapshot_command::stored;
use anyhow::Context;
use planning::rules::{Document, Fault, Severity};
use planning::snapshot::Snapshot;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Reads the document and prints its faults; true if the rules can be used. With a snapshot also those that only show
/// where accounts, permission sets and groups are known.
///
/// # Errors
/// When a file cannot be read.
pub fn check(file: &Path, snapshot: Option<&Path>, json: bool) -> anyhow::Result<bool> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("cannot read {}: name a text file in UTF-8 that holds the grants", file.display())
    })?;
    let snapshot = snapshot.map(stored).transpose()?;
    let document = Document::read(&text);
    let faults = match snapshot {
        Some(snapshot) => faults_there(&document, &snapshot)?,
        None => document.faults().to_vec(),
    };
    print(file, document.readable().grants.len(), &faults, json)?;
    Ok(faults.iter().all(|fault| fault.severity != Severity::Error))
}

fn faults_there(document: &Document, snapshot: &Snapshot) -> anyhow::Result<Vec<Fault>> {
    let there = snapshot.faults_of(document.readable()).context(
        "the snapshot knows no accounts and permission sets: take it where RULES_PARAMETER is set, or check without it",
    )?;
    let mut faults: Vec<Fault> = document.faults().iter().cloned().chain(there).collect();
    faults.sort();
    faults.dedup();
    Ok(faults)
}

fn print(file: &Path, grants: usize, faults: &[Fault], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        let report = json!({ "file": file.display().to_string(), "grants": grants, "faults": faults });
        return writeln!(out, "{report}").map_err(Into::into);
    }
    for fault in faults {
        writeln!(out, "{}:{fault}", file.display())?;
    }
    let count = |severity| faults.iter().filter(|fault| fault.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    writeln!(
        out,
        "{}: {}, {}, {}",
        file.display(),
        counted(grants, "grant"),
        counted(errors, "error"),
        counted(warnings, "warning")
    )?;
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
