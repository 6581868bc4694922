//! What an operator may decide: stage, attest, activate, roll back, retire. A command only changes what is remembered;
//! the next run carries it out.

use super::certificate::Certificate;
use super::fault::Fault;
use super::fingerprint::{InvalidFingerprint, Sha256Fingerprint};
use super::guard::Refused;
use super::observed::Observed;
use super::persisted::{Attestation, HeldBecause, Persisted, Rotation, State};
use super::picture::{Picture, Trust};
use super::policy::{Mode, Policy, Retirement, TargetId};
use super::step::{Write, names};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Begin a rotation, or go on with one that is held.
    Stage {
        /// Without a soak.
        at_once: bool,
    },
    /// "I imported the certificate with this fingerprint there."
    Attest {
        /// Where.
        target: TargetId,
        /// The fingerprint, as it was typed.
        fingerprint: String,
    },
    /// Activate without waiting for the change window.
    Activate,
    /// Go back to the certificate before.
    RollBack,
    /// Take the certificate before from the targets as soon as that is safe.
    Retire,
}

/// Why a command is not carried out, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What is observed does not allow it.
    #[error("{0}")]
    Fault(Fault),
    /// It would break an invariant.
    #[error("{0}")]
    Refused(Refused),
    /// Nothing is written in this mode.
    #[error("the mode is monitor, in which nothing is written: switch it to assist or auto")]
    Monitor,
    /// There is a rotation.
    #[error("the rotation {id} is at {state:?} already: see status for what it waits for")]
    InFlight {
        /// Its name.
        id: String,
        /// How far it is.
        state: State,
    },
    /// There is no rotation, or it is not so far.
    #[error(
        "there is no staged certificate to do this with: stage one, and wait until status says that it is published"
    )]
    NothingStaged,
    /// It is not configured.
    #[error("{0} is no configured target: the targets are {1}")]
    UnknownTarget(TargetId, String),
    /// What a target's list shows needs no word.
    #[error("what {target} trusts can be read, and it {}: no word is needed", if *.is_listed { "lists the certificate" } else { "does not list it. Import it there" })]
    Readable {
        /// Which target.
        target: TargetId,
        /// True if it is there.
        is_listed: bool,
    },
    /// Too few digits.
    #[error(
        "this is the beginning of a fingerprint at most: type all 64 hexadecimal digits of the SHA-256 that the target shows"
    )]
    Prefix,
    /// A thumbprint.
    #[error(
        "this is a SHA-1 thumbprint, which proves nothing: type the SHA-256 fingerprint that the target shows, 64 hexadecimal digits"
    )]
    Sha1,
    /// Something else.
    #[error("{0}: copy the SHA-256 fingerprint that the target shows")]
    NoFingerprint(InvalidFingerprint),
    /// The certificate in force.
    #[error("this is the certificate in force: import the staged one, {0}, beside it")]
    InForce(Sha256Fingerprint),
    /// A certificate of no rotation, or of another one.
    #[error("this is not the staged certificate: import {staged} (the rotation {id}), and attest that")]
    OtherCertificate {
        /// The staged one.
        staged: Sha256Fingerprint,
        /// Its rotation.
        id: String,
    },
    /// It is not so far.
    #[error(
        "the rotation is at {0:?}, and can be activated when every target has trusted the certificate long enough: see status"
    )]
    NotReady(State),
    /// The replaced certificate signs.
    #[error("the certificate before is in force: there is nothing to roll back")]
    NothingToRollBack,
    /// It is never taken away.
    #[error("retirement is not allowed: set RETIREMENT to approved, and the mode to auto")]
    NoRetirement,
}

/// What is remembered once a command is carried out: store it over the revision that was read, then run.
///
/// # Errors
/// When it is not carried out; nothing is to be stored then.
pub fn command(
    command: &Command,
    observed: &Observed,
    persisted: &Persisted,
    policy: &Policy,
    now: Timestamp,
) -> Result<Persisted, Refusal> {
    let picture = Picture::of(observed, persisted, policy, now).map_err(Refusal::Fault)?;
    if policy.mode == Mode::Monitor {
        return Err(Refusal::Monitor);
    }
    let mut after = Persisted { revision: persisted.revision + 1, ..persisted.clone() };
    match command {
        Command::Stage { at_once } => after.rotation = Some(stage(&picture, *at_once)?),
        Command::Attest { target, fingerprint } => {
            let sha256 = attested(&picture, target, fingerprint)?;
            after.attested.insert(target.clone(), Attestation { sha256, at: now });
        }
        Command::Activate => after.rotation = Some(activate(&picture)?),
        Command::RollBack => after.rotation = Some(roll_back(&picture)?),
        Command::Retire => after.rotation = Some(retire(&picture)?),
    }
    Ok(after)
}

