//! The way of a new certificate to its activation: staged, published, trusted, ready.

use super::certificate::Certificate;
use super::fault::Fault;
use super::guard::Refused;
use super::next::{HOUR, MOMENT, ask, days_left, ended, propose, reached, remember, was_asked};
use super::persisted::{HeldBecause, Preference, Rotation, State};
use super::picture::{Picture, SETTLED, Trust};
use super::policy::TargetId;
use super::step::{Notice, Step, Write};
use jiff::Timestamp;

/// Reads in a row that must show a new certificate: replicas of Graph do not agree for a while.
const READS: u8 = 5;

pub(super) fn advance(picture: &Picture, rotation: &Rotation) -> Step {
    if picture.signing.sha256 != rotation.replaces.sha256 {
        return switched(picture, rotation);
    }
    match (rotation.state, &rotation.staged) {
        (State::Planned, _) if picture.preferred == Some(rotation.replaces.sha1) => pinned(picture, rotation),
        (State::Planned, _) => pin(picture, rotation),
        (_, None) => stage(picture, rotation),
        (state, Some(staged)) => match rotation.missing_since {
            None if state == State::Created => publish(picture, rotation, staged),
            None => trust(picture, rotation, staged),
            Some(since) if picture.now.duration_since(since) < SETTLED => Step::wait(picture.now, MOMENT),
            Some(_) => ended(picture, rotation).telling(Notice::Overtaken),
        },
    }
}

/// Something else signs than what is to be replaced.
fn switched(picture: &Picture, rotation: &Rotation) -> Step {
    let signing = picture.signing.sha256;
    if rotation.staged.as_ref().is_none_or(|staged| staged.sha256 != signing) {
        return ended(picture, rotation).telling(Notice::Overtaken);
    }
    let back = Write::RollBack(rotation.replaces.sha1);
    if rotation.state != State::Activating
        && !picture.is_believed_everywhere(signing)
        && picture.permits(&back).is_ok()
    {
        return propose(picture, back, Some(rotation.clone()), Some(rotation.clone()));
    }
    let observing = rotation.now_in(State::ActiveObserving, picture.now);
    reached(picture, &Rotation { activated_at: Some(picture.now), ..observing })
}

fn pinned(picture: &Picture, rotation: &Rotation) -> Step {
    let mut step = reached(picture, &rotation.now_in(State::Pinned, picture.now));
    if let Some(after) = &mut step.after {
        let known = Preference { thumbprint: rotation.replaces.sha1, instead_of: None, at: picture.now };
        after.preferred = after.preferred.or(Some(known));
    }
    step
}

fn pin(picture: &Picture, rotation: &Rotation) -> Step {
    propose(picture, Write::Pin(picture.signing.sha1), Some(rotation.clone()), Some(rotation.clone()))
}

/// Looks for the certificate before asking for it: asking twice makes two.
fn stage(picture: &Picture, rotation: &Rotation) -> Step {
    let pending = picture.pending();
    let display_name = rotation.id.display_name();
    let by_name = pending.iter().find(|found| found.display_name == display_name);
    let only = pending.first().filter(|_| pending.len() == 1 && rotation.asked_at.is_none());
    if let Some(found) = by_name.or(only) {
        let created = rotation.now_in(State::Created, picture.now);
        return reached(picture, &Rotation { staged: Some((*found).clone()), ..created });
    }
    if let Some(asked) = rotation.asked_at {
        // Whatever became of it: another try has another name, so that none makes two.
        let is_lost = picture.now.duration_since(asked) >= SETTLED;
        return if is_lost { ended(picture, rotation) } else { Step::wait(picture.now, MOMENT) };
    }
    if pending.len() > 1 {
        let fault = Fault::SeveralPending { count: pending.len() };
        return Step::wait(picture.now, HOUR).telling(Notice::Fault(fault));
    }
    let write = Write::Stage { display_name };
    match picture.permits(&write) {
        Err(Refused::NotPinned) => pin(picture, rotation),
        Err(Refused::WouldSignUntrusted) => {
            ended(picture, rotation).telling(Notice::Fault(Fault::TooLateToStage))
        }
        _ => {
            let asked = Rotation { asked_at: Some(picture.now), ..rotation.clone() };
            propose(picture, write, Some(asked.clone()), Some(asked))
        }
    }
}

/// Waits until Graph and metadata agree on it.
fn publish(picture: &Picture, rotation: &Rotation, staged: &Certificate) -> Step {
    if let Some(fault) = picture.too_long(staged) {
        let held = rotation.held(HeldBecause::TooLong, picture.now);
        let removal = Write::RemovePending(staged.sha256);
        return propose(picture, removal, Some(rotation.clone()), Some(held)).telling(Notice::Fault(fault));
    }
    if picture.preferred != Some(rotation.replaces.sha1) {
        return pin(picture, rotation);
    }
    let is_published = picture.published.as_ref().is_ok_and(|published| published.contains(&staged.sha256));
    let reads = if is_published { rotation.reads + 1 } else { 0 };
    if reads >= READS {
        return reached(picture, &rotation.now_in(State::Published, picture.now));
    }
    let step = remember(picture, Some(Rotation { reads, ..rotation.clone() }), MOMENT);
    match &picture.published {
        Ok(_) => step,
        Err(fault) => step.telling(Notice::Fault(fault.clone())),
    }
}

