//! Faults on demand: refusals, answers that get lost, notifications that come twice, late, or not at all.

use crate::entra::{Appearance, LaggingReads, SigningBehaviour, SubscriptionBehaviour};
use crate::iam_identity_center::{ExternalIdpBehaviour, Provisioning};
use crate::publication::Delay;
use serde::Deserialize;

/// What `POST /control/faults` takes. Everything may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRequest {
    /// Forget earlier rules and delivery faults first.
    #[serde(default)]
    pub clear: bool,
    /// Calls to fail.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What happens to notifications.
    pub delivery: Option<DeliveryFaults>,
    /// For this long, readers see the present state whatever changes: Graph runs behind its notifications.
    pub stale_reads_seconds: Option<u32>,
    /// Which reads of Graph see what was a while ago.
    pub lagging_reads: Option<LaggingReads>,
    /// Forget every delta link given out.
    #[serde(default)]
    pub expire_delta_links: bool,
    /// Make every bearer token worthless.
    #[serde(default)]
    pub revoke_tokens: bool,
    /// How late applications and servicePrincipals that are made from now on can be read.
    pub new_applications: Option<Appearance>,
    /// How the signing certificates of the application behave.
    pub signing: Option<SigningBehaviour>,
    /// What Graph does about subscriptions.
    pub subscriptions: Option<SubscriptionBehaviour>,
    /// What AWS does about the identity provider's certificates where nothing is documented.
    pub external_idp: Option<ExternalIdpBehaviour>,
    /// How long changes of account assignments take, and which fail.
    pub provisioning: Option<Provisioning>,
    /// How late IAM shows changes of SAML providers.
    pub saml_provider_delay: Option<Delay>,
    /// How late the login sees changes of federated identity credentials.
    pub federated_credential_delay: Option<Delay>,
    /// Tell every subscription of this lifecycle event.
    pub lifecycle: Option<String>,
    /// Turn the quotas of all services on or off.
    pub quotas: Option<bool>,
}

/// Calls to fail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `graph`, `login`, `metadata`, or an AWS API by its signing name: `identitystore`, `sso`, `organizations`,
    /// `appsauth`, `iam`, `sts`.
    pub service: String,
    /// `GET /users/{id}` or `CreateUser`, for example; without it every operation.
    pub operation: Option<String>,
    /// The HTTP status to answer.
    pub status: u16,
    /// The error code; a fitting one if left out.
    pub code: Option<String>,
    /// What to tell in `Retry-After` or `RetryAfterSeconds`.
    pub retry_after: Option<u64>,
    /// How many calls; 1 if left out.
    #[serde(default = "once")]
    pub times: u32,
    /// The call takes effect all the same: only its answer is lost.
    #[serde(default)]
    pub after_effect: bool,
    /// Never answer at all.
    #[serde(default)]
    pub hang: bool,
    /// Of an API in AWS JSON: the call succeeds, but members of these names are missing from its answer.
    #[serde(default)]
    pub without: Vec<String>,
    /// Of an AWS API, or metadata: answer this text in place of an error, as a proxy would.
    pub body: Option<String>,
}

/// What happens to notifications.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryFaults {
    /// Each comes twice.
    pub duplicate: bool,
    /// The last comes first.
    pub reorder: bool,
    /// This many are lost.
    pub drop: u32,
    /// They come this much later.
    pub delay_ms: u64,
    /// They wait until this is false again.
    pub hold: bool,
}

/// The faults in force.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    /// What happens to notifications.
    pub delivery: DeliveryFaults,
}

impl Faults {
    /// Adds what a request asks for.
    pub fn add(&mut self, request: &FaultRequest) {
        if request.clear {
            *self = Self::default();
        }
        self.rules.extend(request.rules.iter().cloned());
        if let Some(delivery) = &request.delivery {
            self.delivery = delivery.clone();
        }
    }

    /// The rule that this call meets, counted down.
    pub fn meet(&mut self, service: &str, operation: &str) -> Option<Rule> {
        let meets = |rule: &Rule| {
            rule.times > 0
                && rule.service == service
                && rule.operation.as_deref().is_none_or(|wanted| wanted == operation)
        };
        let rule = self.rules.iter_mut().find(|rule| meets(rule))?;
        rule.times -= 1;
        Some(rule.clone())
    }
}

impl Rule {
    /// The error code of Graph.
    pub fn graph_code(&self) -> &str {
        self.code.as_deref().unwrap_or(match self.status {
            401 => "InvalidAuthenticationToken",
            403 => "Authorization_RequestDenied",
            404 => "Request_ResourceNotFound",
            410 => "syncStateNotFound",
            429 => "TooManyRequests",
            500.. => "UnknownError",
            _ => "Request_BadRequest",
        })
    }

    /// The error's name in an AWS API.
    pub fn aws_code(&self) -> &str {
        self.code.as_deref().unwrap_or(match self.status {
            403 => "AccessDeniedException",
            429 => "ThrottlingException",
            500.. => "InternalServerException",
            _ => "ValidationException",
        })
    }
}

fn once() -> u32 {
    1
}
