//! What the observation comes to: what Entra ID signs with, what is pending, and who trusts what.

use super::certificate::Certificate;
use super::fault::Fault;
use super::fingerprint::{Sha1Thumbprint, Sha256Fingerprint};
use super::observed::{GraphReading, Listed, Observed, TargetReading, Unread};
use super::persisted::{Persisted, Preference, Rotation, SCHEMA, State};
use super::policy::{Policy, TargetId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long reads of Graph may lag behind writes: "several minutes" by its documentation, with a wide margin.
pub const SETTLED: SignedDuration = SignedDuration::from_hours(1);

/// What a target says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Its list holds it.
    Proven,
    /// Nothing can be read, and a person gave their word.
    Attested,
    /// Nothing can be read.
    Unknown,
    /// Its list does not hold it.
    Untrusted,
}

/// Everything that a decision rests on.
#[derive(Debug, Clone)]
pub(super) struct Picture<'a> {
    pub observed: &'a Observed,
    pub persisted: &'a Persisted,
    pub policy: &'a Policy,
    pub now: Timestamp,
    /// What Entra ID prefers; what was written or read before, while reads may lag.
    pub preferred: Option<Sha1Thumbprint>,
    /// What Entra ID signs with.
    pub signing: &'a Certificate,
    /// What Entra ID would sign with if it were preferred.
    pub others: Vec<&'a Certificate>,
    /// What the metadata holds, or why it is not believed.
    pub published: Result<&'a BTreeSet<Sha256Fingerprint>, Fault>,
}

impl<'a> Picture<'a> {
    /// # Errors
    /// When it cannot be told what Entra ID signs with.
    pub fn of(
        observed: &'a Observed,
        persisted: &'a Persisted,
        policy: &'a Policy,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        if persisted.schema != SCHEMA {
            return Err(Fault::UnknownSchema(persisted.schema));
        }
        let graph = observed.graph.as_ref().map_err(|why| Fault::GraphUnread(*why))?;
        let removed = persisted.removed.filter(|(_, at)| now.duration_since(*at) < SETTLED);
        let is_there = |found: &&Certificate| removed.is_none_or(|(gone, _)| found.sha256 != gone);
        let certificates: Vec<&Certificate> = graph.certificates.iter().filter(is_there).collect();
        let preferred = preferred(graph, persisted, now);
        let signing = signing(&certificates, preferred, now)?;
        let is_other = |found: &&Certificate| found.sha256 != signing.sha256 && !found.is_expired(now);
        let others = certificates.into_iter().filter(is_other).collect();
        let published = published(observed, policy, signing);
        Ok(Self { observed, persisted, policy, now, preferred, signing, others, published })
    }

    /// What Entra ID signs with by itself when the active certificate has expired, unless it is taken out before.
    pub fn pending(&self) -> Vec<&'a Certificate> {
        let outlives = |found: &&&Certificate| found.not_after > self.signing.not_after;
        self.others.iter().filter(outlives).copied().collect()
    }

    /// What a target says of a certificate.
    pub fn trust(&self, target: &TargetId, sha256: Sha256Fingerprint) -> Trust {
        match self.listed(target) {
            Some(listed) if listed.iter().any(|listed| listed.sha256 == sha256) => Trust::Proven,
            Some(_) => Trust::Untrusted,
            None if self.persisted.attested.get(target).is_some_and(|word| word.sha256 == sha256) => {
                Trust::Attested
            }
            None => Trust::Unknown,
        }
    }

    /// The targets of which this is true.
    pub fn targets_where(&self, sha256: Sha256Fingerprint, is: impl Fn(Trust) -> bool) -> Vec<&'a TargetId> {
        self.policy.targets.keys().filter(|target| is(self.trust(target, sha256))).collect()
    }

    /// The targets that neither prove nor have a person's word that they trust a certificate.
    pub fn lacking(&self, sha256: Sha256Fingerprint) -> Vec<&'a TargetId> {
        self.targets_where(sha256, |trust| trust > Trust::Attested)
    }

    /// True if every target trusts it; a proof counts on while the list cannot be read.
    pub fn is_believed_everywhere(&self, sha256: Sha256Fingerprint) -> bool {
        let proven = self.rotation_of(sha256).map(|rotation| &rotation.proven);
        self.lacking(sha256).into_iter().all(|target| {
            self.trust(target, sha256) == Trust::Unknown
                && proven.is_some_and(|proven| proven.contains_key(target))
        })
    }

    /// True if the active certificate expires so soon that nothing untrusted may be pending (I2).
    pub fn is_within_guard(&self) -> bool {
        self.signing.validity_left(self.now) <= self.policy.abort_before
    }

    /// A target's list, if it could be read.
    pub fn listed(&self, target: &TargetId) -> Option<&'a [Listed]> {
        match self.observed.targets.get(target) {
            Some(TargetReading::Listed(listed)) => Some(listed),
            _ => None,
        }
    }

    /// A certificate among Entra ID's keys that it would sign with.
    pub fn usable(&self, sha256: Sha256Fingerprint) -> Option<&'a Certificate> {
        let mut usable = self.others.iter().copied().chain([self.signing]);
        usable.find(|found| found.sha256 == sha256 && !found.is_expired(self.now))
    }

    /// The first reason for which a target does not take a certificate.
    pub fn too_long(&self, certificate: &Certificate) -> Option<Fault> {
        let length = certificate.pem.chars().count();
        self.policy.targets.iter().find_map(|(target, kind)| {
            let longest = kind.longest_pem.filter(|longest| length > *longest)?;
            Some(Fault::CertificateTooLong { target: target.clone(), length, longest })
        })
    }

    /// True if it is this rotation's new certificate, and the rotation still leads to its activation.
    fn rotation_of(&self, sha256: Sha256Fingerprint) -> Option<&'a Rotation> {
        let rotation = self.persisted.rotation.as_ref()?;
        let is_its = rotation.staged.as_ref().is_some_and(|staged| staged.sha256 == sha256);
        (is_its && !matches!(rotation.state, State::Held | State::Aborting)).then_some(rotation)
    }
}

