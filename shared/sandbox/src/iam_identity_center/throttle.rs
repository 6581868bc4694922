//! The rate limit of an API: one bucket for each operation, never larger than a second's quota.

use super::answer::Failure;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// Buckets by operation. Kept as the generic cell rate algorithm: one instant says how full a bucket is.
#[derive(Debug, Clone)]
pub(super) struct Throttle {
    per_second: Option<u32>,
    full_again: BTreeMap<String, Timestamp>,
}

impl Throttle {
    /// `None` for no limit.
    pub fn new(per_second: Option<u32>) -> Self {
        Self { per_second, full_again: BTreeMap::new() }
    }

    /// Takes one call out of the operation's bucket. A refused call takes nothing.
    ///
    /// # Errors
    ///
    /// The bucket is empty; it says after how many whole seconds it is not.
    pub fn admit(&mut self, now: Timestamp, operation: &str) -> Result<(), Failure> {
        let Some(per_second) = self.per_second else {
            return Ok(());
        };
        if per_second == 0 {
            return Err(Failure::Throttled { retry_after_seconds: 1 });
        }
        let one_call = SignedDuration::from_nanos_i128(NANOS_PER_SECOND / i128::from(per_second));
        let capacity = one_call * i32::try_from(per_second).unwrap_or(i32::MAX);
        // A bucket is never emptier than empty, even if the clock was set back.
        let full_again = self.full_again.get(operation).copied().unwrap_or(now).clamp(now, now + capacity);
        let wait = full_again + one_call - (now + capacity);

        if wait > SignedDuration::ZERO {
            self.full_again.insert(operation.to_owned(), full_again);
            let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
            return Err(Failure::Throttled { retry_after_seconds: seconds });
        }
        self.full_again.insert(operation.to_owned(), full_again + one_call);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(throttle: &mut Throttle, now: Timestamp, operation: &str, calls: u32) -> u32 {
        (0..calls).filter(|_| throttle.admit(now, operation).is_ok()).count() as u32
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
    }

    #[test]
    fn a_burst_is_no_larger_than_the_quota() {
        let mut throttle = Throttle::new(Some(20));
        assert_eq!(admitted(&mut throttle, at(0), "ListUsers", 100), 20);
        let refused = throttle.admit(at(0), "ListUsers");
        assert_eq!(refused, Err(Failure::Throttled { retry_after_seconds: 1 }));
    }

    #[test]
    fn the_bucket_refills_evenly_and_not_beyond_the_quota() {
        let mut throttle = Throttle::new(Some(20));
        admitted(&mut throttle, at(0), "ListUsers", 20);
        assert_eq!(admitted(&mut throttle, at(49), "ListUsers", 5), 0);
        assert_eq!(admitted(&mut throttle, at(50), "ListUsers", 5), 1);
        assert_eq!(admitted(&mut throttle, at(550), "ListUsers", 50), 10);
        assert_eq!(admitted(&mut throttle, at(60_000), "ListUsers", 100), 20);
    }

    #[test]
    fn a_steady_client_at_the_quota_is_never_refused() {
        let mut throttle = Throttle::new(Some(20));
        let all = (0..1_000).all(|call| throttle.admit(at(call * 50), "ListUsers").is_ok());
        assert!(all, "a call at an even 20 per second was refused");
    }

    #[test]
    fn each_operation_has_its_own_bucket() {
        let mut throttle = Throttle::new(Some(20));
        assert_eq!(admitted(&mut throttle, at(0), "ListUsers", 20), 20);
        assert_eq!(admitted(&mut throttle, at(0), "ListGroups", 20), 20);
    }

    #[test]
    fn who_waits_as_told_is_served() {
        let mut throttle = Throttle::new(Some(3));
        admitted(&mut throttle, at(0), "ListUsers", 3);
        let Err(Failure::Throttled { retry_after_seconds }) = throttle.admit(at(0), "ListUsers") else {
            panic!("the fourth call was served");
        };
        assert_eq!(throttle.admit(at(retry_after_seconds * 1000), "ListUsers"), Ok(()));
    }

    #[test]
    fn a_clock_set_back_does_not_lock_anybody_out() {
        let mut throttle = Throttle::new(Some(20));
        admitted(&mut throttle, at(1_000_000), "ListUsers", 20);
        assert_eq!(admitted(&mut throttle, at(0), "ListUsers", 1), 0);
        assert_eq!(admitted(&mut throttle, at(1_000), "ListUsers", 1), 1);
    }

    #[test]
    fn without_a_limit_everything_is_served() {
        assert_eq!(admitted(&mut Throttle::new(None), at(0), "ListUsers", 1_000), 1_000);
        assert_eq!(admitted(&mut Throttle::new(Some(0)), at(0), "ListUsers", 1), 0);
    }
}
