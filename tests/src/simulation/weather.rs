//! How rough a history is: drawn from its seed.

use super::chaos::Rates;
use super::delivery::DeliveryRates;
use std::time::Duration;

/// What a history is like, and what may be demanded of it.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// How often calls fail.
    pub rates: Rates,
    /// What happens to notifications.
    pub delivery: DeliveryRates,
    /// Services refuse, throttle and hang; reads run behind.
    pub storms: bool,
    /// Somebody changes things in Identity Center by hand.
    pub by_hand: bool,
    /// Members of nested groups count.
    pub flatten: bool,
    /// A membership of ours was called for within this time.
    pub longest_lag: Duration,
    /// What has been called for without a break for this long is not taken away.
    pub longest_misreading: Duration,
}

impl Weather {
    /// The weather of a seed: every fifth history is fair, so that tight bounds are held to somewhere.
    pub fn of(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x77_65_61_74_68_65_72);
        let flatten = random.u32(0..3) == 0;
        let by_hand = random.bool();
        if seed.is_multiple_of(5) {
            return Self::fair(flatten, by_hand);
        }
        let rates = Rates {
            fail: random.u32(0..12),
            lose: random.u32(0..12),
            crash: random.u32(0..6),
            missing_row: random.u32(0..40),
        };
        let delivery = DeliveryRates {
            lost: if random.bool() { random.u32(0..60) } else { 0 },
            late: random.u32(0..150),
            twice: random.u32(0..150),
            latest_seconds: random.u64(1..180),
        };
        Self {
            rates,
            delivery,
            storms: true,
            by_hand,
            flatten,
            longest_lag: Duration::from_mins(60),
            longest_misreading: Duration::from_mins(15),
        }
    }

    /// Nothing goes wrong. An assignment that ends is noticed by the second minute run after it.
    fn fair(flatten: bool, by_hand: bool) -> Self {
        Self {
            rates: Rates::default(),
            delivery: DeliveryRates::default(),
            storms: false,
            by_hand,
            flatten,
            longest_lag: Duration::from_secs(150),
            longest_misreading: Duration::from_secs(150),
        }
    }
}
