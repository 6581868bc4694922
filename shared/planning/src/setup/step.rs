//! One step of the set-up, as it is shown before it is done.

use super::{FederatedCredential, FoundCredential, Registration};
use jiff::Timestamp;
use std::fmt;

/// A setting of the enterprise application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `preferredSingleSignOnMode`.
    Mode,
    /// `identifierUris`.
    Identifier,
    /// `web.redirectUris`.
    ReplyUrl,
    /// `loginUrl`.
    SignOnUrl,
    /// `notificationEmailAddresses`.
    Notify,
    /// `appRoleAssignmentRequired`.
    AssignmentRequired,
}

/// A setting that is to be another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub setting: Setting,
    /// What it is.
    pub from: Vec<String>,
    /// What it is to be.
    pub to: Vec<String>,
    /// Somebody set it otherwise.
    pub overwrites: bool,
}

/// A half of the enterprise application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    /// `application`.
    Application,
    /// `servicePrincipal`.
    Principal,
}

/// A file for the upload into AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// The federation metadata, in XML.
    Metadata,
    /// The signing certificate, in Base64 (PEM).
    Certificate,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Has AWS say who calls, in this account.
    EnableFederation,
    /// Makes the enterprise application from the gallery.
    CreateApplication {
        /// Its name.
        name: String,
    },
    /// Sets something of it.
    Change(Change),
    /// Makes a signing certificate.
    AddCertificate {
        /// Its name, `CN=...`.
        name: String,
    },
    /// Has Entra ID sign with a certificate, whatever others come.
    PinCertificate {
        /// Which; `None` for the one that is made before.
        thumbprint: Option<String>,
    },
    /// Makes an app registration.
    Register(Registration),
    /// Makes its servicePrincipal.
    AddPrincipal(Registration),
    /// Names the permissions that it needs.
    Require(Registration),
    /// Consents to one of them.
    Grant(Registration, &'static str),
    /// Has it trust the role of a function.
    Trust {
        /// Whom.
        registration: Registration,
        /// Which role.
        credential: FederatedCredential,
        /// The credential of the same name that trusts something else.
        in_place_of: Option<FoundCredential>,
    },
    /// Makes a client secret and stores it.
    AddSecret(Registration),
    /// Makes the rotator an owner of the enterprise application.
    Own(Owned),
    /// Writes a file for the upload into AWS.
    WriteFile(File),
    /// Tells the deployment.
    WriteParameters,
}

/// What somebody has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Groups cannot be assigned.
    NoPremium,
    /// The certificate that signs ends soon, or has.
    ExpiresSoon {
        /// When.
        at: Timestamp,
    },
    /// The preferred thumbprint is that of no certificate.
    PreferredIsGone,
    /// Certificates are there, and all of them have expired.
    AllExpired,
    /// Several certificates are valid, and none is preferred.
    WhichSigns,
}

impl Step {
    /// True if it changes what somebody set otherwise.
    pub fn overwrites(&self) -> bool {
        match self {
            Self::Change(change) => change.overwrites,
            Self::Trust { in_place_of, .. } => in_place_of.is_some(),
            _ => false,
        }
    }

    /// When it is done: what is made comes first, since it takes a while until it is seen everywhere; an identifier belongs
    /// to one application, so that it shows early whether another set-up is faster.
    pub(super) fn phase(&self) -> u8 {
        match self {
            Self::EnableFederation | Self::CreateApplication { .. } | Self::Register(_) => 0,
            Self::Change(_) => 1,
            Self::AddPrincipal(_) => 2,
            Self::AddCertificate { .. } | Self::PinCertificate { .. } => 3,
            Self::Require(_) | Self::Trust { .. } | Self::AddSecret(_) => 4,
            Self::Grant(..) | Self::Own(_) => 5,
            Self::WriteFile(_) | Self::WriteParameters => 6,
        }
    }

    /// What kind of step it is, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EnableFederation => "enable_federation",
            Self::CreateApplication { .. } => "create_application",
            Self::Change(change) => change.setting.kind(),
            Self::AddCertificate { .. } => "add_certificate",
            Self::PinCertificate { .. } => "pin_certificate",
            Self::Register(_) => "register",
            Self::AddPrincipal(_) => "add_principal",
            Self::Require(_) => "require_permissions",
            Self::Grant(..) => "grant",
            Self::Trust { .. } => "trust_role",
            Self::AddSecret(_) => "add_secret",
            Self::Own(_) => "own",
            Self::WriteFile(File::Metadata) => "write_metadata",
            Self::WriteFile(File::Certificate) => "write_certificate",
            Self::WriteParameters => "write_parameters",
        }
    }
}

