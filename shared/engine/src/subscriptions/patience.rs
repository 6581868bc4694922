//! Repeats what fails in a way that passes by itself.

use super::telemetry::SubscriptionTelemetry;
use crate::ports::{CallError, Cause, Clock, HandshakeFailure};
use jiff::Timestamp;
use std::time::Duration;

/// Graph often says that the validation request timed out without having sent it; up to ten tries were seen to be needed
/// (msgraph-sdk-dotnet, issue 2805).
const ATTEMPTS: u32 = 10;
/// The first pause; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// What is worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    /// A validation request that timed out.
    Handshake,
    /// And a conflict with a subscription that was taken away a moment ago.
    HandshakeOrConflict,
}

/// Until when to repeat, and whom to tell.
pub(super) struct Patience<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) telemetry: &'a dyn SubscriptionTelemetry,
    /// No try begins after this.
    pub(super) stop_at: Timestamp,
}

impl Patience<'_> {
    /// Calls until it succeeds, fails for good, or the time or the tries are used up.
    pub(super) async fn with<T, F>(&self, passing: Passing, call: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            let error = match call().await {
                Err(error) if passing.covers(&error.cause) => error,
                answer => return answer,
            };
            if self.clock.now() + pause >= self.stop_at {
                return Err(error);
            }
            self.telemetry.retried(&error);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        call().await
    }
}

impl Passing {
    fn covers(self, cause: &Cause) -> bool {
        match cause {
            Cause::Unreachable(HandshakeFailure::TimedOut) => true,
            Cause::Conflict => self == Self::HandshakeOrConflict,
            _ => false,
        }
    }
}