fn stage(picture: &Picture, at_once: bool) -> Result<Rotation, Refusal> {
    let held = match &picture.persisted.rotation {
        Some(rotation) if rotation.state != State::Held => {
            return Err(Refusal::InFlight { id: rotation.id.to_string(), state: rotation.state });
        }
        held => held.as_ref(),
    };
    if picture.signing.is_expired(picture.now) {
        return Err(Refusal::Fault(Fault::ActiveExpired));
    }
    if picture.is_within_guard() {
        return Err(Refusal::Fault(Fault::TooLateToStage));
    }
    let pending = picture.pending();
    if pending.len() > 1 {
        return Err(Refusal::Fault(Fault::SeveralPending { count: pending.len() }));
    }
    let begun = Rotation { at_once, ..Rotation::new(picture.signing, picture.now) };
    Ok(match held.filter(|held| held.replaces.sha256 == picture.signing.sha256) {
        // The certificate of a held rotation is looked for by what it is, and goes the whole way again.
        Some(held) if is_pending(&pending, held.staged.as_ref()) => {
            Rotation { staged: held.staged.clone(), state: State::Created, ..begun }
        }
        _ => begun,
    })
}

fn is_pending(pending: &[&Certificate], staged: Option<&Certificate>) -> bool {
    staged.is_some_and(|staged| pending.iter().any(|found| found.sha256 == staged.sha256))
}

/// A word counts only for the whole SHA-256 of the staged certificate, where nothing better can be had.
fn attested(picture: &Picture, target: &TargetId, typed: &str) -> Result<Sha256Fingerprint, Refusal> {
    if !picture.policy.targets.contains_key(target) {
        let known: Vec<TargetId> = picture.policy.targets.keys().cloned().collect();
        return Err(Refusal::UnknownTarget(target.clone(), names(&known)));
    }
    let published =
        |rotation: &&Rotation| rotation.state >= State::Published && rotation.state.is_before_activation();
    let rotation = picture.persisted.rotation.as_ref().filter(published).ok_or(Refusal::NothingStaged)?;
    let staged = rotation.staged.as_ref().ok_or(Refusal::NothingStaged)?.sha256;
    match picture.trust(target, staged) {
        Trust::Proven => return Err(Refusal::Readable { target: target.clone(), is_listed: true }),
        Trust::Untrusted => return Err(Refusal::Readable { target: target.clone(), is_listed: false }),
        Trust::Attested | Trust::Unknown => {}
    }
    let named = Sha256Fingerprint::parse(typed).map_err(|invalid| match invalid {
        InvalidFingerprint::Length { found: 40, .. } => Refusal::Sha1,
        InvalidFingerprint::Length { expected, found, .. } if found < expected => Refusal::Prefix,
        other => Refusal::NoFingerprint(other),
    })?;
    match named {
        // Somebody may have activated it in the portal, too: the word is worth as much.
        _ if named == staged => Ok(named),
        _ if named == picture.signing.sha256 => Err(Refusal::InForce(staged)),
        _ => Err(Refusal::OtherCertificate { staged, id: rotation.id.to_string() }),
    }
}

fn activate(picture: &Picture) -> Result<Rotation, Refusal> {
    let rotation = picture.persisted.rotation.as_ref().ok_or(Refusal::NothingStaged)?;
    let staged = rotation.staged.as_ref().ok_or(Refusal::NothingStaged)?;
    let lacking = picture.lacking(staged.sha256);
    if rotation.state.is_before_activation() && !lacking.is_empty() {
        return Err(Refusal::Refused(Refused::NotTrusted(lacking.into_iter().cloned().collect())));
    }
    match rotation.state {
        State::Trusted | State::Ready => Ok(Rotation { activation_approved: true, ..rotation.clone() }),
        state => Err(Refusal::NotReady(state)),
    }
}

fn roll_back(picture: &Picture) -> Result<Rotation, Refusal> {
    let replaced = match (&picture.persisted.rotation, &picture.persisted.replaced) {
        (Some(rotation), _) => &rotation.replaces,
        (None, Some(replaced)) => replaced,
        (None, None) => return Err(Refusal::NothingToRollBack),
    };
    if picture.signing.sha256 == replaced.sha256 {
        return Err(Refusal::NothingToRollBack);
    }
    picture.permits(&Write::RollBack(replaced.sha1)).map_err(Refusal::Refused)?;
    let over = || Rotation {
        replaces: replaced.clone(),
        staged: Some(picture.signing.clone()),
        ..Rotation::new(picture.signing, picture.now)
    };
    let rotation = picture.persisted.rotation.clone().unwrap_or_else(over);
    let held = Some(HeldBecause::Operator);
    Ok(Rotation { held, ..rotation.now_in(State::RollingBack, picture.now) })
}

fn retire(picture: &Picture) -> Result<Rotation, Refusal> {
    if picture.policy.retirement == Retirement::Never || picture.policy.mode != Mode::Auto {
        return Err(Refusal::NoRetirement);
    }
    let rotation = picture.persisted.rotation.as_ref().ok_or(Refusal::NothingStaged)?;
    match rotation.state {
        State::Active | State::Retiring => Ok(Rotation { retirement_approved: true, ..rotation.clone() }),
        _ => Err(Refusal::Refused(Refused::NotProvenBySignIns)),
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Stage { at_once: false } => f.write_str("stage a certificate"),
            Command::Stage { at_once: true } => f.write_str("stage a certificate, without a soak"),
            Command::Attest { target, .. } => write!(f, "attest that {target} trusts the staged certificate"),
            Command::Activate => f.write_str("activate the staged certificate"),
            Command::RollBack => f.write_str("roll back to the certificate before"),
            Command::Retire => f.write_str("retire the certificate before"),
        }
    }
}