impl Setting {
    fn kind(self) -> &'static str {
        match self {
            Self::Mode => "set_mode",
            Self::Identifier => "set_identifier",
            Self::ReplyUrl => "set_reply_url",
            Self::SignOnUrl => "set_sign_on_url",
            Self::Notify => "set_notification_addresses",
            Self::AssignmentRequired => "require_assignment",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mode => "single sign-on mode",
            Self::Identifier => "identifier (entity ID)",
            Self::ReplyUrl => "reply URL (ACS)",
            Self::SignOnUrl => "sign-on URL",
            Self::Notify => "addresses that are told of an expiring certificate",
            Self::AssignmentRequired => "assignment required",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnableFederation => {
                write!(f, "+ AWS account: enable outbound identity federation (no secret is needed then)")
            }
            Self::CreateApplication { name } => {
                write!(f, "+ enterprise application: create \"{name}\" from the gallery")
            }
            Self::Change(change) => write!(f, "{change}"),
            Self::AddCertificate { name } => {
                write!(f, "+ enterprise application: create a signing certificate, {name}")
            }
            Self::PinCertificate { thumbprint: None } => {
                write!(f, "~ enterprise application: sign with this certificate")
            }
            Self::PinCertificate { thumbprint: Some(thumbprint) } => {
                write!(f, "~ enterprise application: sign with the certificate {thumbprint}")
            }
            Self::Register(who) => write!(f, "+ {}: create the app registration", who.name()),
            Self::AddPrincipal(who) => write!(f, "+ {}: create its service principal", who.name()),
            Self::Require(who) => {
                write!(f, "~ {}: require {} of Microsoft Graph", who.name(), who.permissions().join(", "))
            }
            Self::Grant(who, permission) => {
                write!(f, "+ {}: grant {permission} (admin consent)", who.name())
            }
            Self::Trust { registration, credential, in_place_of: None } => {
                write!(f, "+ {}: trust the role {}", registration.name(), credential.subject)
            }
            Self::Trust { registration, credential, in_place_of: Some(before) } => write!(
                f,
                "! {}: trust the role {} of {} in place of {} of {}",
                registration.name(),
                credential.subject,
                credential.issuer,
                before.subject,
                before.issuer
            ),
            Self::AddSecret(who) => {
                write!(f, "+ {}: create a client secret, and store it in Secrets Manager", who.name())
            }
            Self::Own(Owned::Application) => write!(f, "+ rotator: make it an owner of the application"),
            Self::Own(Owned::Principal) => {
                write!(f, "+ rotator: make it an owner of the enterprise application")
            }
            Self::WriteFile(File::Metadata) => write!(f, "+ file: the federation metadata, for AWS"),
            Self::WriteFile(File::Certificate) => {
                write!(f, "+ file: the signing certificate in Base64, for AWS")
            }
            Self::WriteParameters => write!(f, "~ file: samconfig.toml, the deployment's parameters"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.overwrites { '!' } else { '~' };
        write!(f, "{mark} enterprise application: {}: {}", self.setting.name(), self.to.join(", "))?;
        if self.overwrites { write!(f, " in place of {}", self.from.join(", ")) } else { Ok(()) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPremium => write!(
                f,
                "the tenant has no Microsoft Entra ID P1 or P2, without which groups cannot be assigned to an application: \
                 assign users one by one, or get a licence and run this again"
            ),
            Self::ExpiresSoon { at } => write!(
                f,
                "the signing certificate ends {at}: run `entra-mirror certificate stage` once the system is deployed"
            ),
            Self::PreferredIsGone => write!(
                f,
                "the preferred signing certificate is not among the application's: choose one under Single sign-on, SAML \
                 certificates, in the Entra admin center, and run this again"
            ),
            Self::AllExpired => write!(
                f,
                "every signing certificate has expired, so that a new one would sign at once, before AWS trusts it: import \
                 one by hand (docs/runbook.md), and run this again"
            ),
            Self::WhichSigns => write!(
                f,
                "several signing certificates are valid and none is preferred: activate the one that AWS trusts, under \
                 Single sign-on, SAML certificates, in the Entra admin center, and run this again"
            ),
        }
    }
}

impl Note {
    /// True if the set-up cannot be complete before somebody has done something.
    pub fn blocks(&self) -> bool {
        matches!(self, Self::PreferredIsGone | Self::AllExpired | Self::WhichSigns)
    }
}
