//! The next step of the rotation, derived anew from what is observed: a crash anywhere loses nothing.

use super::activation;
use super::certificate::Certificate;
use super::fault::Fault;
use super::observed::Observed;
use super::persisted::{HeldBecause, Persisted, Preference, Rotation, State};
use super::picture::{Picture, Trust};
use super::policy::{Mode, Policy, TargetId};
use super::stages;
use super::step::{Notice, Step, Write};
use jiff::{SignedDuration, Timestamp};

/// How long a write may be under way: a Lambda function ends after 15 minutes.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
/// How long a target's list may lag.
const LISTED: SignedDuration = SignedDuration::from_mins(15);
/// How often Entra ID is read when a read may lag.
pub(super) const MOMENT: SignedDuration = SignedDuration::from_mins(2);
/// How often it is looked at while something is in flight.
pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// How often it is looked at otherwise.
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Decides what to do now. Carry it out in this order: store `before`, write, store `after`; then observe again.
pub fn next(observed: &Observed, persisted: &Persisted, policy: &Policy, now: Timestamp) -> Step {
    let picture = match Picture::of(observed, persisted, policy, now) {
        Ok(picture) => picture,
        Err(fault) => return Step::wait(now, HOUR).telling(Notice::Fault(fault)),
    };
    if policy.mode == Mode::Monitor {
        return watch(&picture);
    }
    let lease = persisted.begun.map(|begun| LEASE - now.duration_since(begun));
    if let Some(left) = lease.filter(SignedDuration::is_positive) {
        return Step::wait(now, left);
    }
    if let Some(switched) = switched(&picture) {
        return switched;
    }
    let urgent = restore(&picture).or_else(|| defuse(&picture));
    urgent.unwrap_or_else(|| match &persisted.rotation {
        None => idle(&picture),
        Some(rotation) => advance(&picture, rotation),
    })
}

/// Tells what a person has to do; nothing is written.
fn watch(picture: &Picture) -> Step {
    let mut step = Step::wait(picture.now, DAY);
    let untrusted = picture.targets_where(picture.signing.sha256, |trust| trust == Trust::Untrusted);
    if !untrusted.is_empty() {
        step = step.telling(active_untrusted(picture));
    }
    if picture.signing.is_expired(picture.now) {
        step = step.telling(Notice::Fault(Fault::ActiveExpired));
    } else if is_due(picture) {
        step = step.telling(Notice::Expiring { days: days_left(picture) });
    }
    let pending = picture.pending().into_iter();
    pending.fold(step, |step, found| step.telling(Notice::ForeignPending(found.sha256)))
}

/// Somebody switched, or a run of ours that did not live to tell. Remembered, so that a later read of a replica that lags
/// is not taken for another switch.
fn switched(picture: &Picture) -> Option<Step> {
    let known = picture.persisted.preferred?.thumbprint;
    let thumbprint = picture.preferred.filter(|read| *read != known)?;
    let rotation = picture.persisted.rotation.clone();
    let mut step = remember(picture, rotation, SignedDuration::ZERO);
    if let Some(after) = &mut step.after {
        after.preferred = Some(Preference { thumbprint, instead_of: Some(known), at: picture.now });
    }
    Some(step)
}

/// I1: what signs must be trusted. The way back comes first: it is quick and harms nothing.
fn restore(picture: &Picture) -> Option<Step> {
    let signing = picture.signing;
    let untrusted = picture.targets_where(signing.sha256, |trust| trust == Trust::Untrusted);
    if untrusted.is_empty() {
        return None;
    }
    let rotation = picture.persisted.rotation.as_ref();
    let is_trusted = |found: &&Certificate| {
        untrusted.iter().all(|target| picture.trust(target, found.sha256) == Trust::Proven)
            && picture.permits(&Write::RollBack(found.sha1)).is_ok()
    };
    let replaced = rotation.map(|rotation| rotation.replaces.sha256);
    let backs = picture.others.iter().copied().filter(is_trusted);
    let back = backs.min_by_key(|found| (Some(found.sha256) != replaced, found.sha256));
    let step = if let Some(back) = back {
        let after = rotation.map(|rotation| {
            if Some(back.sha256) == replaced {
                activation::rolled_back(picture, rotation)
            } else {
                rotation.clone()
            }
        });
        propose(picture, Write::RollBack(back.sha1), rotation.cloned(), after).telling(Notice::RolledBack)
    } else {
        let imports = untrusted
            .iter()
            .map(|target| Write::Import { target: (*target).clone(), certificate: signing.clone().into() });
        match imports.into_iter().find(|import| picture.permits(import).is_ok()) {
            Some(import) => ask(picture, import, rotation),
            None => Step::wait(picture.now, MOMENT),
        }
    };
    Some(step.telling(active_untrusted(picture)))
}

