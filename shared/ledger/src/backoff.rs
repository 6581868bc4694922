//! Short pauses between attempts of what the SDK does not retry by itself.

use std::time::Duration;

/// Attempts of one call, the first one included. Their pauses add up to 1.6 s, which no caller notices;
/// whoever is still busy then is told to come back later.
pub(crate) const ATTEMPTS: u32 = 7;

const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Waits before an attempt, counted from 0, that is not the first; twice as long every time.
pub(crate) async fn pause_before(attempt: u32) {
    if let Some(repeated) = attempt.checked_sub(1) {
        tokio::time::sleep(FIRST_PAUSE * 2_u32.saturating_pow(repeated)).await;
    }
}
