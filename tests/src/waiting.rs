//! Waiting for something to come about, without guessing how long it takes.

use anyhow::bail;
use std::time::{Duration, Instant};

/// What a look came to.
pub enum Seen<T> {
    /// It has come about.
    Expected(T),
    /// Not yet: this was there instead.
    Not(String),
}

/// How long something may take that takes a second on a machine with nothing else to do.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until it is seen; `context` is asked for what else to show if it never is.
///
/// # Errors
/// When it does not come about in time: says what was expected and what was seen last.
pub async fn eventually<T, F>(
    expected: &str,
    mut look: impl FnMut() -> F,
    context: impl FnOnce() -> String,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Seen<T>>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await? {
            Seen::Expected(value) => return Ok(value),
            Seen::Not(seen) if Instant::now() > deadline => {
                bail!("expected within {PATIENCE:?}: {expected}\nseen instead: {seen}\n{}", context());
            }
            Seen::Not(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
