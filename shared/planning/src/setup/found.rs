//! What is there: read of Entra ID, AWS and the files beside the template.

use super::Registration;
use crate::rotation::{Certificate, Sha1Thumbprint, Sha256Fingerprint};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the set-up goes by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The enterprise application that was chosen.
    pub application: Option<FoundApplication>,
    /// The app registrations.
    pub registrations: BTreeMap<Registration, FoundRegistration>,
    /// Their client secrets in Secrets Manager.
    pub secrets: BTreeMap<Registration, FoundSecret>,
    /// Microsoft Graph in the tenant.
    pub graph: FoundGraph,
    /// The tenant has Entra ID P1 or P2, which the assignment of groups needs.
    pub has_premium: bool,
    /// The files.
    pub files: FoundFiles,
}

/// The enterprise application: `application` and `servicePrincipal` together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundApplication {
    /// The application's object id.
    pub object_id: String,
    /// The (client) id of both.
    pub app_id: String,
    /// The servicePrincipal's object id.
    pub principal_id: String,
    /// `displayName`.
    pub name: String,
    /// `identifierUris`.
    pub identifiers: Vec<String>,
    /// `web.redirectUris`.
    pub reply_urls: Vec<String>,
    /// `preferredSingleSignOnMode`.
    pub mode: Option<String>,
    /// `loginUrl`.
    pub sign_on_url: Option<String>,
    /// `notificationEmailAddresses`.
    pub notify: Vec<String>,
    /// `appRoleAssignmentRequired`.
    pub requires_assignment: bool,
    /// Object ids of who owns the application.
    pub owners: BTreeSet<String>,
    /// Object ids of who owns the servicePrincipal.
    pub principal_owners: BTreeSet<String>,
    /// What it signs with, or could.
    pub certificates: Vec<Certificate>,
    /// `preferredTokenSigningKeyThumbprint`.
    pub preferred: Option<Sha1Thumbprint>,
}

/// An app registration with its servicePrincipal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundRegistration {
    /// The application's object id.
    pub object_id: String,
    /// Its (client) id.
    pub app_id: String,
    /// The servicePrincipal's object id.
    pub principal_id: Option<String>,
    /// The application permissions of Microsoft Graph that `requiredResourceAccess` names, by role id.
    pub required: BTreeSet<String>,
    /// Those that were granted, by role id.
    pub granted: BTreeSet<String>,
    /// `federatedIdentityCredentials`.
    pub credentials: Vec<FoundCredential>,
    /// Client secrets: keyId, and when it ends.
    pub secrets: BTreeMap<String, Timestamp>,
}

/// A federated identity credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCredential {
    /// Its id.
    pub id: String,
    /// Its name, which cannot be changed.
    pub name: String,
    /// Whose tokens it trusts.
    pub issuer: String,
    /// Of whom.
    pub subject: String,
    /// For whom.
    pub audiences: Vec<String>,
}

/// A client secret in Secrets Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSecret {
    /// Which of the registration's client secrets it holds, as far as that stands beside it.
    pub key_id: Option<String>,
}

/// Microsoft Graph in the tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundGraph {
    /// Its servicePrincipal's object id.
    pub principal_id: String,
    /// Its application permissions: role ids by name.
    pub roles: BTreeMap<String, String>,
}

/// The files beside the template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundFiles {
    /// What the federation metadata on disk lists.
    pub metadata: Option<BTreeSet<Sha256Fingerprint>>,
    /// The certificate on disk.
    pub certificate: Option<Sha256Fingerprint>,
    /// The parameters in `samconfig.toml`.
    pub parameters: BTreeMap<String, String>,
    /// The deployment file names stack, Region and capability as they are wanted.
    pub deployment_is_named: bool,
}

impl FoundFiles {
    /// True if the deployment is told something else, or too little. An empty parameter is as good as none.
    pub(super) fn deployment_differs(&self, wanted: &BTreeMap<String, String>) -> bool {
        let is_told =
            |(name, value): (&String, &String)| self.parameters.get(name).map_or("", String::as_str) == value;
        !self.deployment_is_named || !wanted.iter().all(is_told)
    }
}