/// I2: shortly before the active certificate expires, nothing may wait to sign by itself that is not trusted.
fn defuse(picture: &Picture) -> Option<Step> {
    if !picture.is_within_guard() {
        return None;
    }
    let untrusted =
        picture.pending().into_iter().find(|found| !picture.is_believed_everywhere(found.sha256))?;
    let write = Write::RemovePending(untrusted.sha256);
    picture.permits(&write).ok()?;
    let rotation = picture.persisted.rotation.as_ref();
    let is_staged = |rotation: &&Rotation| {
        rotation.staged.as_ref().is_none_or(|staged| staged.sha256 == untrusted.sha256)
            && rotation.state != State::Held
    };
    let Some(aborted) = rotation.filter(is_staged) else {
        return Some(propose(picture, write, rotation.cloned(), rotation.cloned()));
    };
    let (before, after) =
        (aborted.now_in(State::Aborting, picture.now), aborted.held(HeldBecause::Late, picture.now));
    Some(propose(picture, write, Some(before), Some(after)).telling(Notice::Held(HeldBecause::Late)))
}

fn idle(picture: &Picture) -> Step {
    if picture.preferred != Some(picture.signing.sha1) {
        return propose(picture, Write::Pin(picture.signing.sha1), None, None);
    }
    let pending = picture.pending();
    let wait = Step::wait(picture.now, DAY);
    match &pending[..] {
        _ if picture.signing.is_expired(picture.now) => wait.telling(Notice::Fault(Fault::ActiveExpired)),
        [] if !is_due(picture) => wait,
        [one] if !is_due(picture) => wait.telling(Notice::ForeignPending(one.sha256)),
        [] if picture.is_within_guard() => wait.telling(Notice::Fault(Fault::TooLateToStage)),
        [] | [_] => {
            remember(picture, Some(Rotation::new(picture.signing, picture.now)), SignedDuration::ZERO)
        }
        several => wait.telling(Notice::Fault(Fault::SeveralPending { count: several.len() })),
    }
}

fn advance(picture: &Picture, rotation: &Rotation) -> Step {
    let rotation = &noted(picture, rotation);
    let step = match rotation.state {
        state if state.is_before_activation() => stages::advance(picture, rotation),
        State::Aborting => reached(picture, &rotation.held(HeldBecause::Late, picture.now)),
        State::Held if picture.signing.sha256 != rotation.replaces.sha256 => {
            ended(picture, rotation).telling(Notice::Overtaken)
        }
        State::Held => Step::wait(picture.now, DAY),
        _ => activation::advance(picture, rotation),
    };
    if step.after.is_none() && picture.persisted.rotation.as_ref() != Some(rotation) {
        let pause = step.look_again.duration_since(picture.now);
        return Step { notices: step.notices, ..remember(picture, Some(rotation.clone()), pause) };
    }
    step
}

/// The rotation with what this look adds to its evidence.
fn noted(picture: &Picture, rotation: &Rotation) -> Rotation {
    let mut noted = rotation.clone();
    let Some(staged) = &rotation.staged else { return noted };
    for target in picture.policy.targets.keys() {
        match picture.trust(target, staged.sha256) {
            Trust::Proven => {
                noted.proven.entry(target.clone()).or_insert(picture.now);
            }
            Trust::Untrusted => {
                noted.proven.remove(target);
            }
            Trust::Attested | Trust::Unknown => {}
        }
    }
    let is_there = picture.usable(staged.sha256).is_some();
    noted.missing_since = if is_there { None } else { rotation.missing_since.or(Some(picture.now)) };
    noted
}

