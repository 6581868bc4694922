//! Decides what the set-up of both sides lacks: the enterprise application with its certificate, the two app registrations
//! that the functions sign in as, and what the deployment has to be told. What is there already and is as it should be is
//! never touched; what somebody set otherwise is shown, and changed only with their word.

mod application;
mod certificate;
mod deployment_file;
mod found;
mod registration;
mod step;

#[cfg(test)]
mod plan_tests;

pub use application::{Candidate, Choice, choose};
pub use certificate::signing;
pub use deployment_file::{DeploymentFile, UnreadableFile, edited, parameters_of};
pub use found::{
    Found, FoundApplication, FoundCredential, FoundFiles, FoundGraph, FoundRegistration, FoundSecret,
};
pub use registration::{FederatedCredential, Registration, role_arn};
pub use step::{Change, File, Note, Owned, Setting, Step};

use jiff::Timestamp;
use std::collections::BTreeMap;

/// The template of the gallery application "AWS IAM Identity Center (successor to AWS Single Sign-On)".
pub const TEMPLATE: &str = "21ed01d2-ec13-4e9e-86c1-cd546719ebc4";

/// Whom the functions' tokens are for, in every cloud (federatedidentitycredential, `audiences`).
pub const AUDIENCE: &str = "api://AzureADTokenExchange";

/// What Identity Center is as a SAML service provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProvider {
    /// `entityID`.
    pub issuer: String,
    /// Where assertions are posted to.
    pub acs_url: String,
    /// The Region that its addresses name, if they do.
    pub region: Option<String>,
    /// The identity store that they name, if they do.
    pub identity_store: Option<String>,
}

/// How the functions prove to Entra ID who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// AWS says which role calls. `issuer` is `None` while the account does not do that yet.
    Federated {
        /// `https://<id>.tokens.sts.global.api.aws`.
        issuer: Option<String>,
    },
    /// A client secret in Secrets Manager.
    Secret,
}

impl CredentialKind {
    /// The deployment's parameter EntraSignIn.
    pub fn parameter(&self) -> &'static str {
        match self {
            Self::Federated { .. } => "federated",
            Self::Secret => "secret",
        }
    }
}

/// What is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Identity Center.
    pub service_provider: ServiceProvider,
    /// The display name of an enterprise application that has to be made.
    pub name: String,
    /// The address of the AWS access portal; `None` leaves the sign-on URL alone.
    pub portal_url: Option<String>,
    /// Who is told of an expiring certificate; others who are told already stay.
    pub notify: Vec<String>,
    /// The stack, whose name begins those of its roles.
    pub stack: String,
    /// The stack's account.
    pub account: String,
    /// `aws`, `aws-cn`, ...
    pub partition: String,
    /// How the functions sign in.
    pub credential: CredentialKind,
    /// The deployment's parameters that are known whatever is found.
    pub parameters: BTreeMap<String, String>,
    /// The stack's Region.
    pub region: String,
    /// The tenant.
    pub tenant: String,
}

/// What the set-up lacks, in the order in which it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Setup {
    /// What has to be done.
    pub steps: Vec<Step>,
    /// What somebody has to know.
    pub notes: Vec<Note>,
}

impl Setup {
    /// True if nothing is to be done.
    pub fn is_complete(&self) -> bool {
        self.steps.is_empty()
    }

    /// The same without what would change what somebody set otherwise.
    pub fn without_overwrites(mut self) -> Self {
        self.steps.retain(|step| !step.overwrites());
        self
    }
}

/// What has to be done so that what is found is as it is wanted. With everything done it is empty.
pub fn plan(wanted: &Wanted, found: &Found, now: Timestamp) -> Setup {
    let mut setup = Setup { steps: Vec::new(), notes: Vec::new() };
    if !found.has_premium {
        setup.notes.push(Note::NoPremium);
    }
    if wanted.credential == (CredentialKind::Federated { issuer: None }) {
        setup.steps.push(Step::EnableFederation);
    }
    application::plan(wanted, found.application.as_ref(), &mut setup);
    certificate::plan(wanted, found.application.as_ref(), now, &mut setup);
    for registration in Registration::ALL {
        registration::plan(wanted, found, registration, now, &mut setup);
    }
    registration::plan_ownership(found, &mut setup);
    files(found, now, &mut setup);
    setup.steps.sort_by_key(Step::phase);
    let parameters = parameters(wanted, found);
    if found.files.deployment_differs(&parameters) {
        setup.steps.push(Step::WriteParameters);
    }
    setup
}

/// The deployment's parameters, as far as they are known yet: ids come with what they name.
pub fn parameters(wanted: &Wanted, found: &Found) -> BTreeMap<String, String> {
    let mut all = wanted.parameters.clone();
    let mut set = |name: &str, value: &str| all.insert(name.to_owned(), value.to_owned());
    set("EntraTenantId", &wanted.tenant);
    if let Some(application) = &found.application {
        set("EntraServicePrincipalId", &application.principal_id);
        set("EntraApplicationId", &application.app_id);
    }
    for registration in Registration::ALL {
        if let Some(found) = found.registrations.get(&registration) {
            set(registration.parameter(), &found.app_id);
        }
    }
    set("EntraSignIn", wanted.credential.parameter());
    all
}

/// The files for the upload into AWS follow the certificates that there are.
fn files(found: &Found, now: Timestamp, setup: &mut Setup) {
    let signing = found.application.as_ref().and_then(|application| signing(application, now));
    let shows = |fingerprint| found.files.metadata.as_ref().is_some_and(|held| held.contains(fingerprint));
    if !signing.is_some_and(|certificate| shows(&certificate.sha256)) {
        setup.steps.push(Step::WriteFile(File::Metadata));
    }
    if signing.is_none() || found.files.certificate != signing.map(|certificate| certificate.sha256) {
        setup.steps.push(Step::WriteFile(File::Certificate));
    }
}
