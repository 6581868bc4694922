//! The system's clock.

use engine::ports::Clock;
use jiff::Timestamp;

/// The time of day as the operating system has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
