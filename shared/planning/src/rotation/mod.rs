//! The rotation of the SAML signing certificate: proven before it is activated, one write at a time.
//!
//! [`next`] decides from what is observed and remembered; [`verdict`] says how things are; [`command`] takes an
//! operator's decision. Before every write the invariants are checked from what was observed (`guard.rs`):
//!
//! | | |
//! |---|---|
//! | I1 | What Entra ID signs with is trusted; otherwise back to what is, at once |
//! | I2 | Nothing untrusted is pending when the active certificate is about to expire: it would sign by itself |
//! | I3 | Activated only if every target proves, or a person attests, that it trusts the certificate |
//! | I4 | Taken from a target only if Entra ID can no longer sign with it, and sign-ins succeed with another |
//! | I5 | One rotation in flight, one certificate for each |
//! | I6 | The preferred thumbprint is pinned |
//! | I7 | Imported only if Graph and the configured application's metadata both hold it |

mod activation;
mod certificate;
mod command;
mod fault;
mod fingerprint;
mod guard;
mod next;
mod observed;
mod persisted;
mod picture;
mod policy;
mod stages;
mod standing;
mod step;
mod verdict;

pub use certificate::{Certificate, KeyId, Replaced, RotationId};
pub use command::{Command, Refusal, command};
pub use fault::Fault;
pub use fingerprint::{InvalidFingerprint, Sha1Thumbprint, Sha256Fingerprint};
pub use guard::Refused;
pub use next::next;
pub use observed::{
    GraphReading, Listed, ListedId, MetadataReading, Observed, SignIns, TargetReading, Unread,
};
pub use persisted::{Attestation, HeldBecause, Persisted, Preference, Rotation, SCHEMA, State};
pub use picture::Trust;
pub use policy::{
    ChangeWindow, ForeignProvider, Mode, Policy, Retirement, Target, TargetId, days, entity_id,
};
pub use standing::{InEntra, KnownCertificate, Standing, standing};
pub use step::{Notice, Step, Write};
pub use verdict::{Health, Verdict, verdict};

#[cfg(test)]
mod activation_tests;
#[cfg(test)]
mod command_tests;
#[cfg(test)]
mod next_tests;
#[cfg(test)]
mod world_tests;
