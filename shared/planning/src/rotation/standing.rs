//! Every certificate that is known anywhere, and where: what `status` shows, metrics count, and what is published.

use super::fault::Fault;
use super::fingerprint::{Sha1Thumbprint, Sha256Fingerprint};
use super::observed::Observed;
use super::persisted::Persisted;
use super::picture::{Picture, Trust};
use super::policy::{Policy, TargetId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How Entra ID holds a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InEntra {
    /// It signs.
    Active,
    /// It signs by itself when the active one has expired.
    Pending,
    /// It does nothing.
    Inactive,
}

/// A certificate that is known somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCertificate {
    /// Over its DER.
    pub sha256: Sha256Fingerprint,
    /// Over its DER; the metadata's and targets' certificates that Entra ID does not hold have none here.
    pub sha1: Option<Sha1Thumbprint>,
    /// `displayName` in Entra ID.
    pub display_name: Option<String>,
    /// Not valid from then on.
    pub not_after: Option<Timestamp>,
    /// How Entra ID holds it, if it does.
    pub in_entra: Option<InEntra>,
    /// True if the metadata holds it; `None` if the metadata is not known, or not believed.
    pub in_metadata: Option<bool>,
    /// What each target says of it.
    pub targets: BTreeMap<TargetId, Trust>,
}

/// How the certificates stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What Entra ID signs with.
    pub signing: Sha256Fingerprint,
    /// True if what signs is what is preferred.
    pub is_pinned: bool,
    /// Targets whose list does not hold what signs: nobody can sign in there (I1).
    pub refused_by: Vec<TargetId>,
    /// Something pending would sign by itself, and not every target trusts it.
    pub is_pending_untrusted: bool,
    /// What a target trusts although Entra ID does not hold it: whoever has its key can sign in as anybody.
    pub unknown_trusted: Vec<(TargetId, Sha256Fingerprint)>,
    /// All of them: the active one first, then those that expire latest.
    pub certificates: Vec<KnownCertificate>,
}

/// Tells how the certificates stand.
///
/// # Errors
/// When it cannot be told what Entra ID signs with.
pub fn standing(
    observed: &Observed,
    persisted: &Persisted,
    policy: &Policy,
    now: Timestamp,
) -> Result<Standing, Fault> {
    let picture = Picture::of(observed, persisted, policy, now)?;
    let signing = picture.signing.sha256;
    let refused_by = picture.targets_where(signing, |trust| trust == Trust::Untrusted);
    let pending = picture.pending();
    Ok(Standing {
        signing,
        is_pinned: picture.preferred == Some(picture.signing.sha1),
        refused_by: refused_by.into_iter().cloned().collect(),
        is_pending_untrusted: pending.iter().any(|found| !picture.is_believed_everywhere(found.sha256)),
        unknown_trusted: unknown_trusted(&picture),
        certificates: certificates(&picture),
    })
}

fn unknown_trusted(picture: &Picture) -> Vec<(TargetId, Sha256Fingerprint)> {
    // What was replaced may have been deleted in Entra ID by hand; who has expired signs nothing in Identity Center.
    let replaced = picture.persisted.replaced.as_ref().map(|replaced| replaced.sha256);
    let rotation = picture.persisted.rotation.as_ref().map(|rotation| rotation.replaces.sha256);
    let held = |sha256| {
        let all =
            picture.observed.graph.as_ref().map(|graph| graph.certificates.as_slice()).unwrap_or_default();
        all.iter().any(|found| found.sha256 == sha256) || Some(sha256) == replaced || Some(sha256) == rotation
    };
    let listed = picture.policy.targets.keys().flat_map(|target| {
        let listed = picture.listed(target).unwrap_or_default();
        listed.iter().map(move |listed| (target, listed))
    });
    listed
        .filter(|(_, listed)| listed.not_after > picture.now && !held(listed.sha256))
        .map(|(target, listed)| (target.clone(), listed.sha256))
        .collect()
}

fn certificates(picture: &Picture) -> Vec<KnownCertificate> {
    let mut known: BTreeMap<Sha256Fingerprint, KnownCertificate> = BTreeMap::new();
    let pending: Vec<_> = picture.pending().into_iter().map(|found| found.sha256).collect();
    for found in picture.observed.graph.iter().flat_map(|graph| &graph.certificates) {
        let entry = known.entry(found.sha256).or_insert_with(|| unknown(found.sha256));
        entry.sha1 = Some(found.sha1);
        entry.display_name = Some(found.display_name.clone());
        entry.not_after = Some(found.not_after);
        entry.in_entra = Some(match found.sha256 {
            sha256 if sha256 == picture.signing.sha256 => InEntra::Active,
            sha256 if pending.contains(&sha256) => InEntra::Pending,
            _ => InEntra::Inactive,
        });
    }
    if let Ok(published) = &picture.published {
        published.iter().for_each(|sha256| {
            known.entry(*sha256).or_insert_with(|| unknown(*sha256));
        });
    }
    for listed in picture.policy.targets.keys().filter_map(|target| picture.listed(target)).flatten() {
        let entry = known.entry(listed.sha256).or_insert_with(|| unknown(listed.sha256));
        entry.not_after = entry.not_after.or(Some(listed.not_after));
    }
    let mut all: Vec<KnownCertificate> = known.into_values().collect();
    for entry in &mut all {
        entry.in_metadata =
            picture.published.as_ref().ok().map(|published| published.contains(&entry.sha256));
        let targets = picture.policy.targets.keys();
        entry.targets = targets.map(|target| (target.clone(), picture.trust(target, entry.sha256))).collect();
    }
    all.sort_by_key(|entry| (entry.in_entra != Some(InEntra::Active), std::cmp::Reverse(entry.not_after)));
    all
}

fn unknown(sha256: Sha256Fingerprint) -> KnownCertificate {
    KnownCertificate {
        sha256,
        sha1: None,
        display_name: None,
        not_after: None,
        in_entra: None,
        in_metadata: None,
        targets: BTreeMap::new(),
    }
}
