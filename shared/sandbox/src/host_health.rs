//! What Graph thinks of a webhook's host: slow ones are served late, very slow ones not at all
//! (change-notifications-delivery-webhooks, 2026-04-22; the least number of answers is from its text of 2023).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Over which time a host is judged.
const WINDOW: Duration = Duration::from_secs(600);
/// With fewer answers than these a host is not judged.
const LEAST_ANSWERS: usize = 100;
/// A slower answer counts as slow.
const SLOW: Duration = Duration::from_secs(3);
/// A slower answer counts as very slow.
const VERY_SLOW: Duration = Duration::from_secs(10);
/// Percent of slow answers from which new notifications wait for a window.
const SLOW_PERCENT: usize = 10;
/// Percent of very slow answers from which new notifications are dropped for a window.
const DROP_PERCENT: usize = 15;

/// What becomes of a new notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent at once.
    Send,
    /// It is sent after so long.
    Delay(Duration),
    /// It is lost.
    Drop,
}

/// The answers of every host within the window.
#[derive(Debug, Default)]
pub struct HostHealth(BTreeMap<String, VecDeque<(Instant, Duration)>>);

impl HostHealth {
    /// Takes note of how long an attempt took.
    pub fn note(&mut self, url: &str, at: Instant, took: Duration) {
        self.0.entry(host(url)).or_default().push_back((at, took));
    }

    /// What becomes of a notification for this address now.
    pub fn verdict(&mut self, url: &str, now: Instant) -> Verdict {
        let Some(answers) = self.0.get_mut(&host(url)) else { return Verdict::Send };
        while answers.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW) {
            answers.pop_front();
        }
        let all = answers.len();
        let share = |limit: Duration| answers.iter().filter(|(_, took)| *took >= limit).count() * 100;
        if all < LEAST_ANSWERS {
            Verdict::Send
        } else if share(VERY_SLOW) > DROP_PERCENT * all {
            Verdict::Drop
        } else if share(SLOW) > SLOW_PERCENT * all {
            Verdict::Delay(WINDOW)
        } else {
            Verdict::Send
        }
    }
}

/// All subscriptions of one host share its fate.
fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    url.and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://webhook.example/notify";

    fn after(slow: usize, very_slow: usize, answers: usize) -> (HostHealth, Instant) {
        let (mut health, now) = (HostHealth::default(), Instant::now());
        for number in 0..answers {
            let took = match number {
                _ if number < very_slow => VERY_SLOW,
                _ if number < very_slow + slow => SLOW,
                _ => Duration::from_millis(100),
            };
            health.note(URL, now, took);
        }
        (health, now)
    }

    #[test]
    fn a_slow_host_is_served_late_and_a_very_slow_one_not_at_all() {
        for (slow, very_slow, verdict) in [
            (10, 0, Verdict::Send),
            (11, 0, Verdict::Delay(WINDOW)),
            (0, 15, Verdict::Delay(WINDOW)),
            (0, 16, Verdict::Drop),
        ] {
            let (mut health, now) = after(slow, very_slow, 100);
            assert_eq!(health.verdict(URL, now), verdict, "{slow} slow and {very_slow} very slow of 100");
        }
    }

    #[test]
    fn few_answers_and_other_hosts_are_no_reason() {
        let (mut health, now) = after(0, 99, 99);
        assert_eq!(health.verdict(URL, now), Verdict::Send);
        let (mut health, now) = after(0, 100, 100);
        assert_eq!(health.verdict("https://other.example/notify", now), Verdict::Send);
    }

    #[test]
    fn what_is_long_ago_is_forgiven() {
        let (mut health, now) = after(0, 100, 100);
        assert_eq!(health.verdict(URL, now + WINDOW + Duration::from_secs(1)), Verdict::Send);
    }
}
