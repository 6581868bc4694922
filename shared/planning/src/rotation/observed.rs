//! What was read before a decision: Entra ID's keys, its metadata, what the targets trust, and sign-ins.

use super::certificate::Certificate;
use super::fingerprint::{Sha1Thumbprint, Sha256Fingerprint};
use super::policy::TargetId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Why something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unread {
    /// The service refused: a permission is missing.
    Forbidden,
    /// Anything else; it may work the next time.
    Failed,
}

/// Everything that was read.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The servicePrincipal in Graph.
    pub graph: Result<GraphReading, Unread>,
    /// The application's federation metadata.
    pub metadata: Result<MetadataReading, Unread>,
    /// What each target trusts. One that is not here counts as not readable.
    pub targets: BTreeMap<TargetId, TargetReading>,
    /// Sign-ins since the last activation; `None` if they cannot be read.
    pub sign_ins: Option<SignIns>,
}

/// The servicePrincipal's signing certificates.
#[derive(Debug, Clone)]
pub struct GraphReading {
    /// `preferredTokenSigningKeyThumbprint`.
    pub preferred: Option<Sha1Thumbprint>,
    /// Each certificate once, although Graph has two keys of each.
    pub certificates: Vec<Certificate>,
}

/// `IDPSSODescriptor` of the metadata that was read with `appid`.
#[derive(Debug, Clone)]
pub struct MetadataReading {
    /// `entityID`.
    pub entity_id: String,
    /// Of the signing keys.
    pub certificates: BTreeSet<Sha256Fingerprint>,
}

/// What a target trusts.
#[derive(Debug, Clone)]
pub enum TargetReading {
    /// All of it.
    Listed(Vec<Listed>),
    /// It could not be read, or was not understood: as good as a target that cannot list.
    NotReadable,
}

/// A certificate in a target's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the target calls it, such as `certificateId`.
    pub id: ListedId,
    /// Over the DER that the target returned.
    pub sha256: Sha256Fingerprint,
    /// Not valid from then on.
    pub not_after: Timestamp,
}

/// What a target calls a certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListedId(pub String);

/// Sign-ins since the last activation, over all targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SignIns {
    /// Successful ones.
    pub successes: u32,
    /// Successful ones after the time of grace, which can only have been signed by what was activated.
    pub settled_successes: u32,
    /// Failed ones. The wording of a signature failure is not known, so that every failure counts.
    pub failures: u32,
    /// Failures among a thousand sign-ins in the days before.
    pub baseline_per_mille: u32,
}

/// So few failures are no sign of anything.
const FEW_FAILURES: u32 = 5;
/// Successes that are believed.
const ENOUGH_SUCCESSES: u32 = 5;

impl SignIns {
    /// True if more fail than is usual here.
    pub fn are_failing(&self) -> bool {
        let all = u64::from(self.successes) + u64::from(self.failures);
        self.failures >= FEW_FAILURES
            && u64::from(self.failures) * 1_000 > u64::from(self.baseline_per_mille) * all
    }

    /// True if enough succeeded with what was activated, and no more fail than is usual.
    pub fn are_proof(&self) -> bool {
        self.settled_successes >= ENOUGH_SUCCESSES && !self.are_failing()
    }
}
