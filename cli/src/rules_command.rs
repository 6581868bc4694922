//! `entra-mirror rules check` and `rules push`: finds every fault of a document of grants, shows what it would change, and
//! puts it in force.

use crate::snapshot_command::{stored, text_of_rules};
use anyhow::Context;
use planning::rules::{Document, Fault, Severity};
use planning::snapshot::{self, Snapshot};
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use wiring::operator;

/// Where accounts, permission sets and groups are looked up.
#[derive(Debug, Clone)]
pub enum Against {
    /// Nowhere: the document alone is checked.
    Nothing,
    /// In a stored snapshot.
    Snapshot(PathBuf),
    /// In both sides, now.
    BothSides,
}

/// Reads the document and prints its faults; true if the rules can be used.
///
/// # Errors
/// When a file cannot be read, or a side that is asked for.
pub async fn check(file: &Path, against: &Against, json: bool) -> anyhow::Result<bool> {
    let text = text_of_rules(file)?;
    let document = Document::read(&text);
    let snapshot = match against {
        Against::Nothing => None,
        Against::Snapshot(stored_in) => Some(stored(stored_in)?),
        Against::BothSides => Some(both_sides(text).await?),
    };
    let faults = match snapshot {
        Some(snapshot) => faults_there(&document, &snapshot)?,
        None => document.faults().to_vec(),
    };
    print(file, document.readable().grants.len(), &faults, json)?;
    Ok(is_usable(&faults))
}

/// Checks the document against both sides, shows what it would change in account assignments, asks unless `yes`, and
/// stores it in the parameter of the rules; true if the rules are then in use. The functions do the rest.
///
/// # Errors
/// When the file or a side cannot be read, nobody can be asked, or the parameter cannot be written.
pub async fn push(file: &Path, yes: bool) -> anyhow::Result<bool> {
    let text = text_of_rules(file)?;
    let parameter = operator::rules_parameter().await?;
    let document = Document::read(&text);
    // Faults of the text alone are told without reading both sides.
    if !is_usable(document.faults()) {
        print(file, document.readable().grants.len(), document.faults(), false)?;
        return Ok(false);
    }
    if parameter.text_if_any().await?.as_ref() == Some(&text) {
        writeln!(std::io::stdout(), "{} holds these rules already", parameter.name())?;
        return Ok(true);
    }
    let snapshot = both_sides(text.clone()).await?;
    let faults = faults_there(&document, &snapshot)?;
    print(file, document.readable().grants.len(), &faults, false)?;
    if !is_usable(&faults) {
        return Ok(false);
    }
    write!(std::io::stdout(), "{}", snapshot::plan(&snapshot)?.only_access())?;
    if !yes && !is_confirmed(parameter.name())? {
        writeln!(std::io::stdout(), "nothing is stored")?;
        return Ok(false);
    }
    parameter.store(&text).await?;
    writeln!(std::io::stdout(), "stored in {}; the functions see it within a minute", parameter.name())?;
    Ok(true)
}

fn is_confirmed(parameter: &str) -> anyhow::Result<bool> {
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "nothing is stored, since nobody can be asked here: add --yes to store the rules without a question"
    );
    write!(std::io::stdout(), "Store these rules in {parameter}? Only \"yes\" does. ")?;
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

async fn both_sides(rules: String) -> anyhow::Result<Snapshot> {
    Ok(operator::snapshot_reader(Some(rules)).await?.read().await?)
}

fn is_usable(faults: &[Fault]) -> bool {
    faults.iter().all(|fault| fault.severity != Severity::Error)
}

fn faults_there(document: &Document, snapshot: &Snapshot) -> anyhow::Result<Vec<Fault>> {
    let there = snapshot.faults_of(document.readable()).context(
        "accounts and permission sets are not known: set RULES_PARAMETER (where a snapshot is used: where it is \
         taken), or check without them",
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
