//! A service's quota: a token bucket that everybody shares, and that says how long to wait.

use jiff::SignedDuration;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// A bucket, full at first.
#[derive(Debug)]
pub(super) struct Quota {
    capacity: f64,
    per_second: f64,
    left: Mutex<(f64, Instant)>,
}

impl Quota {
    /// So many units at once, and so many more every second.
    pub fn new(capacity: f64, per_second: f64) -> Self {
        Self { capacity, per_second, left: Mutex::new((capacity, Instant::now())) }
    }

    /// Takes units, or nothing.
    ///
    /// # Errors
    /// How long to wait, in whole seconds, as services say it.
    pub fn take(&self, units: f64) -> Result<(), SignedDuration> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (before, at) = *left;
        let refilled = (before + now.duration_since(at).as_secs_f64() * self.per_second).min(self.capacity);
        let taken = refilled + 1e-9 >= units;
        *left = (if taken { refilled - units } else { refilled }, now);
        let missing = (units - refilled) / self.per_second;
        if taken { Ok(()) } else { Err(SignedDuration::from_secs(missing.ceil().max(1.0) as i64)) }
    }
}
