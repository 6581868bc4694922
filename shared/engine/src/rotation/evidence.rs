//! What the counted sign-ins say about an activation.

use super::ports::SignInCount;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{SignIns, days};

/// Sign-ins of so many days before are what is usual.
pub(super) const BEFORE: SignedDuration = days(7);
/// From then on what succeeds was signed by what was activated.
const GRACE: SignedDuration = SignedDuration::from_mins(15);
/// A target that does not trust a certificate refuses everybody. So a few failures more than usual are none of it: what is
/// usual counts twice, and a fifth of all is usual anywhere (people press "cancel").
const LEAST_BASELINE: u32 = 200;
/// However bad it is usually, eight of ten is worse.
const MOST_BASELINE: u32 = 800;

/// Judges the counts since [`BEFORE`] the activation. `None` if there is not one: then nobody records sign-ins here, and
/// failing ones would not be seen.
pub(super) fn judge(counts: &[SignInCount], activated_at: Option<Timestamp>) -> Option<SignIns> {
    if counts.is_empty() {
        return None;
    }
    let Some(activated_at) = activated_at else { return Some(SignIns::default()) };
    let sum = |is: &dyn Fn(&&SignInCount) -> bool, of: fn(&SignInCount) -> u32| -> u32 {
        counts.iter().filter(is).map(of).fold(0, u32::saturating_add)
    };
    let since = |count: &&SignInCount| count.minute >= activated_at;
    let before = |count: &&SignInCount| count.minute < activated_at;
    let settled = |count: &&SignInCount| count.minute.duration_since(activated_at) >= GRACE;
    let (good, bad) = (sum(&before, |count| count.successes), sum(&before, |count| count.failures));
    Some(SignIns {
        successes: sum(&since, |count| count.successes),
        settled_successes: sum(&settled, |count| count.successes),
        failures: sum(&since, |count| count.failures),
        baseline_per_mille: baseline(good, bad),
    })
}

fn baseline(good: u32, bad: u32) -> u32 {
    let all = u64::from(good) + u64::from(bad);
    let per_mille = (u64::from(bad) * 2_000).checked_div(all).unwrap_or_default();
    u32::try_from(per_mille).unwrap_or(MOST_BASELINE).clamp(LEAST_BASELINE, MOST_BASELINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(minute: i64, successes: u32, failures: u32) -> SignInCount {
        SignInCount { minute: Timestamp::from_second(minute * 60).unwrap(), successes, failures }
    }

    fn at(minute: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(minute * 60).unwrap())
    }

    #[test]
    fn where_nobody_records_sign_ins_there_is_no_evidence() {
        assert_eq!(judge(&[], at(100)), None);
    }

    #[test]
    fn what_succeeds_proves_the_certificate_only_after_the_time_of_grace() {
        let seen = judge(&[count(101, 9, 0)], at(100)).unwrap();
        assert!(!seen.are_proof(), "it may have been signed by the one before");
        assert!(judge(&[count(115, 9, 0)], at(100)).unwrap().are_proof());
    }

    #[test]
    fn everybody_failing_is_seen_whatever_is_usual() {
        for (good, bad) in [(0, 0), (1_000, 10), (10, 1_000)] {
            let seen = judge(&[count(1, good, bad), count(101, 0, 5)], at(100)).unwrap();
            assert!(seen.are_failing(), "{good} good and {bad} bad before");
        }
    }

    #[test]
    fn a_few_failures_among_many_successes_are_usual() {
        let seen = judge(&[count(1, 100, 0), count(101, 45, 5)], at(100)).unwrap();
        assert!(!seen.are_failing());
        let seen = judge(&[count(1, 70, 30), count(101, 50, 50)], at(100)).unwrap();
        assert!(!seen.are_failing(), "twice what is usual");
    }
}
