//! Short pauses between attempts of what the SDK does not retry by itself.

use std::time::Duration;

/// Attempts of one call, the first one included. Their pauses add up to 1.6 s, which no caller notices;
/// whoever is still busy then is told to come back later.
pub(crate) const ATTEMPTS: u32 = 7;

const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Waits after a failed attempt, counted from 0; twice as long every time.
pub(crate) async fn pause_after(attempt: u32) {
    tokio::time::sleep(FIRST_PAUSE * 2_u32.saturating_pow(attempt)).await;
}
