//! Finds the binaries that the workspace builds.

use anyhow::{Context, ensure};
use std::path::PathBuf;

/// The path of a built binary, beside the test's own executable.
///
/// # Errors
/// When it is not built.
pub fn built(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("the test's own executable has no path")?;
    let mut folder = own.parent().context("the test's own executable stands in no folder")?;
    if folder.ends_with("deps") {
        folder = folder.parent().context("deps stands in no folder")?;
    }
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        path.is_file(),
        "the binary {name} is not built: use tests/run, or run `cargo build --workspace --bins` first"
    );
    Ok(path)
}
