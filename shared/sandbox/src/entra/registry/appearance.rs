//! What was just made is not seen at once: at first by no read, then by some, as replicas catch up
//! (application-saml-sso-configure-api: "poll"; terraform-provider-azuread waits for several hits in a row).

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// How long after its making an application or servicePrincipal is not seen, or seen by every other read only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Appearance {
    /// Milliseconds in which nothing sees it.
    pub unseen_ms: u32,
    /// Milliseconds after these in which every other read does.
    pub wavering_ms: u32,
}

impl Default for Appearance {
    fn default() -> Self {
        Self { unseen_ms: 1_000, wavering_ms: 1_000 }
    }
}

impl Appearance {
    /// `None` while nothing sees it, then `Some(true)` while some reads do, then `Some(false)`.
    pub(super) fn wavers(self, made: Timestamp, now: Timestamp) -> Option<bool> {
        let age = now.duration_since(made);
        let unseen = SignedDuration::from_millis(self.unseen_ms.into());
        let wavering = SignedDuration::from_millis(self.wavering_ms.into());
        (age >= unseen).then_some(age < unseen + wavering)
    }
}
