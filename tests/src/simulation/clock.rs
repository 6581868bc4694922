//! Virtual time: one clock for tokio, the engine, the AWS SDK and the sandbox.

use aws_smithy_async::time::TimeSource;
use engine::ports::Clock;
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// When every history begins: Monday, 5 January 2026, eight o'clock.
pub const BEGINNING: Timestamp = Timestamp::constant(1_767_600_000, 0);

/// Time since the beginning, as tokio's clock has it.
#[derive(Debug, Clone, Copy)]
pub struct VirtualClock {
    started: Instant,
}

impl VirtualClock {
    /// Starts now; the sandbox has to be started at the same instant.
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// How long the history has gone on.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        BEGINNING + SignedDuration::try_from(self.elapsed()).unwrap_or(SignedDuration::MAX)
    }
}

impl TimeSource for VirtualClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(BEGINNING.as_second().unsigned_abs()) + self.elapsed()
    }
}
