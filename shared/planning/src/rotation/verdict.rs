//! How the signing certificate is, in one line.

use super::fault::Fault;
use super::observed::Observed;
use super::persisted::{Persisted, State};
use super::picture::{Picture, Trust};
use super::policy::{Mode, Policy};
use super::step::names;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How it is; as a number, the exit code of `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nobody has to do anything.
    Healthy = 0,
    /// Nobody can sign in, or nobody may be able to at any moment.
    Broken = 1,
    /// Somebody has to do something.
    NeedsPerson = 2,
}

/// How it is, and what that rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How it is.
    pub health: Health,
    /// What that rests on, and what to do.
    pub line: String,
}

impl Verdict {
    fn new(health: Health, line: impl fmt::Display) -> Self {
        Self { health, line: line.to_string() }
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        self.health as u8
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let health = match self.health {
            Health::Healthy => "healthy",
            Health::Broken => "BROKEN",
            Health::NeedsPerson => "needs a person",
        };
        write!(f, "{health}: {}", self.line)
    }
}

/// Judges what is observed.
pub fn verdict(observed: &Observed, persisted: &Persisted, policy: &Policy, now: Timestamp) -> Verdict {
    let picture = match Picture::of(observed, persisted, policy, now) {
        Ok(picture) => picture,
        Err(fault @ Fault::SigningUnknown { .. }) => return Verdict::new(Health::Broken, fault),
        Err(fault) => return Verdict::new(Health::NeedsPerson, fault),
    };
    broken(&picture).or_else(|| needs_person(&picture)).unwrap_or_else(|| healthy(&picture))
}

fn broken(picture: &Picture) -> Option<Verdict> {
    let signing = picture.signing;
    let untrusted = picture.targets_where(signing.sha256, |trust| trust == Trust::Untrusted);
    if !untrusted.is_empty() {
        let targets: Vec<_> = untrusted.into_iter().cloned().collect();
        let sha256 = signing.sha256;
        let line =
            format!("Entra ID signs with {sha256}, which {} does not trust: import it", names(&targets));
        return Some(Verdict::new(Health::Broken, line));
    }
    let is_failing = picture.observed.sign_ins.is_some_and(|sign_ins| sign_ins.are_failing());
    let rotation = picture.persisted.rotation.as_ref();
    let is_active = rotation.is_some_and(|rotation| {
        matches!(rotation.state, State::ActiveObserving | State::RollingBack | State::Active)
    });
    if is_failing && is_active {
        let line =
            "sign-ins fail since the activation: roll back, or import the active certificate everywhere";
        return Some(Verdict::new(Health::Broken, line));
    }
    signing.is_expired(picture.now).then(|| Verdict::new(Health::Broken, Fault::ActiveExpired))
}

fn needs_person(picture: &Picture) -> Option<Verdict> {
    let person = |line: &dyn fmt::Display| Some(Verdict::new(Health::NeedsPerson, line));
    let days = super::next::days_left(picture);
    let pending = picture.pending();
    if let Err(fault) = &picture.published {
        return person(fault);
    }
    if let Some(rotation) = &picture.persisted.rotation {
        let lacking =
            rotation.staged.as_ref().map(|staged| picture.lacking(staged.sha256)).unwrap_or_default();
        let targets: Vec<_> = lacking.into_iter().cloned().collect();
        return match (rotation.state, rotation.held) {
            (State::Held, Some(because)) => person(&format!(
                "the rotation is held, because {because}: see to it, then stage again ({days} days left)"
            )),
            (State::AwaitingPerson, _) => person(&format!(
                "import the staged certificate into {} and attest it where it cannot be read ({days} days left)",
                names(&targets)
            )),
            (State::Ready, _) if picture.observed.sign_ins.is_none() && !rotation.activation_approved => {
                person(&"activate the staged certificate when somebody can try a sign-in")
            }
            _ => None,
        };
    }
    if pending.len() > 1 {
        return person(&Fault::SeveralPending { count: pending.len() });
    }
    match pending.first() {
        Some(found) if !super::next::is_due(picture) || picture.policy.mode == Mode::Monitor => {
            person(&format!(
                "the certificate {} is pending in Entra ID and signs by itself in {days} days: stage it, or delete it",
                found.sha256
            ))
        }
        _ if picture.is_within_guard() => person(&Fault::TooLateToStage),
        _ if picture.policy.mode == Mode::Monitor && super::next::is_due(picture) => {
            person(&format!("the active certificate expires in {days} days, and the mode is monitor"))
        }
        _ => None,
    }
}

fn healthy(picture: &Picture) -> Verdict {
    let signing = picture.signing.sha256;
    let days = super::next::days_left(picture);
    let unknown = picture.targets_where(signing, |trust| trust == Trust::Unknown).len();
    let trust = if unknown == 0 { "trusted everywhere" } else { "not known to be untrusted anywhere" };
    let rotation = picture.persisted.rotation.as_ref();
    let flight =
        rotation.map(|rotation| format!(", a rotation is at {:?}", rotation.state)).unwrap_or_default();
    Verdict::new(Health::Healthy, format!("{signing} signs, is {trust}, and expires in {days} days{flight}"))
}
