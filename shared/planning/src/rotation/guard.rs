//! What is checked before every write, from what was observed: the invariants I1 to I7.

use super::fingerprint::Sha256Fingerprint;
use super::persisted::State;
use super::picture::{Picture, Trust};
use super::policy::{Mode, Retirement, TargetId, days};
use super::step::{Write, names};
use jiff::SignedDuration;
use std::fmt;

/// Clocks differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
/// What retirement waits for at least, whatever is configured.
const DWELL: SignedDuration = days(7);

/// A write that would break an invariant, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Nothing is written in this mode.
    Mode(Mode),
    /// I1: what would sign is not known to be usable and trusted.
    NoWayBack,
    /// I2: it would sign by itself before it is trusted.
    WouldSignUntrusted,
    /// I2: something is pending already.
    AlreadyPending,
    /// It signs, and is never taken away.
    Signing,
    /// I3: these targets neither prove nor have a person's word.
    NotTrusted(Vec<TargetId>),
    /// I3: it is not valid yet, or no longer.
    NotValid,
    /// I3, I6: something else is preferred than what is to be replaced.
    NotPinned,
    /// I4: retirement is not allowed, or not approved.
    RetirementNotAllowed,
    /// I4: Entra ID may still sign with it.
    StillAKey,
    /// I4: too little is known of sign-ins since the activation.
    NotProvenBySignIns,
    /// I4: it is the last valid one there.
    LastOne,
    /// I5: it was asked for already.
    AskedAlready,
    /// I7: Graph and metadata do not both hold it.
    NotPublished,
    /// The target does not allow it, or does not take so long a certificate.
    Target(TargetId),
}

impl Picture<'_> {
    /// Tells whether a write keeps every invariant.
    pub fn permits(&self, write: &Write) -> Result<(), Refused> {
        if self.policy.mode == Mode::Monitor {
            return Err(Refused::Mode(Mode::Monitor));
        }
        match write {
            Write::Pin(thumbprint) => ensure(*thumbprint == self.signing.sha1, Refused::NotPinned),
            Write::Stage { .. } => self.permits_staging(),
            Write::Import { target, certificate } => self.permits_import(target, certificate.sha256),
            Write::Activate(_) => self.permits_activation(),
            Write::RollBack(thumbprint) => {
                let back = self.others.iter().find(|found| found.sha1 == *thumbprint);
                let is_safe = back.is_some_and(|back| {
                    back.not_before <= self.now
                        && self.targets_where(back.sha256, |trust| trust == Trust::Untrusted).is_empty()
                });
                ensure(is_safe, Refused::NoWayBack)
            }
            Write::RemovePending(sha256) => {
                ensure(!self.signing.is_expired(self.now), Refused::Signing)?;
                ensure(*sha256 != self.signing.sha256, Refused::Signing)
            }
            Write::Retire { target, sha256, .. } => self.permits_retirement(target, *sha256),
        }
    }

    fn permits_staging(&self) -> Result<(), Refused> {
        let rotation = self.persisted.rotation.as_ref();
        ensure(rotation.is_some_and(|rotation| rotation.asked_at.is_none()), Refused::AskedAlready)?;
        ensure(self.pending().is_empty(), Refused::AlreadyPending)?;
        ensure(!self.is_within_guard(), Refused::WouldSignUntrusted)?;
        ensure(self.preferred == Some(self.signing.sha1), Refused::NotPinned)
    }

    fn permits_import(&self, target: &TargetId, sha256: Sha256Fingerprint) -> Result<(), Refused> {
        let kind = self.policy.targets.get(target).filter(|kind| kind.imports);
        let (Mode::Auto, Some(kind), Some(certificate)) = (self.policy.mode, kind, self.usable(sha256))
        else {
            return Err(Refused::Target(target.clone()));
        };
        let fits = kind.longest_pem.is_none_or(|longest| certificate.pem.chars().count() <= longest);
        ensure(fits, Refused::Target(target.clone()))?;
        let is_published = self.published.as_ref().is_ok_and(|published| published.contains(&sha256));
        ensure(is_published, Refused::NotPublished)
    }

    fn permits_activation(&self) -> Result<(), Refused> {
        let rotation = self.persisted.rotation.as_ref().filter(|found| found.state == State::Activating);
        let staged =
            rotation.and_then(|rotation| Some((rotation, self.usable(rotation.staged.as_ref()?.sha256)?)));
        let Some((rotation, staged)) = staged else { return Err(Refused::NotValid) };
        let lacking: Vec<TargetId> = self.lacking(staged.sha256).into_iter().cloned().collect();
        ensure(lacking.is_empty(), Refused::NotTrusted(lacking))?;
        ensure(self.now.duration_since(staged.not_before) >= SKEW, Refused::NotValid)?;
        let is_pinned = self.preferred == Some(rotation.replaces.sha1);
        ensure(is_pinned && self.signing.sha1 == rotation.replaces.sha1, Refused::NotPinned)
    }

    fn permits_retirement(&self, target: &TargetId, sha256: Sha256Fingerprint) -> Result<(), Refused> {
        let removes = self.policy.targets.get(target).is_some_and(|kind| kind.removes);
        ensure(removes && self.policy.mode == Mode::Auto, Refused::Target(target.clone()))?;
        let rotation = self.persisted.rotation.as_ref().ok_or(Refused::RetirementNotAllowed)?;
        ensure(
            match self.policy.retirement {
                Retirement::Never => false,
                Retirement::Approved => rotation.retirement_approved,
                Retirement::Automatic => true,
            },
            Refused::RetirementNotAllowed,
        )?;
        ensure(sha256 == rotation.replaces.sha256 && sha256 != self.signing.sha256, Refused::Signing)?;
        ensure(self.others.iter().all(|found| found.sha256 != sha256), Refused::StillAKey)?;
        let dwell = self.policy.retire_after.max(DWELL);
        let has_dwelt = rotation.activated_at.is_some_and(|at| self.now.duration_since(at) >= dwell);
        let is_proven = self.observed.sign_ins.is_some_and(|sign_ins| sign_ins.are_proof());
        ensure(has_dwelt && is_proven, Refused::NotProvenBySignIns)?;
        let stays = self.listed(target).is_some_and(|listed| {
            listed.iter().any(|other| other.sha256 == self.signing.sha256 && other.not_after > self.now)
        });
        ensure(stays, Refused::LastOne)
    }
}

