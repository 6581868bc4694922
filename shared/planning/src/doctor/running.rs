//! What the running system comes to: subscriptions, webhook, queues, sweeps, holds, certificate, quotas.

use super::finding::{Finding, Light};
use super::observed::{Observed, QueueReading, SignIn, SubscriptionReading, Usage};
use crate::rotation::Health;
use jiff::{SignedDuration, Timestamp};

/// What has to be subscribed to.
const RESOURCES: [&str; 2] = ["users", "groups"];
/// A subscription is renewed long before its end, and whoever renews it looks every six hours: here it was missed twice.
const SOON: SignedDuration = SignedDuration::from_hours(12);
/// Graph takes a slower answer for a failure (change-notifications-delivery-webhooks), and gives up a handshake after the
/// second.
const SLOW: SignedDuration = SignedDuration::from_secs(3);
const TOO_SLOW: SignedDuration = SignedDuration::from_secs(10);
/// Messages that a mirror works off within a minute.
const MANY: u64 = 1_000;
/// A full sweep runs every hour, and an alarm goes off after the first.
const SWEEP_IS_LATE: SignedDuration = SignedDuration::from_hours(3);
const SWEEP_IS_GONE: SignedDuration = SignedDuration::from_hours(24);
/// The certificate function looks every day.
const LOOK_IS_OLD: SignedDuration = SignedDuration::from_hours(36);
/// Users of an identity store, and groups, unless AWS has raised it (Identity Center quotas).
const MOST_USERS: u64 = 200_000;
const MOST_GROUPS: u64 = 100_000;

pub(super) fn findings(observed: &Observed, now: Timestamp) -> Vec<Finding> {
    let mut findings = subscriptions(observed, now);
    findings.push(webhook(observed));
    findings.extend(observed.queues.iter().flat_map(queue));
    findings.extend([sweep(observed, now), holds(observed), certificate(observed, now), quota(observed)]);
    findings
}

fn subscriptions(observed: &Observed, now: Timestamp) -> Vec<Finding> {
    let check = |resource: &str| format!("subscription to {resource}");
    let found = match &observed.subscriptions {
        Err(unseen) => return vec![Finding::unseen("subscriptions", unseen)],
        Ok(found) => found,
    };
    let last = |resource: &str| {
        found.iter().filter(|found| found.resource == resource).map(|found| found.expires).max()
    };
    let judged = |resource: &&str| {
        let check = check(resource);
        match last(resource) {
            Some(expires) if expires <= now => missing(&check, "it has expired"),
            None if matches!(observed.sign_in, Ok(SignIn::Given)) => Finding::unknown(
                &check,
                "your token shows none that the app registration made",
                "use one of an administrator with Subscription.Read.All (--sign-in), or look at the metric \
                 SubscriptionMinutesLeft",
            ),
            None => missing(&check, "there is none"),
            Some(expires) => {
                let left = expires.duration_since(now);
                let seen = format!("{} hours left", left.as_hours());
                if left >= SOON {
                    Finding::green(&check, seen)
                } else {
                    let fix = "see why it is not renewed: the log of the function that keeps subscriptions";
                    Finding::yellow(&check, seen, fix)
                }
            }
        }
    };
    RESOURCES.iter().map(judged).collect()
}

fn missing(check: &str, seen: &str) -> Finding {
    let fix = "changes arrive only with the hourly sweep: subscribe again, with the output WebhookUrl as its address";
    Finding::red(check, seen, fix)
}

fn webhook(observed: &Observed) -> Finding {
    const CHECK: &str = "webhook";
    match &observed.webhook {
        None => Finding::unknown(CHECK, "no address is known", "subscribe, or name it with WEBHOOK_URL"),
        Some(Err(why)) => Finding::red(
            CHECK,
            why.clone(),
            "Graph gets no answer there either: see whether the function runs, and whether anything stands before it",
        ),
        Some(Ok(took)) => {
            let seen = format!("answers the validation handshake in {} ms", took.as_millis());
            if *took >= TOO_SLOW {
                Finding::red(CHECK, seen, "Graph waits for ten seconds: see the function's log")
            } else if *took >= SLOW {
                Finding::yellow(
                    CHECK,
                    seen,
                    "Graph delays notifications to a host this slow: see the function's log",
                )
            } else {
                Finding::green(CHECK, seen)
            }
        }
    }
}

