//! AWS accounts with their roles and SAML providers: IAM and STS as pure state machines. Time is an argument. An account
//! that is opened joins the organization, too.

mod metadata_document;
mod outbound_federation;
mod permissions;
mod saml_providers;
mod seed;
mod sts;
mod web_identity;

pub use permissions::Caller;

use crate::organizations::Organization;
use crate::publication::{Delay, Publication};
use crate::random::{Random, fingerprint};
use jiff::Timestamp;
use outbound_federation::OutboundFederation;
use std::collections::BTreeMap;
use std::sync::Arc;
use web_identity::TokenGrant;

/// What distinguishes one organisation's accounts from another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsSettings {
    /// The account of every caller who has not assumed a role: the management account.
    pub home: String,
    /// `arn:aws:sso:::instance/ssoins-` and sixteen characters: names the provider that Identity Center owns.
    pub instance_arn: String,
    /// Equal seeds and equal calls give equal ids.
    pub rng_seed: u64,
}

/// The accounts.
#[derive(Debug)]
pub struct Accounts {
    settings: AccountsSettings,
    accounts: BTreeMap<String, Account>,
    organization: Organization,
    sessions: BTreeMap<String, Session>,
    /// IAM is eventually consistent.
    seen: Publication<BTreeMap<String, Account>>,
    ids: Random,
    request_ids: Random,
}

#[derive(Debug, Clone, Default)]
struct Account {
    /// By name.
    roles: BTreeMap<String, Role>,
    providers: BTreeMap<String, Provider>,
    /// Once it was turned on.
    outbound: Option<OutboundFederation>,
}

/// A role, and what its policy allows of what can be forbidden here.
#[derive(Debug, Clone)]
struct Role {
    /// The providers that it may read and update.
    saml_providers: Vec<String>,
    /// The web identity tokens that it may get.
    web_identity_tokens: Option<TokenGrant>,
}

#[derive(Debug, Clone)]
struct Provider {
    uuid: String,
    /// `None` for the one that Identity Center owns: its document is made when somebody reads it.
    document: Option<Arc<str>>,
    created: Timestamp,
}

/// Temporary credentials.
#[derive(Debug, Clone)]
struct Session {
    secret: String,
    token: String,
    account: String,
    role: String,
    name: String,
    expires: Timestamp,
}

/// A refusal, not yet on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IamFailure {
    /// The HTTP status.
    pub status: u16,
    /// The error's code, without "Exception".
    pub code: &'static str,
    /// What is wrong. Documents never stand in it.
    pub message: String,
}

/// A call of the query protocol, taken apart.
#[derive(Debug, Clone)]
pub struct QueryCall {
    /// `GetSAMLProvider`, for example.
    pub action: String,
    /// All other parameters but the version.
    pub parameters: BTreeMap<String, String>,
}

impl Accounts {
    /// The home account alone.
    pub fn new(settings: AccountsSettings, now: Timestamp) -> Self {
        let ids = Random::new(settings.rng_seed, "iam ids");
        let request_ids = Random::new(settings.rng_seed, "iam request ids");
        let home = settings.home.clone();
        let accounts = BTreeMap::new();
        let organization = Organization::new(&home);
        let mut made = Self {
            settings,
            accounts,
            organization,
            sessions: BTreeMap::new(),
            seen: Publication::new(),
            ids,
            request_ids,
        };
        made.open(&home, now);
        made
    }

    /// The settings in force.
    pub fn settings(&self) -> &AccountsSettings {
        &self.settings
    }

    /// The organization that the accounts are in.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// An id for an answer's `RequestId`.
    pub fn request_id(&mut self) -> String {
        self.request_ids.uuid().to_string()
    }

    /// How late IAM shows changes from now on.
    pub fn set_delay(&mut self, delay: Delay) {
        self.seen.set(delay);
    }