/// What Entra ID prefers. Shortly after it was switched, a read may still show what was before.
fn preferred(graph: &GraphReading, persisted: &Persisted, now: Timestamp) -> Option<Sha1Thumbprint> {
    let lags =
        |known: &Preference| graph.preferred == known.instead_of && now.duration_since(known.at) < SETTLED;
    persisted.preferred.filter(lags).map(|known| known.thumbprint).or(graph.preferred)
}

/// What Entra ID signs with: the preferred certificate, unless it has expired and another has not.
fn signing<'a>(
    certificates: &[&'a Certificate],
    preferred: Option<Sha1Thumbprint>,
    now: Timestamp,
) -> Result<&'a Certificate, Fault> {
    let valid: Vec<&Certificate> =
        certificates.iter().copied().filter(|found| !found.is_expired(now)).collect();
    let Some(preferred) = preferred else {
        return match (certificates, &valid[..]) {
            ([], _) => Err(Fault::NoCertificate),
            ([only], _) | (_, [only]) => Ok(only),
            (all, []) => Err(Fault::NothingPreferred { candidates: all.len() }),
            (_, valid) => Err(Fault::NothingPreferred { candidates: valid.len() }),
        };
    };
    let named = certificates.iter().copied().find(|found| found.sha1 == preferred);
    match (named, &valid[..]) {
        (None, _) if certificates.is_empty() => Err(Fault::NoCertificate),
        (None, _) => Err(Fault::PreferredUnknown(preferred)),
        (Some(named), _) if !named.is_expired(now) => Ok(named),
        (Some(named), []) => Ok(named),
        (Some(_), [only]) => Ok(only),
        (Some(_), several) => Err(Fault::SigningUnknown { candidates: several.len() }),
    }
}

fn published<'a>(
    observed: &'a Observed,
    policy: &Policy,
    signing: &Certificate,
) -> Result<&'a BTreeSet<Sha256Fingerprint>, Fault> {
    let metadata = observed.metadata.as_ref().map_err(|why: &Unread| Fault::MetadataUnread(*why))?;
    if metadata.entity_id != policy.entity_id {
        let (expected, found) = (policy.entity_id.clone(), metadata.entity_id.clone());
        return Err(Fault::ForeignMetadata { expected, found });
    }
    if !metadata.certificates.contains(&signing.sha256) {
        return Err(Fault::MetadataOfAnotherApplication);
    }
    Ok(&metadata.certificates)
}
