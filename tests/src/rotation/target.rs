//! A target: the certificates that it trusts, and what can be done with it from outside.

use super::entra::Lag;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{Certificate, Listed, ListedId, Sha256Fingerprint, Target, TargetId, TargetReading};

/// How long its list lags.
const LIST: SignedDuration = SignedDuration::from_mins(10);

/// Something that trusts Entra ID.
#[derive(Debug, Clone)]
pub struct Trusting {
    /// Its name.
    pub id: TargetId,
    /// What can be done with it.
    pub kind: Target,
    /// True if it does not take what an expired certificate signed.
    pub enforces_expiry: bool,
    trusted: Vec<Listed>,
    before: Vec<Listed>,
    changed: Option<Lag>,
    imported: u32,
}

impl Trusting {
    /// A target that trusts what signs now.
    pub fn new(id: &str, kind: Target, enforces_expiry: bool, first: &Certificate) -> Self {
        let mut target = Self {
            id: TargetId(id.to_owned()),
            kind,
            enforces_expiry,
            trusted: Vec::new(),
            before: Vec::new(),
            changed: None,
            imported: 0,
        };
        target.push(first.sha256, first.not_after);
        target
    }

    /// True if it takes what this certificate signed.
    pub fn accepts(&self, certificate: &Certificate, now: Timestamp) -> bool {
        self.trusts(certificate.sha256) && !(self.enforces_expiry && certificate.is_expired(now))
    }

    /// True if its list holds it.
    pub fn trusts(&self, sha256: Sha256Fingerprint) -> bool {
        self.trusted.iter().any(|listed| listed.sha256 == sha256)
    }

    /// What it trusts.
    pub fn trusted(&self) -> &[Listed] {
        &self.trusted
    }

    /// Adds a certificate.
    pub fn import(
        &mut self,
        random: &mut Rng,
        sha256: Sha256Fingerprint,
        not_after: Timestamp,
        now: Timestamp,
    ) {
        if !self.trusts(sha256) {
            self.before.clone_from(&self.trusted);
            self.changed = Some(Lag::drawn(random, now, LIST));
            self.push(sha256, not_after);
        }
    }

    /// Takes a certificate away.
    pub fn remove(&mut self, random: &mut Rng, id: &ListedId, now: Timestamp) {
        self.before.clone_from(&self.trusted);
        self.changed = Some(Lag::drawn(random, now, LIST));
        self.trusted.retain(|listed| listed.id != *id);
    }

    /// One read of its list.
    pub fn reading(&self, random: &mut Rng, now: Timestamp) -> TargetReading {
        if !self.kind.lists {
            return TargetReading::NotReadable;
        }
        let is_current = self.changed.is_none_or(|changed| changed.shows(random, now));
        TargetReading::Listed(if is_current { self.trusted.clone() } else { self.before.clone() })
    }

    fn push(&mut self, sha256: Sha256Fingerprint, not_after: Timestamp) {
        self.imported += 1;
        self.trusted.push(Listed {
            id: ListedId(format!("certificate-{}", self.imported)),
            sha256,
            not_after,
        });
    }
}