fn ensure(holds: bool, refused: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refused) }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Mode(_) => {
                f.write_str("nothing is written in the mode monitor: switch it to assist or auto")
            }
            Refused::NoWayBack => f.write_str(
                "the certificate before has expired, is gone from Entra ID, or a target does not trust it",
            ),
            Refused::WouldSignUntrusted => f.write_str(
                "the active certificate expires so soon that another would sign before it is trusted",
            ),
            Refused::AlreadyPending => f.write_str("a certificate is pending in Entra ID already"),
            Refused::Signing => f.write_str("Entra ID signs with it"),
            Refused::NotTrusted(targets) => write!(
                f,
                "nothing proves that {} trusts it: import it there, and attest it where that cannot be read",
                names(targets)
            ),
            Refused::NotValid => {
                f.write_str("the new certificate is not valid now, or is gone from Entra ID")
            }
            Refused::NotPinned => f.write_str("Entra ID prefers another certificate than is to be replaced"),
            Refused::RetirementNotAllowed => {
                f.write_str("retirement is not allowed, or nobody approved it: see RETIREMENT, and retire")
            }
            Refused::StillAKey => f.write_str(
                "Entra ID could still sign with it: delete it there, or wait until it has expired",
            ),
            Refused::NotProvenBySignIns => f.write_str(
                "too few sign-ins have succeeded since the activation, or too little time has passed",
            ),
            Refused::LastOne => f.write_str("the target's list shows no other valid certificate that signs"),
            Refused::AskedAlready => {
                f.write_str("Entra ID was asked for this rotation's certificate already")
            }
            Refused::NotPublished => f.write_str("Graph and the federation metadata do not both hold it"),
            Refused::Target(target) => write!(f, "{target} does not allow it"),
        }
    }
}
