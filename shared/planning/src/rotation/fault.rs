//! What stands in a rotation's way, each with what to do about it.

use super::fingerprint::Sha1Thumbprint;
use super::observed::Unread;
use super::policy::TargetId;
use std::fmt;

/// Something observed that a rotation cannot go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Graph did not tell the keys.
    GraphUnread(Unread),
    /// The servicePrincipal has no signing certificate.
    NoCertificate,
    /// No thumbprint is preferred, and it could be one of several.
    NothingPreferred {
        /// Valid certificates, or all of them if none is valid.
        candidates: usize,
    },
    /// The preferred thumbprint names no certificate.
    PreferredUnknown(Sha1Thumbprint),
    /// The active certificate has expired, and Entra ID signs with one of several others.
    SigningUnknown {
        /// How many it could be.
        candidates: usize,
    },
    /// The active certificate had expired before the next one was staged.
    ActiveExpired,
    /// So little is left that a pending certificate would begin to sign before it is trusted.
    TooLateToStage,
    /// More than one certificate is pending.
    SeveralPending {
        /// How many.
        count: usize,
    },
    /// The metadata did not come.
    MetadataUnread(Unread),
    /// The metadata is another tenant's.
    ForeignMetadata {
        /// `entityID` of the configured tenant.
        expected: String,
        /// What it said.
        found: String,
    },
    /// The metadata does not hold the active certificate.
    MetadataOfAnotherApplication,
    /// A target does not take so long a certificate.
    CertificateTooLong {
        /// Which target.
        target: TargetId,
        /// Characters of its PEM.
        length: usize,
        /// Characters that the target takes.
        longest: usize,
    },
    /// What is remembered was written by a later version.
    UnknownSchema(u32),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::GraphUnread(Unread::Forbidden) => f.write_str(
                "Graph does not show the servicePrincipal's keys: grant the rotator Application.ReadWrite.OwnedBy and \
                 make it an owner of the application's servicePrincipal",
            ),
            Fault::GraphUnread(Unread::Failed) => {
                f.write_str("Graph could not be read: nothing is decided until it can")
            }
            Fault::NoCertificate => f.write_str(
                "the servicePrincipal has no signing certificate: check ENTRA_SERVICE_PRINCIPAL_ID, and that single \
                 sign-on with SAML is set up",
            ),
            Fault::NothingPreferred { candidates } => write!(
                f,
                "no signing certificate is preferred, and Entra ID may sign with any of {candidates}: activate the one \
                 that the targets trust (Entra admin centre > Single sign-on > SAML certificates > Make certificate \
                 active)"
            ),
            Fault::PreferredUnknown(thumbprint) => write!(
                f,
                "the preferred thumbprint {thumbprint} names no certificate: if this stays, activate one that the \
                 targets trust"
            ),
            Fault::SigningUnknown { candidates } => write!(
                f,
                "the active certificate has expired, and Entra ID signs with one of {candidates} others: activate the \
                 one that the targets trust, and delete the rest"
            ),
            Fault::ActiveExpired => f.write_str(
                "the active certificate has expired: a certificate that Entra ID makes now signs at once, before \
                 anything trusts it. Make one outside, import it into every target first, then upload and activate it",
            ),
            Fault::TooLateToStage => f.write_str(
                "the active certificate expires too soon to stage another: a pending one would sign by itself when it \
                 does. Make one outside, import it into every target first, then upload and activate it",
            ),
            Fault::SeveralPending { count } => write!(
                f,
                "{count} certificates are pending in Entra ID: delete all but the one that shall come next"
            ),
            Fault::MetadataUnread(_) => {
                f.write_str("the federation metadata could not be read: nothing is imported until it can")
            }
            Fault::ForeignMetadata { expected, found } => write!(
                f,
                "the federation metadata is of {found}, not of {expected}: check ENTRA_TENANT_ID and who answers for \
                 the login endpoint; nothing is imported"
            ),
            Fault::MetadataOfAnotherApplication => f.write_str(
                "the federation metadata does not hold the active certificate: check the application id it is read \
                 with; nothing is imported",
            ),
            Fault::CertificateTooLong { target, length, longest } => write!(
                f,
                "the certificate has {length} characters, and {target} takes {longest}: use an RSA-2048 key"
            ),
            Fault::UnknownSchema(schema) => write!(
                f,
                "the rotation's state has schema {schema}, which this version does not know: deploy the later version"
            ),
        }
    }
}
