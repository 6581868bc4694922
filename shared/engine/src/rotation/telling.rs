//! Tells people what they should know, and does not tell them the same every hour.

use super::ports::{People, RotationLedger};
use crate::ports::CallError;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{Fault, Notice, State, Unread, days};

/// Who is woken is told again after so long, as long as it lasts.
const PAGE: SignedDuration = SignedDuration::from_hours(4);
/// Everything else.
const DAILY: SignedDuration = SignedDuration::from_hours(23);
/// The request to import, and expiry while it is weeks away.
const WEEKLY: SignedDuration = days(7);
/// So few days before expiry people are told every day.
const SOON: i64 = 14;

/// Tells it, unless it was told a short time ago.
pub(super) async fn tell(
    people: &dyn People,
    ledger: &dyn RotationLedger,
    notice: &Notice,
    now: Timestamp,
) -> Result<(), CallError> {
    let Some((name, pause)) = kept_quiet(notice) else { return Ok(()) };
    if ledger.told_at(&name).await?.is_some_and(|told| now.duration_since(told) < pause) {
        return Ok(());
    }
    people.tell(&subject(notice), &notice.to_string()).await?;
    ledger.note_told(&name, now).await
}

/// What makes two notices the same, and for how long the second one is not told; `None` if it is for the log alone.
fn kept_quiet(notice: &Notice) -> Option<(String, SignedDuration)> {
    Some(match notice {
        // It mostly works the next time; an alarm tells if it does not for hours.
        Notice::Fault(Fault::GraphUnread(Unread::Failed) | Fault::MetadataUnread(Unread::Failed)) => {
            return None;
        }
        Notice::Reached(state) if !is_told(*state) => return None,
        Notice::Reached(state) => (format!("reached-{state:?}"), SignedDuration::from_hours(1)),
        Notice::ImportByHand { certificate, targets, reminder, .. } => {
            let targets: Vec<&str> = targets.iter().map(|target| target.0.as_str()).collect();
            let reminder = reminder.map_or_else(|| "asked".to_owned(), |days| days.to_string());
            (format!("import-{}-{}-{reminder}", certificate.sha256, targets.join("+")), WEEKLY)
        }
        Notice::Expiring { days } if *days > SOON => ("expiring".to_owned(), WEEKLY),
        Notice::Expiring { .. } => ("expiring-soon".to_owned(), DAILY),
        Notice::RolledBack | Notice::Done | Notice::Overtaken => {
            (word(notice).to_owned(), SignedDuration::from_hours(1))
        }
        page if page.is_page() => (word(page).to_owned(), PAGE),
        other => (format!("{}-{}", word(other), start_of(&other.to_string())), DAILY),
    })
}

/// The states that people want to hear of.
fn is_told(state: State) -> bool {
    matches!(state, State::Published | State::Trusted | State::ActiveObserving | State::Active)
}

fn subject(notice: &Notice) -> String {
    let urgent = if notice.is_page() { "URGENT: " } else { "" };
    let what = match notice {
        Notice::ActiveUntrusted { .. } | Notice::NoWayBack => "nobody can sign in to AWS",
        Notice::ImportByHand { .. } => "import the new signing certificate into AWS",
        Notice::RolledBack => "the signing certificate was rolled back",
        Notice::Held(_) => "the rotation of the signing certificate is held",
        Notice::Expiring { .. } => "the signing certificate expires",
        Notice::ApprovalNeeded => "activate the new signing certificate",
        Notice::Reached(_) | Notice::Done | Notice::Overtaken => "the signing certificate is rotated",
        Notice::Fault(_) | Notice::Refused(_) | Notice::ForeignPending(_) => {
            "look at the signing certificate of AWS"
        }
    };
    format!("{urgent}{what}")
}

fn word(notice: &Notice) -> &'static str {
    match notice {
        Notice::Fault(_) => "fault",
        Notice::ActiveUntrusted { .. } => "active-untrusted",
        Notice::ImportByHand { .. } => "import",
        Notice::Refused(_) => "refused",
        Notice::ForeignPending(_) => "foreign-pending",
        Notice::Expiring { .. } => "expiring",
        Notice::ApprovalNeeded => "approval",
        Notice::Reached(_) => "reached",
        Notice::RolledBack => "rolled-back",
        Notice::NoWayBack => "no-way-back",
        Notice::Held(_) => "held",
        Notice::Done => "done",
        Notice::Overtaken => "overtaken",
    }
}

/// Two faults differ in their first words, and numbers that change by the day come later.
fn start_of(text: &str) -> String {
    text.chars().filter(|sign| sign.is_ascii_alphabetic() || *sign == ' ').take(60).collect()
}
