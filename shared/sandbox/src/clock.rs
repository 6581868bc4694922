//! The sandbox's time: it runs with tokio's clock, so that tests may pause it, and can be put forward.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that starts at a given time.
#[derive(Debug, Clone, Copy)]
pub struct SandboxClock {
    start: Timestamp,
    started: Option<Instant>,
    ahead: SignedDuration,
}

impl SandboxClock {
    /// Starts now. Runs from the first look at it.
    pub fn new(start: Timestamp) -> Self {
        Self { start, started: None, ahead: SignedDuration::ZERO }
    }

    /// The time.
    pub fn now(&mut self) -> Timestamp {
        let started = *self.started.get_or_insert_with(Instant::now);
        let passed = SignedDuration::try_from(started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start + passed + self.ahead
    }

    /// Puts the clock forward.
    pub fn advance(&mut self, by: SignedDuration) {
        self.ahead += by;
    }
}