/// Brings every target to trust it, and activates it only then.
fn trust(picture: &Picture, rotation: &Rotation, staged: &Certificate) -> Step {
    let lacking = picture.lacking(staged.sha256);
    let into = |state| reached(picture, &rotation.now_in(state, picture.now));
    match rotation.state {
        State::Published if lacking.is_empty() => into(State::Trusted),
        State::AwaitingPerson if lacking.is_empty() => into(State::Trusted),
        State::Published => import(picture, rotation, staged, &lacking),
        State::AwaitingPerson if is_importable(picture, staged, &lacking) => into(State::Published),
        State::AwaitingPerson => remind(picture, rotation, staged, &lacking),
        _ if !lacking.is_empty() && picture.is_believed_everywhere(staged.sha256) => {
            // A list cannot be read for a while. What it showed is no proof now.
            Step::wait(picture.now, HOUR)
        }
        _ if !lacking.is_empty() => into(State::Published),
        State::Trusted => {
            let soaked = picture.now.duration_since(rotation.since);
            let left = picture.policy.soak - soaked;
            if rotation.at_once || !left.is_positive() {
                into(State::Ready)
            } else {
                Step::wait(picture.now, left.min(HOUR))
            }
        }
        State::Ready => ready(picture, rotation, staged),
        _ => activate(picture, rotation, staged),
    }
}

/// The import into the first target that allows it and whose list lacks the certificate.
fn importable(picture: &Picture, staged: &Certificate, lacking: &[&TargetId]) -> Option<Write> {
    let absent = lacking.iter().filter(|target| picture.trust(target, staged.sha256) == Trust::Untrusted);
    let imports =
        absent.map(|target| Write::Import { target: (*target).clone(), certificate: staged.clone().into() });
    let mut imports = imports
        .filter(|import| !matches!(picture.permits(import), Err(Refused::Target(_) | Refused::Mode(_))));
    imports.next()
}

fn is_importable(picture: &Picture, staged: &Certificate, lacking: &[&TargetId]) -> bool {
    let not_asked: Vec<&TargetId> =
        lacking.iter().copied().filter(|target| !was_asked(picture, target)).collect();
    importable(picture, staged, &not_asked).is_some()
}

fn import(picture: &Picture, rotation: &Rotation, staged: &Certificate, lacking: &[&TargetId]) -> Step {
    if let Some(import) = importable(picture, staged, lacking) {
        let step = ask(picture, import, Some(rotation));
        return match &picture.published {
            Err(fault) => step.telling(Notice::Fault(fault.clone())),
            Ok(_) => step,
        };
    }
    let awaiting = rotation.now_in(State::AwaitingPerson, picture.now);
    let told = Rotation { reminded: due_reminder(picture, rotation), ..awaiting };
    reached(picture, &told).telling(by_hand(picture, staged, lacking, None))
}

fn remind(picture: &Picture, rotation: &Rotation, staged: &Certificate, lacking: &[&TargetId]) -> Step {
    let due = due_reminder(picture, rotation);
    if due == rotation.reminded {
        return Step::wait(picture.now, HOUR);
    }
    remember(picture, Some(Rotation { reminded: due, ..rotation.clone() }), HOUR).telling(by_hand(
        picture,
        staged,
        lacking,
        Some(days_left(picture)),
    ))
}

/// The reminder that was due last.
fn due_reminder(picture: &Picture, rotation: &Rotation) -> Option<i64> {
    let days = days_left(picture);
    let passed = picture.policy.reminders.into_iter().filter(|reminder| days < *reminder);
    passed.chain(rotation.reminded).min()
}

fn by_hand(picture: &Picture, staged: &Certificate, lacking: &[&TargetId], reminder: Option<i64>) -> Notice {
    let deadline = picture.signing.not_after.checked_sub(picture.policy.abort_before);
    Notice::ImportByHand {
        targets: lacking.iter().map(|target| (*target).clone()).collect(),
        certificate: staged.clone().into(),
        deadline: deadline.unwrap_or(Timestamp::MIN),
        reminder,
    }
}

fn ready(picture: &Picture, rotation: &Rotation, staged: &Certificate) -> Step {
    let is_attested = !picture.targets_where(staged.sha256, |trust| trust == Trust::Attested).is_empty();
    if is_attested && picture.observed.sign_ins.is_none() && !rotation.activation_approved {
        // A word may be wrong, and nobody would see it.
        return Step::wait(picture.now, HOUR).telling(Notice::ApprovalNeeded);
    }
    // Past the deadline Entra ID switches by itself: better now, while there is a way back.
    let is_time = rotation.activation_approved
        || picture.policy.window.is_open(picture.now)
        || picture.is_within_guard();
    if is_time {
        reached(picture, &rotation.now_in(State::Activating, picture.now))
    } else {
        Step::wait(picture.now, HOUR)
    }
}

fn activate(picture: &Picture, rotation: &Rotation, staged: &Certificate) -> Step {
    let write = Write::Activate(staged.sha1);
    match picture.permits(&write) {
        Ok(()) => {
            let observing = rotation.now_in(State::ActiveObserving, picture.now);
            let after = Rotation { activated_at: Some(picture.now), ..observing };
            propose(picture, write, Some(rotation.clone()), Some(after))
        }
        Err(Refused::NotPinned) => pin(picture, rotation),
        Err(refused) => Step::wait(picture.now, HOUR).telling(Notice::Refused(refused)),
    }
}
