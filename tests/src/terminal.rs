//! A terminal at which somebody has typed answers ahead.

use anyhow::Context;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;

/// Somebody's end of it. Whoever reads at the other end finds nobody there when this is dropped.
pub struct Terminal {
    _ours: File,
}

impl Terminal {
    /// A terminal, and its other end, for a program's standard input.
    ///
    /// # Errors
    /// When the machine gives none.
    pub fn open(typed: &str) -> anyhow::Result<(Self, Stdio)> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).context("there is no terminal")?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let theirs = Path::new(OsStr::from_bytes(name.as_bytes()));
        let theirs = File::options().read(true).write(true).open(theirs)?;
        let mut ours = File::from(ours);
        ours.write_all(typed.as_bytes())?;
        Ok((Self { _ours: ours }, theirs.into()))
    }
}
