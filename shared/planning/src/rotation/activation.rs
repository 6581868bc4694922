//! From the activation on: sign-ins are watched, failing ones lead back, and in the end the replaced one is retired.

use super::guard::Refused;
use super::next::{DAY, HOUR, MOMENT, ask, ended, is_due, propose, reached};
use super::observed::SignIns;
use super::persisted::{HeldBecause, Rotation, State};
use super::picture::Picture;
use super::policy::{Mode, Retirement, days};
use super::step::{Notice, Step, Write};
use jiff::SignedDuration;

/// Sign-ins that do not fail for so long are believed, however few they are.
const QUIET: SignedDuration = SignedDuration::from_hours(24);
/// Without any evidence, an activation is believed after so long.
const UNSEEN: SignedDuration = days(7);
/// How often sign-ins are looked at after the first hour.
const WATCH: SignedDuration = SignedDuration::from_mins(15);
/// Activations that are rolled back before a person has to look.
const ATTEMPTS: u8 = 2;

pub(super) fn advance(picture: &Picture, rotation: &Rotation) -> Step {
    let is_staged_signing =
        rotation.staged.as_ref().is_some_and(|staged| staged.sha256 == picture.signing.sha256);
    match rotation.state {
        State::RollingBack => roll_back(picture, rotation),
        _ if !is_staged_signing => reached(picture, &rotation.held(HeldBecause::Switched, picture.now)),
        _ if picture.preferred != Some(picture.signing.sha1) => {
            let same = Some(rotation.clone());
            propose(picture, Write::Pin(picture.signing.sha1), same.clone(), same)
        }
        State::ActiveObserving => observe(picture, rotation),
        State::Active => dwell(picture, rotation),
        _ => retire(picture, rotation),
    }
}

fn observe(picture: &Picture, rotation: &Rotation) -> Step {
    let elapsed = picture.now.duration_since(rotation.activated_at.unwrap_or(rotation.since));
    let is_good = match picture.observed.sign_ins {
        Some(sign_ins) if sign_ins.are_failing() => return fail(picture, rotation),
        Some(sign_ins) => sign_ins.are_proof() || elapsed >= QUIET,
        None => elapsed >= UNSEEN,
    };
    if is_good {
        return reached(picture, &rotation.now_in(State::Active, picture.now));
    }
    Step::wait(picture.now, if elapsed < HOUR { MOMENT } else { WATCH })
}

fn fail(picture: &Picture, rotation: &Rotation) -> Step {
    match picture.permits(&Write::RollBack(rotation.replaces.sha1)) {
        Ok(()) => reached(picture, &rotation.now_in(State::RollingBack, picture.now)),
        Err(_) => Step::wait(picture.now, MOMENT).telling(Notice::NoWayBack),
    }
}

fn roll_back(picture: &Picture, rotation: &Rotation) -> Step {
    let after = rolled_back(picture, rotation);
    if picture.signing.sha256 == rotation.replaces.sha256 {
        let mut step = reached(picture, &after);
        if let (Some(remembered), Some(staged)) = (&mut step.after, &rotation.staged) {
            remembered.attested.retain(|_, word| word.sha256 != staged.sha256);
        }
        return step;
    }
    let step = propose(picture, Write::RollBack(rotation.replaces.sha1), Some(rotation.clone()), Some(after));
    match step.write {
        Some(_) => step.telling(Notice::RolledBack),
        None => step.telling(Notice::NoWayBack),
    }
}

/// The rotation after its activation was undone.
pub(super) fn rolled_back(picture: &Picture, rotation: &Rotation) -> Rotation {
    let undone = Rotation { activated_at: None, activation_approved: false, ..rotation.clone() };
    if rotation.held == Some(HeldBecause::Operator) {
        return undone.held(HeldBecause::Operator, picture.now);
    }
    let attempts = rotation.attempts + 1;
    let counted = Rotation { attempts, ..undone };
    if attempts < ATTEMPTS {
        counted.now_in(State::Trusted, picture.now)
    } else {
        counted.held(HeldBecause::RolledBack, picture.now)
    }
}

fn dwell(picture: &Picture, rotation: &Rotation) -> Step {
    if picture.observed.sign_ins.is_some_and(|sign_ins: SignIns| sign_ins.are_failing())
        && picture.permits(&Write::RollBack(rotation.replaces.sha1)).is_ok()
    {
        return fail(picture, rotation);
    }
    let elapsed = picture.now.duration_since(rotation.activated_at.unwrap_or(rotation.since));
    if elapsed < picture.policy.retire_after {
        return Step::wait(picture.now, HOUR);
    }
    let retires = picture.policy.retirement != Retirement::Never
        && picture.policy.mode == Mode::Auto
        && picture.policy.targets.values().any(|target| target.removes);
    if retires {
        reached(picture, &rotation.now_in(State::Retiring, picture.now))
    } else {
        ended(picture, rotation).telling(Notice::Done)
    }
}

fn retire(picture: &Picture, rotation: &Rotation) -> Step {
    let replaced = rotation.replaces.sha256;
    let listed = picture.policy.targets.iter().filter(|(_, kind)| kind.removes).find_map(|(target, _)| {
        let listed = picture.listed(target)?.iter().find(|listed| listed.sha256 == replaced)?;
        Some(Write::Retire { target: target.clone(), id: listed.id.clone(), sha256: replaced })
    });
    let is_readable =
        picture.policy.targets.iter().all(|(target, kind)| !kind.removes || picture.listed(target).is_some());
    match listed {
        _ if is_due(picture) => ended(picture, rotation).telling(Notice::Done),
        None if is_readable => ended(picture, rotation).telling(Notice::Done),
        None => Step::wait(picture.now, HOUR),
        Some(write) => match picture.permits(&write) {
            Ok(()) => ask(picture, write, Some(rotation)),
            // Most wait for the replaced certificate to expire, or for an operator.
            Err(Refused::StillAKey | Refused::RetirementNotAllowed) => Step::wait(picture.now, DAY),
            Err(refused) => Step::wait(picture.now, DAY).telling(Notice::Refused(refused)),
        },
    }
}
