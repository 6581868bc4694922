//! `entra-mirror snapshot`, and where other commands take their snapshot from.

use anyhow::Context;
use planning::snapshot::Snapshot;
use std::fs::{OpenOptions, rename};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use wiring::operator;

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// A stored snapshot; without one both sides are read now.
    pub snapshot: Option<PathBuf>,
    /// Rules to play through instead of those in use.
    pub rules: Option<PathBuf>,
}

impl Sides {
    /// Reads the snapshot, or both sides.
    ///
    /// # Errors
    /// When a file cannot be used, a variable is missing, or a side cannot be read completely.
    pub async fn read(&self) -> anyhow::Result<Snapshot> {
        let rules = self.rules.as_deref().map(text_of_rules).transpose()?;
        let snapshot = match &self.snapshot {
            Some(file) => stored(file)?,
            None => operator::snapshot_reader(rules.clone()).await?.read().await?,
        };
        let Some(rules) = rules else { return Ok(snapshot) };
        anyhow::ensure!(
            snapshot.access.is_some(),
            "the snapshot knows no accounts and permission sets, so that rules cannot be played through: \
             take it where RULES_PARAMETER is set"
        );
        Ok(snapshot.with_rules(rules))
    }
}

/// Reads a document of grants.
pub(crate) fn text_of_rules(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| {
        format!("cannot read {}: name a text file in UTF-8 that holds the grants", file.display())
    })
}

/// Reads a stored snapshot of the tenant that is worked on, if that is known.
pub(crate) fn stored(file: &Path) -> anyhow::Result<Snapshot> {
    let json = std::fs::read(file).with_context(|| {
        format!("cannot read {}: name a file that `entra-mirror snapshot FILE` wrote", file.display())
    })?;
    let tenant = operator::tenant()?;
    Snapshot::from_json(&json, tenant.as_ref()).with_context(|| file.display().to_string())
}

/// Stores what both sides hold.
///
/// # Errors
/// When a side cannot be read completely, or the file cannot be written.
pub async fn take(file: &Path) -> anyhow::Result<()> {
    let snapshot = operator::snapshot_reader(None).await?.read().await?;
    store_private(file, &snapshot.to_json()?)?;
    let (entra, store) = (&snapshot.entra, &snapshot.identity_center);
    let memberships: usize = store.memberships.values().map(|members| members.len()).sum();
    writeln!(
        std::io::stdout(),
        "{}: {} users and {} groups of Entra ID, {} users, {} groups and {memberships} memberships of Identity \
         Center. It names people: keep it as you keep a directory.",
        file.display(),
        entra.users.len(),
        entra.groups.len(),
        store.users.len(),
        store.groups.len(),
    )?;
    Ok(())
}

/// Writes a file that only its owner may read; it is there completely, or not at all.
pub(crate) fn store_private(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut name = file.file_name().context("name a file, not a folder")?.to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let write = || {
        let mut open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        open.write_all(content)?;
        open.sync_all()?;
        rename(&part, file)
    };
    write().with_context(|| {
        format!("cannot write {}: name a file in a folder that you may write to", file.display())
    })
}