/// A step with a write, if that keeps every invariant.
pub(super) fn propose(
    picture: &Picture,
    write: Write,
    before: Option<Rotation>,
    after: Option<Rotation>,
) -> Step {
    if let Err(refused) = picture.permits(&write) {
        return Step::wait(picture.now, HOUR).telling(Notice::Refused(refused));
    }
    let persisted = picture.persisted;
    let before = Persisted {
        revision: persisted.revision + 1,
        begun: Some(picture.now),
        rotation: before,
        ..persisted.clone()
    };
    let mut settled =
        Persisted { revision: before.revision + 1, begun: None, rotation: after, ..persisted.clone() };
    match &write {
        Write::Pin(thumbprint) | Write::Activate(thumbprint) | Write::RollBack(thumbprint) => {
            let instead_of = picture.preferred;
            settled.preferred = Some(Preference { thumbprint: *thumbprint, instead_of, at: picture.now });
        }
        Write::RemovePending(sha256) => settled.removed = Some((*sha256, picture.now)),
        Write::Import { target, .. } | Write::Retire { target, .. } => {
            settled.asked.insert(target.clone(), picture.now);
        }
        Write::Stage { .. } => {}
    }
    if matches!(write, Write::RollBack(_)) {
        // Whatever people said of it: sign-ins, or a list, say otherwise.
        settled.attested.retain(|_, word| word.sha256 != picture.signing.sha256);
    }
    Step {
        before: Some(before),
        write: Some(write),
        after: Some(settled),
        ..Step::wait(picture.now, SignedDuration::ZERO)
    }
}

/// A step that changes what a target trusts. It is not asked again while its list may lag.
pub(super) fn ask(picture: &Picture, write: Write, rotation: Option<&Rotation>) -> Step {
    match &write {
        Write::Import { target, .. } | Write::Retire { target, .. } if was_asked(picture, target) => {
            Step::wait(picture.now, MOMENT)
        }
        _ => propose(picture, write, rotation.cloned(), rotation.cloned()),
    }
}

/// True if a target was asked so short a time ago that its list may lag.
pub(super) fn was_asked(picture: &Picture, target: &TargetId) -> bool {
    let asked = picture.persisted.asked.get(target);
    asked.is_some_and(|asked| picture.now.duration_since(*asked) < LISTED)
}

/// A step that only remembers something.
pub(super) fn remember(picture: &Picture, rotation: Option<Rotation>, pause: SignedDuration) -> Step {
    let persisted = picture.persisted;
    let after = Persisted { revision: persisted.revision + 1, begun: None, rotation, ..persisted.clone() };
    Step { after: Some(after), ..Step::wait(picture.now, pause) }
}

/// A step into another state; what is to be done there is decided at once.
pub(super) fn reached(picture: &Picture, rotation: &Rotation) -> Step {
    let step = remember(picture, Some(rotation.clone()), SignedDuration::ZERO);
    match rotation.held.filter(|_| rotation.state == State::Held) {
        Some(because) => step.telling(Notice::Held(because)),
        None => step.telling(Notice::Reached(rotation.state)),
    }
}

/// The step that ends a rotation.
pub(super) fn ended(picture: &Picture, rotation: &Rotation) -> Step {
    let mut step = remember(picture, None, SignedDuration::ZERO);
    if let Some(after) = &mut step.after {
        after.attested.retain(|_, word| word.sha256 == picture.signing.sha256);
        if picture.signing.sha256 != rotation.replaces.sha256 {
            after.replaced = Some(rotation.replaces.clone());
        }
    }
    step
}

pub(super) fn is_due(picture: &Picture) -> bool {
    picture.signing.validity_left(picture.now) <= picture.policy.lead_time
}

/// Whole days until the active certificate expires.
pub(super) fn days_left(picture: &Picture) -> i64 {
    picture.signing.validity_left(picture.now).as_hours().div_euclid(24)
}

fn active_untrusted(picture: &Picture) -> Notice {
    let targets = picture.targets_where(picture.signing.sha256, |trust| trust == Trust::Untrusted);
    Notice::ActiveUntrusted {
        sha256: picture.signing.sha256,
        targets: targets.into_iter().cloned().collect(),
    }
}
