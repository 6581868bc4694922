//! `entra-mirror rules check`: reports every fault of a document of grants.

use anyhow::Context;
use planning::rules::{Document, Severity};
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// Reads the document and prints its faults; true if the rules can be used.
///
/// # Errors
/// When the file cannot be read.
pub fn check(file: &Path, json: bool) -> anyhow::Result<bool> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("cannot read {}: name a text file in UTF-8 that holds the grants", file.display())
    })?;
    let document = Document::read(&text);
    print(file, &document, json)?;
    Ok(document.into_rules().is_ok())
}

fn print(file: &Path, document: &Document, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let (grants, faults) = (document.readable().grants.len(), document.faults());
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
