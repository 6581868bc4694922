//! What was just made is not seen everywhere at once: calls about it are tried again for a while.

use engine::ports::{CallError, Cause};
use std::time::Duration;
use tokio::time::Instant;

/// For so long (application-saml-sso-configure-api: "several minutes" for certificates).
const PATIENCE: Duration = Duration::from_mins(4);
/// The first pause; it grows to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// The pauses between two tries.
pub(super) struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    pub fn new() -> Self {
        Self { end: Instant::now() + PATIENCE, pause: PAUSE }
    }

    /// Waits a little; false if there was enough waiting.
    pub async fn waits(&mut self) -> bool {
        if Instant::now() + self.pause > self.end {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 3 / 2).min(LONGEST);
        true
    }
}

/// Makes a call until it does not fail because something new is not seen.
pub(super) async fn settled<T>(mut call: impl AsyncFnMut() -> Result<T, CallError>) -> Result<T, CallError> {
    let mut patience = Patience::new();
    loop {
        match call().await {
            Err(error) if is_unseen(&error.cause) => {
                if !patience.waits().await {
                    return Err(error);
                }
            }
            answered => return answered,
        }
    }
}

/// Reads until nothing of what is read is "not found": a part of something new is not seen by every read.
pub(super) async fn seen<T>(mut read: impl AsyncFnMut() -> Result<T, CallError>) -> Result<T, CallError> {
    let mut patience = Patience::new();
    loop {
        match read().await {
            Err(error) if error.cause == Cause::NotFound => {
                if !patience.waits().await {
                    return Err(error);
                }
            }
            answered => return answered,
        }
    }
}

/// Graph says "not found", or refuses what names it.
fn is_unseen(cause: &Cause) -> bool {
    matches!(cause, Cause::NotFound | Cause::Refused { .. })
}
