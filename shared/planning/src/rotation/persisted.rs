//! What is remembered between runs. It is replaced as a whole, and only if nobody else replaced it in between.

use super::certificate::{Certificate, Replaced, RotationId};
use super::fingerprint::{Sha1Thumbprint, Sha256Fingerprint};
use super::policy::TargetId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Version of the document's form.
pub const SCHEMA: u32 = 1;

/// Everything that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persisted {
    /// [`SCHEMA`] when it was stored.
    pub schema: u32,
    /// Grows with every store: the fencing token. A store succeeds only over the revision that was read.
    pub revision: u64,
    /// A write that a run was about to make and did not settle: its lease.
    #[serde(default)]
    pub begun: Option<Timestamp>,
    /// The preferred thumbprint as it was last written or read: reads lag.
    #[serde(default)]
    pub preferred: Option<Preference>,
    /// What was last taken out of Entra ID, and when: reads lag.
    #[serde(default)]
    pub removed: Option<(Sha256Fingerprint, Timestamp)>,
    /// When a target was last asked for a change: its list may lag.
    #[serde(default)]
    pub asked: BTreeMap<TargetId, Timestamp>,
    /// What people said they imported, by target.
    #[serde(default)]
    pub attested: BTreeMap<TargetId, Attestation>,
    /// The rotation in flight.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// The certificate that the last rotation replaced.
    #[serde(default)]
    pub replaced: Option<Replaced>,
}

/// A preferred thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    /// What is preferred.
    pub thumbprint: Sha1Thumbprint,
    /// What was preferred before, and may still be read.
    pub instead_of: Option<Sha1Thumbprint>,
    /// When it was written, or first read.
    pub at: Timestamp,
}

/// A person's word that a target trusts a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Which certificate.
    pub sha256: Sha256Fingerprint,
    /// When it was given.
    pub at: Timestamp,
}

/// A rotation in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Its name, and so its certificate's.
    pub id: RotationId,
    /// How far it is.
    pub state: State,
    /// Since when it is there.
    pub since: Timestamp,
    /// The certificate that is to be replaced.
    pub replaces: Replaced,
    /// The certificate that replaces it, once it is known.
    #[serde(default)]
    pub staged: Option<Certificate>,
    /// When Entra ID was asked for it: never twice in one rotation.
    #[serde(default)]
    pub asked_at: Option<Timestamp>,
    /// Reads in a row in which Graph and metadata held it.
    #[serde(default)]
    pub reads: u8,
    /// Since when Graph does not show it.
    #[serde(default)]
    pub missing_since: Option<Timestamp>,
    /// Where it was proven at some time, and when.
    #[serde(default)]
    pub proven: BTreeMap<TargetId, Timestamp>,
    /// True if an operator wants no soak.
    #[serde(default)]
    pub at_once: bool,
    /// True if an operator approved the activation.
    #[serde(default)]
    pub activation_approved: bool,
    /// True if an operator approved the retirement.
    #[serde(default)]
    pub retirement_approved: bool,
    /// When the new certificate was activated.
    #[serde(default)]
    pub activated_at: Option<Timestamp>,
    /// Activations that were rolled back.
    #[serde(default)]
    pub attempts: u8,
    /// The last reminder, in days before expiry.
    #[serde(default)]
    pub reminded: Option<i64>,
    /// Why it is held.
    #[serde(default)]
    pub held: Option<HeldBecause>,
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has a name.
    Planned,
    /// The active certificate is pinned.
    Pinned,
    /// The new certificate exists.
    Created,
    /// Graph and metadata show it.
    Published,
    /// A person has to import it.
    AwaitingPerson,
    /// Every target trusts it.
    Trusted,
    /// It has soaked.
    Ready,
    /// It is about to be activated.
    Activating,
    /// It signs, and sign-ins are watched.
    ActiveObserving,
    /// Sign-ins fail: back to the certificate before.
    RollingBack,
    /// Sign-ins succeed.
    Active,
    /// The certificate before is taken from the targets.
    Retiring,
    /// The new certificate is taken out of Entra ID before it begins to sign by itself.
    Aborting,
    /// Nothing more happens without a person.
    Held,
}

/// Why nothing more happens without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBecause {
    /// It was not trusted everywhere before the deadline, and was taken out of Entra ID.
    Late,
    /// It was rolled back too often.
    RolledBack,
    /// An operator rolled it back.
    Operator,
    /// Somebody switched the certificate outside of entra-mirror.
    Switched,
    /// A target does not take a certificate of this length.
    TooLong,
}

impl Default for Persisted {
    /// Nothing happened yet.
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            revision: 0,
            begun: None,
            preferred: None,
            removed: None,
            asked: BTreeMap::new(),
            attested: BTreeMap::new(),
            rotation: None,
            replaced: None,
        }
    }
}

impl Rotation {
    /// A rotation that begins now.
    pub fn new(active: &Certificate, now: Timestamp) -> Self {
        Self {
            id: RotationId::new(active.sha256, now),
            state: State::Planned,
            since: now,
            replaces: active.into(),
            staged: None,
            asked_at: None,
            reads: 0,
            missing_since: None,
            proven: BTreeMap::new(),
            at_once: false,
            activation_approved: false,
            retirement_approved: false,
            activated_at: None,
            attempts: 0,
            reminded: None,
            held: None,
        }
    }

    /// The same rotation in another state since now.
    pub fn now_in(&self, state: State, now: Timestamp) -> Self {
        Self { state, since: now, ..self.clone() }
    }

    /// The same rotation, held.
    pub fn held(&self, because: HeldBecause, now: Timestamp) -> Self {
        Self { held: Some(because), ..self.now_in(State::Held, now) }
    }
}

impl State {
    /// True before the new certificate is activated.
    pub fn is_before_activation(self) -> bool {
        self < State::ActiveObserving
    }
}

impl fmt::Display for HeldBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeldBecause::Late => "it was not trusted everywhere in time",
            HeldBecause::RolledBack => "sign-ins failed after each activation",
            HeldBecause::Operator => "an operator rolled it back",
            HeldBecause::Switched => "the certificate was switched by hand",
            HeldBecause::TooLong => "its PEM is longer than a target takes",
        })
    }
}
