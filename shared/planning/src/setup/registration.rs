//! The two app registrations that the functions sign in as, each with the least that its functions need.

use super::step::{Owned, Step};
use super::{AUDIENCE, CredentialKind, Found, FoundRegistration, Setup, Wanted};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

/// A client secret that ends sooner is replaced.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 30);

/// An app registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Reads users, groups and assignments, and keeps the subscriptions.
    Reader,
    /// Watches and rotates the signing certificate of the application that it owns, and nothing else.
    Rotator,
}

/// A federated identity credential that a function's role needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedCredential {
    /// Its name, which cannot be changed.
    pub name: String,
    /// Whose tokens it trusts.
    pub issuer: String,
    /// The role's ARN.
    pub subject: String,
}

impl Registration {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Reader, Self::Rotator];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Rotator => "rotator",
        }
    }

    /// `displayName`.
    pub fn display_name(self, stack: &str) -> String {
        format!("{stack} ({})", self.name())
    }

    /// `uniqueName`: of two set-ups at once, one makes it and the other finds it.
    pub fn unique_name(self, stack: &str) -> String {
        format!("{stack}-{}", self.name())
    }

    /// The application permissions of Microsoft Graph (README, Configuration).
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Reader => {
                &["User.Read.All", "Group.Read.All", "Application.Read.All", "Directory.Read.All"]
            }
            Self::Rotator => &["Application.ReadWrite.OwnedBy"],
        }
    }

    /// The functions that sign in as it.
    pub fn functions(self) -> &'static [&'static str] {
        match self {
            Self::Reader => &["mirror", "sweep", "subscriptions"],
            Self::Rotator => &["certificate"],
        }
    }

    /// The deployment's parameter for its (client) id.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Reader => "EntraClientId",
            Self::Rotator => "EntraRotatorClientId",
        }
    }

    /// The secret's name in Secrets Manager, which the template knows.
    pub fn secret_name(self, stack: &str) -> String {
        match self {
            Self::Reader => format!("{stack}/entra-credential"),
            Self::Rotator => format!("{stack}/rotator-credential"),
        }
    }
}

/// The ARN of a function's role, whose name the template fixes so that it is known before the deployment.
pub fn role_arn(wanted: &Wanted, function: &str) -> String {
    format!("arn:{}:iam::{}:role/{}-{function}", wanted.partition, wanted.account, wanted.stack)
}

/// What one of them lacks.
pub(super) fn plan(
    wanted: &Wanted,
    found: &Found,
    registration: Registration,
    now: Timestamp,
    setup: &mut Setup,
) {
    let blank = FoundRegistration::default();
    let held = found.registrations.get(&registration);
    if held.is_none() {
        setup.steps.push(Step::Register(registration));
    }
    let held = held.unwrap_or(&blank);
    if held.principal_id.is_none() {
        setup.steps.push(Step::AddPrincipal(registration));
    }
    let role = |name: &&str| found.graph.roles.get(*name);
    let permissions = registration.permissions();
    if !permissions.iter().all(|name| role(name).is_some_and(|id| held.required.contains(id))) {
        setup.steps.push(Step::Require(registration));
    }
    let missing = permissions.iter().filter(|name| !role(name).is_some_and(|id| held.granted.contains(id)));
    setup.steps.extend(missing.map(|permission| Step::Grant(registration, permission)));
    match &wanted.credential {
        CredentialKind::Federated { issuer } => {
            plan_trust(wanted, issuer.as_deref(), held, registration, setup);
        }
        CredentialKind::Secret => {
            let stored = found.secrets.get(&registration);
            let stored = stored.and_then(|secret| secret.key_id.as_ref());
            let end = stored.and_then(|key| held.secrets.get(key));
            if end.is_none_or(|end| end.duration_since(now) <= SOON) {
                setup.steps.push(Step::AddSecret(registration));
            }
        }
    }
}

fn plan_trust(
    wanted: &Wanted,
    issuer: Option<&str>,
    held: &FoundRegistration,
    registration: Registration,
    setup: &mut Setup,
) {
    for function in registration.functions() {
        let credential = FederatedCredential {
            name: format!("{}-{function}", wanted.stack),
            issuer: issuer.unwrap_or_default().to_owned(),
            subject: role_arn(wanted, function),
        };
        let same_name = held.credentials.iter().find(|found| found.name == credential.name);
        match same_name {
            None => setup.steps.push(Step::Trust { registration, credential, in_place_of: None }),
            Some(found) => {
                let is_as_wanted = found.issuer == credential.issuer
                    && found.subject == credential.subject
                    && found.audiences == [AUDIENCE];
                if !is_as_wanted {
                    let in_place_of = Some(found.clone());
                    setup.steps.push(Step::Trust { registration, credential, in_place_of });
                }
            }
        }
    }
}

/// The rotator may change the certificates only of what it owns: both halves of the enterprise application.
pub(super) fn plan_ownership(found: &Found, setup: &mut Setup) {
    let rotator = found.registrations.get(&Registration::Rotator);
    let rotator = rotator.and_then(|rotator| rotator.principal_id.as_ref());
    let nobody = BTreeSet::new();
    let application = found.application.as_ref();
    let halves = [
        (Owned::Application, application.map_or(&nobody, |found| &found.owners)),
        (Owned::Principal, application.map_or(&nobody, |found| &found.principal_owners)),
    ];
    for (half, owners) in halves {
        if !rotator.is_some_and(|rotator| owners.contains(rotator)) {
            setup.steps.push(Step::Own(half));
        }
    }
}
