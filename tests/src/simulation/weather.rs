//! How rough a history is: drawn from its seed.

use super::chaos::Rates;
use super::delivery::DeliveryRates;
use std::time::Duration;

/// As the product has it unless told otherwise.
const WEEK: Duration = Duration::from_hours(7 * 24);

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
    /// Groups have account assignments by rules.
    pub access: bool,
    /// There are many people in many groups, and many of them move at once.
    pub crowd: bool,
    /// How long a tombstone stands.
    pub grace: Duration,
    /// When the first full sweep runs; others follow every hour.
    pub first_full_sweep: Duration,
    /// A membership of ours was called for within this time.
    pub longest_lag: Duration,
    /// The same where the product was not told, so that a full sweep has to find out.
    pub longest_untold: Duration,
    /// What has been called for without a break for this long is not taken away.
    pub longest_misreading: Duration,
}

impl Weather {
    /// The weather of a seed: every fifth history is fair, so that tight bounds are held to somewhere.
    pub fn of(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x77_65_61_74_68_65_72);
        let fair = Self {
            flatten: random.u32(0..3) == 0,
            by_hand: random.bool(),
            access: seed % 4 == 2,
            crowd: seed % 8 == 3,
            grace: random.choice([Duration::from_mins(40), WEEK]).unwrap_or(WEEK),
            first_full_sweep: Duration::from_mins(random.u64(5..60)),
            ..Self::fair()
        };
        if seed.is_multiple_of(5) {
            return fair;
        }
        let rates = Rates {
            fail: random.u32(0..12),
            lose: random.u32(0..12),
            crash: random.u32(0..6),
            missing_row: random.u32(0..40),
            undeleted: random.u32(0..10),
        };
        let delivery = DeliveryRates {
            lost: if random.bool() { random.u32(0..60) } else { 0 },
            late: random.u32(0..150),
            twice: random.u32(0..150),
            bare: if random.bool() { 1_000 } else { random.u32(0..300) },
            latest_seconds: random.u64(1..180),
        };
        Self {
            rates,
            delivery,
            storms: true,
            // Where many wait for their turn, and functions die, an operator's word takes a while to be carried out.
            // Account assignments make a handling longer, and any of its calls may be its last.
            longest_lag: Duration::from_mins(match (fair.crowd, fair.access) {
                (true, _) => 45,
                (_, true) => 25,
                (false, false) => 17,
            }),
            longest_untold: Duration::from_mins(200),
            longest_misreading: Duration::from_mins(15),
            ..fair
        }
    }

    /// Nothing goes wrong. An assignment that ends is noticed by the second minute run after it; what two mirrors
    /// do at the same time is looked at again after five minutes.
    pub fn fair() -> Self {
        Self {
            rates: Rates::default(),
            delivery: DeliveryRates::default(),
            storms: false,
            by_hand: false,
            flatten: false,
            access: false,
            crowd: false,
            grace: WEEK,
            first_full_sweep: Duration::from_mins(60),
            longest_lag: Duration::from_secs(390),
            longest_untold: Duration::from_mins(70),
            longest_misreading: Duration::from_secs(150),
        }
    }
}
