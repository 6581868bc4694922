//! Follows work on the agenda to its end.

use engine::agenda::AgendaKey;
use engine::reviewed::AgendaWatch;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// The time between two looks: work moves at twenty writes a second.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until all of it is done, showing how far it is where somebody watches; answers what is not done after `patience`.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) async fn follow(
    watch: &dyn AgendaWatch,
    mut open: BTreeSet<AgendaKey>,
    patience: Duration,
) -> anyhow::Result<BTreeSet<AgendaKey>> {
    let all = open.len() as u64;
    let bar = ProgressBar::new(all);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos} of {len} done, {elapsed}")?);
    let deadline = Instant::now() + patience;
    loop {
        open = watch.open(&open).await?;
        bar.set_position(all - open.len() as u64);
        if open.is_empty() || Instant::now() >= deadline {
            bar.finish_and_clear();
            return Ok(open);
        }
        tokio::time::sleep(LOOK).await;
    }
}
