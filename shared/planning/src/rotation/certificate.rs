//! A signing certificate, as an adapter has parsed it, and what names it.

use super::fingerprint::{Sha1Thumbprint, Sha256Fingerprint};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// `keyId` of a key of the servicePrincipal, as Graph gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub String);

/// Names a rotation, and so the certificate that is made for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RotationId(String);

/// A certificate among the servicePrincipal's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Over its DER.
    pub sha256: Sha256Fingerprint,
    /// Over its DER.
    pub sha1: Sha1Thumbprint,
    /// Of its verifying key.
    pub key_id: KeyId,
    /// `displayName` of the key, such as `CN=...`.
    pub display_name: String,
    /// Not valid before.
    pub not_before: Timestamp,
    /// Not valid from then on.
    pub not_after: Timestamp,
    /// What a person or an API imports. No secret.
    pub pem: String,
}

/// What is remembered of a certificate that was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Over its DER.
    pub sha256: Sha256Fingerprint,
    /// Over its DER.
    pub sha1: Sha1Thumbprint,
    /// Not valid from then on.
    pub not_after: Timestamp,
}

impl Certificate {
    /// True if it is over: nothing makes it valid again.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.not_after
    }

    /// How long it is still valid; negative when it has expired.
    pub fn validity_left(&self, now: Timestamp) -> SignedDuration {
        self.not_after.duration_since(now)
    }
}

impl From<&Certificate> for Replaced {
    fn from(certificate: &Certificate) -> Self {
        Self { sha256: certificate.sha256, sha1: certificate.sha1, not_after: certificate.not_after }
    }
}

impl RotationId {
    /// The id of a rotation that begins now and replaces this certificate: the same for two runs at once, another
    /// for another try.
    pub fn new(replaced: Sha256Fingerprint, now: Timestamp) -> Self {
        Self(format!("{:.8}-{}", replaced.to_string(), now.as_second()))
    }

    /// Where the certificate of this rotation is recognised before anything else is known of it: asking Entra ID for
    /// a certificate twice makes two.
    pub fn display_name(&self) -> String {
        format!("CN=iic-{}", self.0)
    }
}

impl fmt::Display for RotationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
