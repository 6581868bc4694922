//! The pace of the full sweep: reads of the identity store at its quota, and no faster.

use async_trait::async_trait;
use engine::sweep::ports::Pace;
use jiff::SignedDuration;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Identity Center takes 20 calls of each API of the identity store per second (quotas page, June 2026).
const INTERVAL: Duration = Duration::from_millis(50);

/// Turns that were missed are caught up, but no more than these: the mirror reads, too.
const CATCH_UP: u32 = 4;

/// One turn after the other, evenly.
#[derive(Debug)]
pub struct EvenPace {
    next: Mutex<Instant>,
}

impl Default for EvenPace {
    fn default() -> Self {
        Self { next: Mutex::new(Instant::now()) }
    }
}

#[async_trait]
impl Pace for EvenPace {
    async fn turn(&self) {
        let now = Instant::now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let earliest = now.checked_sub(INTERVAL * CATCH_UP).unwrap_or(now);
            let turn = earliest.max(*next);
            *next = turn + INTERVAL;
            turn
        };
        tokio::time::sleep_until(turn).await;
    }

    async fn rest(&self, time: SignedDuration) {
        tokio::time::sleep(time.unsigned_abs()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn twenty_turns_a_second_and_no_burst_after_a_pause() {
        let pace = EvenPace::default();
        tokio::time::advance(Duration::from_mins(1)).await;
        let start = Instant::now();
        for _ in 0..100 {
            pace.turn().await;
        }
        let took = start.elapsed();
        assert!(took >= INTERVAL * (99 - CATCH_UP), "100 turns in {took:?}");
        assert!(took <= INTERVAL * 100, "100 turns in {took:?}");
    }
}