    /// Answers a call of IAM with the inside of its result element.
    ///
    /// # Errors
    /// What IAM refuses.
    pub fn iam(&mut self, now: Timestamp, caller: &Caller, call: &QueryCall) -> Result<String, IamFailure> {
        match call.action.as_str() {
            "CreateSAMLProvider" => self.create_provider(now, caller, call),
            "GetSAMLProvider" => self.get_provider(now, caller, call),
            "ListSAMLProviders" => self.list_providers(now, caller, call),
            "UpdateSAMLProvider" => self.update_provider(now, caller, call),
            "EnableOutboundWebIdentityFederation" => self.enable_outbound_federation(caller, call),
            "DisableOutboundWebIdentityFederation" => self.disable_outbound_federation(caller, call),
            "GetOutboundWebIdentityFederationInfo" => self.outbound_federation_info(caller, call),
            _ => Err(IamFailure::unknown_action(&call.action)),
        }
    }

    /// Answers a call of STS with the inside of its result element.
    ///
    /// # Errors
    /// What STS refuses.
    pub fn sts(&mut self, now: Timestamp, caller: &Caller, call: &QueryCall) -> Result<String, IamFailure> {
        match call.action.as_str() {
            "AssumeRole" => self.assume_role(now, caller, call),
            "GetCallerIdentity" => sts::caller_identity(caller, call),
            "GetWebIdentityToken" => self.get_web_identity_token(now, caller, call),
            _ => Err(IamFailure::unknown_action(&call.action)),
        }
    }

    /// Opens an account. Identity Center owns a provider in each.
    fn open(&mut self, id: &str, now: Timestamp) -> &mut Account {
        let instance = self.settings.instance_arn.rsplit("ssoins-").next().unwrap_or_default();
        let name = format!("AWSSSO_{instance}_DO_NOT_DELETE");
        let uuid = self.ids.uuid().simple().to_string();
        self.organization.join(id, now);
        let account = self.accounts.entry(id.to_owned()).or_default();
        let owned = Provider { uuid, document: None, created: now };
        account.providers.entry(name).or_insert(owned);
        account
    }
}

impl QueryCall {
    /// A parameter; empty if it is absent.
    fn get(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// Refuses parameters that the operation does not have, or the sandbox does not offer: the real services
    /// ignore unknown ones, which hides mistakes.
    fn only(&self, known: &[&str]) -> Result<(), IamFailure> {
        match self.parameters.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(IamFailure::validation(name, "the sandbox does not offer it")),
        }
    }

    /// A required parameter with a length in characters, and a pattern.
    fn text(&self, name: &str, length: (usize, usize), legal: fn(char) -> bool) -> Result<&str, IamFailure> {
        let text = self
            .parameters
            .get(name)
            .ok_or_else(|| IamFailure::validation(name, "Member must not be null"))?;
        let count = text.chars().count();
        if count < length.0 {
            return Err(IamFailure::validation(
                name,
                &format!("Member must have length greater than or equal to {}", length.0),
            ));
        }
        if count > length.1 {
            return Err(IamFailure::validation(
                name,
                &format!("Member must have length less than or equal to {}", length.1),
            ));
        }
        if !text.chars().all(legal) {
            return Err(IamFailure::validation(name, "Member must satisfy regular expression pattern"));
        }
        Ok(text)
    }

    /// `DurationSeconds`, within these bounds.
    fn duration(&self, default: i64, (shortest, longest): (i64, i64)) -> Result<i64, IamFailure> {
        let refused = |why: &str| IamFailure::validation("DurationSeconds", why);
        let duration = match self.get("DurationSeconds") {
            "" => default,
            text => text.parse().map_err(|_| refused("Member must be a number"))?,
        };
        if !(shortest..=longest).contains(&duration) {
            return Err(refused(&format!("Member must be between {shortest} and {longest}")));
        }
        Ok(duration)
    }
}

impl IamFailure {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn validation(name: &str, rule: &str) -> Self {
        let message =
            format!("1 validation error detected: Value at '{name}' failed to satisfy constraint: {rule}");
        Self::new(400, "ValidationError", message)
    }

    fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidInput", message)
    }

    fn unknown_action(action: &str) -> Self {
        Self::new(400, "InvalidAction", format!("Could not find operation {action}"))
    }
}

/// Sixteen characters of an id's kind (`AROA`, `ASIA`), of what they are made from.
fn id_part(seed: u64, parts: &[&str]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut random = Random::new(fingerprint(seed, parts), "id part");
    let letter = |number: u64| char::from(LETTERS[usize::try_from(number % 32).unwrap_or_default()]);
    (0..16).map(|_| letter(random.number())).collect()
}

/// A time in whole seconds.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