fn queue(reading: &QueueReading) -> Vec<Finding> {
    let (queue, dead) = (format!("queue of {}", reading.name), format!("dead letters of {}", reading.name));
    let state = match &reading.state {
        Err(unseen) => return vec![Finding::unseen(&queue, unseen)],
        Ok(state) => state,
    };
    let seen = format!("{} waiting, {} in flight", state.waiting, state.in_flight);
    let waiting = if state.waiting <= MANY {
        Finding::green(&queue, seen)
    } else {
        Finding::yellow(
            &queue,
            seen,
            "see whether the function that reads it runs: its log, and its throttles",
        )
    };
    let dead = match state.dead {
        Some(0) => Finding::green(&dead, "none"),
        Some(count) => {
            let fix = "each was given up after five attempts: see the function's log, then move them back";
            Finding::yellow(&dead, format!("{count}"), fix)
        }
        None => Finding::yellow(&dead, "the queue has none", "deploy template.yaml, which gives it one"),
    };
    vec![waiting, dead]
}

fn sweep(observed: &Observed, now: Timestamp) -> Finding {
    const CHECK: &str = "last full sweep";
    const FIX: &str = "see the sweep's log, and its alarm FullSweepIsSilent";
    let reading = match &observed.sweep {
        Err(unseen) => return Finding::unseen(CHECK, unseen),
        Ok(reading) => reading,
    };
    let running = if reading.unfinished.is_some() { ", another one is not finished" } else { "" };
    let Some(finished) = reading.finished else {
        return Finding::yellow(CHECK, format!("none was finished yet{running}"), FIX);
    };
    let age = now.duration_since(finished);
    let seen = format!("began {} minutes ago{running}", age.as_mins());
    if age > SWEEP_IS_GONE {
        Finding::red(CHECK, seen, FIX)
    } else if age > SWEEP_IS_LATE {
        Finding::yellow(CHECK, seen, FIX)
    } else {
        Finding::green(CHECK, seen)
    }
}

fn holds(observed: &Observed) -> Finding {
    const CHECK: &str = "held revocations";
    match &observed.holds {
        Err(unseen) => Finding::unseen(CHECK, unseen),
        Ok(0) => Finding::green(CHECK, "none"),
        Ok(count) => {
            let fix = "look at `entra-mirror holds`, then approve or discard";
            Finding::yellow(CHECK, format!("{count} hold(s) wait for an operator"), fix)
        }
    }
}

fn certificate(observed: &Observed, now: Timestamp) -> Finding {
    const CHECK: &str = "signing certificate";
    let look = match &observed.certificate {
        Err(unseen) => return Finding::unseen(CHECK, unseen),
        Ok(None) => {
            let fix = "invoke the certificate function with {\"look_at\":\"certificate\"}";
            return Finding::yellow(CHECK, "nobody has looked at it yet", fix);
        }
        Ok(Some(look)) => look,
    };
    let line = look.verdict.line.clone();
    let fix = "see `entra-mirror certificate status`";
    match look.verdict.health {
        Health::Broken => Finding::red(CHECK, line, fix),
        Health::NeedsPerson => Finding::yellow(CHECK, line, fix),
        Health::Healthy if now.duration_since(look.at) > LOOK_IS_OLD => {
            let seen = format!("{line}; but that was {} hours ago", now.duration_since(look.at).as_hours());
            Finding::yellow(CHECK, seen, "see whether the certificate function runs: its log")
        }
        Health::Healthy => Finding::green(CHECK, line),
    }
}

fn quota(observed: &Observed) -> Finding {
    const CHECK: &str = "quotas of Identity Center";
    let usage = match &observed.usage {
        Err(unseen) => return Finding::unseen(CHECK, unseen),
        Ok(usage) => usage,
    };
    let Usage { users, assigned } = *usage;
    let assigned = assigned.unwrap_or(0);
    let used = (100 * users / MOST_USERS).max(100 * assigned / (MOST_USERS + MOST_GROUPS));
    let seen =
        format!("{users} users of ours of {MOST_USERS}, {assigned} principals assigned: {used} % used");
    let fix = "ask AWS to raise the quota of users or groups (it is adjustable), or assign fewer";
    let light = match used {
        0..80 => Light::Green,
        80..100 => Light::Yellow,
        _ => Light::Red,
    };
    match light {
        Light::Green => Finding::green(CHECK, seen),
        Light::Yellow => Finding::yellow(CHECK, seen, fix),
        _ => Finding::red(CHECK, seen, fix),
    }
}

impl SubscriptionReading {
    /// Where the handshake can be tried: the address of any subscription.
    pub fn address(all: &[Self]) -> Option<&str> {
        all.iter().map(|found| found.notification_url.as_str()).find(|url| !url.is_empty())
    }
}
