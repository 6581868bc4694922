//! What the operator has configured: mode, targets, and how long each thing takes.

use jiff::civil::Weekday;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// Names what trusts the certificate: `identity-center`, or the ARN of an IAM SAML provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetId(pub String);

/// How much is done without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Looks and tells. Nothing is written.
    #[default]
    Monitor,
    /// Stages and activates in Entra ID; people import.
    Assist,
    /// Imports, too, where a target allows it.
    Auto,
}

/// When the certificate that was replaced is taken from the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retirement {
    /// Never.
    #[default]
    Never,
    /// When an operator has approved it.
    Approved,
    /// As soon as it is safe.
    Automatic,
}

/// What can be done with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What it trusts can be read.
    pub lists: bool,
    /// A certificate can be added.
    pub imports: bool,
    /// A certificate can be taken away.
    pub removes: bool,
    /// Characters of the longest PEM that it takes, if that is known.
    pub longest_pem: Option<usize>,
}

/// A target that is not ours to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} belongs to IAM Identity Center, which keeps it itself: take it out of the targets")]
pub struct ForeignProvider(String);

/// `Certificate file` quota of IAM Identity Center, in UTF-8 characters; it cannot be raised.
const IDENTITY_CENTER_PEM: usize = 2_500;

/// When people are at work who notice if nobody can sign in, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeWindow {
    /// First hour.
    pub from: i8,
    /// The hour at which it is over.
    pub until: i8,
    /// Saturday and Sunday, too.
    pub weekends: bool,
}

/// Everything that is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How much is done without a person.
    pub mode: Mode,
    /// `entityID` of the configured tenant's metadata: [`entity_id`].
    pub entity_id: String,
    /// What must trust a certificate before it is activated.
    pub targets: BTreeMap<TargetId, Target>,
    /// So long before the active certificate expires, the next one is staged.
    pub lead_time: SignedDuration,
    /// How long every target has trusted a certificate before it is activated.
    pub soak: SignedDuration,
    /// So long before the active certificate expires, nothing may be pending that a target does not trust (I2).
    pub abort_before: SignedDuration,
    /// When a certificate is activated, unless an operator approved it.
    pub window: ChangeWindow,
    /// When the replaced certificate is taken away.
    pub retirement: Retirement,
    /// How long a certificate has been active before the one it replaced is retired.
    pub retire_after: SignedDuration,
    /// Days before expiry on which a person is reminded, the first one first.
    pub reminders: [i64; 4],
}

impl Policy {
    /// What applies unless it is configured otherwise.
    pub fn new(mode: Mode, tenant: Uuid, targets: BTreeMap<TargetId, Target>) -> Self {
        Self {
            mode,
            entity_id: entity_id(tenant),
            targets,
            lead_time: days(60),
            soak: days(1),
            abort_before: days(7),
            window: ChangeWindow { from: 8, until: 16, weekends: false },
            retirement: Retirement::Never,
            retire_after: days(7),
            reminders: [45, 30, 14, 8],
        }
    }
}

/// The issuer that a tenant's metadata names (Microsoft Entra federation metadata).
pub fn entity_id(tenant: Uuid) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

/// So many days.
pub const fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

impl Target {
    /// IAM Identity Center, where a person imports and nothing can be read.
    pub const MANUAL: Target =
        Target { lists: false, imports: false, removes: false, longest_pem: Some(IDENTITY_CENTER_PEM) };

    /// IAM Identity Center through its console's API, as far as that is allowed.
    pub const fn identity_center(imports: bool, removes: bool) -> Self {
        Target { lists: true, imports, removes, longest_pem: Some(IDENTITY_CENTER_PEM) }
    }

    /// A SAML provider of IAM.
    ///
    /// # Errors
    /// When it is one that IAM Identity Center made for itself.
    pub fn iam_saml_provider(arn: &str) -> Result<(TargetId, Self), ForeignProvider> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        if name.starts_with("AWSSSO_") && name.ends_with("_DO_NOT_DELETE") {
            return Err(ForeignProvider(name.to_owned()));
        }
        let target = Target { lists: true, imports: true, removes: true, longest_pem: None };
        Ok((TargetId(arn.to_owned()), target))
    }
}

impl ChangeWindow {
    /// True if it is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let time = Offset::UTC.to_datetime(now);
        let is_weekend = matches!(time.weekday(), Weekday::Saturday | Weekday::Sunday);
        (self.from..self.until).contains(&time.hour()) && (self.weekends || !is_weekend)
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_closed_at_night_and_on_sunday() {
        let window = ChangeWindow { from: 8, until: 16, weekends: false };
        let at = |text: &str| window.is_open(text.parse().unwrap());
        assert!(at("2026-11-02T08:00:00Z") && at("2026-11-02T15:59:59Z"));
        assert!(!at("2026-11-02T07:59:59Z") && !at("2026-11-02T16:00:00Z") && !at("2026-11-01T12:00:00Z"));
    }

    #[test]
    fn the_provider_that_identity_center_made_for_itself_is_no_target() {
        let arn = |name: &str| format!("arn:aws:iam::111122223333:saml-provider/{name}");
        assert!(Target::iam_saml_provider(&arn("Entra")).is_ok());
        let told = Target::iam_saml_provider(&arn("AWSSSO_0123456789abcdef_DO_NOT_DELETE")).unwrap_err();
        assert!(told.to_string().contains("take it out of the targets"), "{told}");
    }
}
