//! Opens accounts at once, with their place in the organization, their roles and SAML providers.

use super::web_identity::TokenGrant;
use super::{Accounts, Provider, Role, metadata_document, saml_providers};
use crate::organizations::Place;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// An account.
#[derive(Debug, Deserialize)]
struct AccountSeed {
    id: String,
    #[serde(flatten)]
    place: Place,
    #[serde(default)]
    roles: Vec<RoleSeed>,
    #[serde(default)]
    saml_providers: Vec<ProviderSeed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleSeed {
    name: String,
    /// The providers that it may read and update.
    #[serde(default)]
    saml_providers: Vec<String>,
    /// The web identity tokens that it may get; none if left out.
    web_identity_tokens: Option<TokenGrant>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderSeed {
    name: String,
    /// The application's present metadata if left out.
    document: Option<String>,
}

/// The members of an account's seed.
const MEMBERS: [&str; 8] = ["id", "name", "email", "state", "parent", "left", "roles", "saml_providers"];

impl Accounts {
    /// Adds or moves units of the organization.
    ///
    /// # Errors
    /// Says what is wrong with the seed.
    pub fn seed_units(&mut self, seeds: &[Value]) -> Result<(), String> {
        self.organization.seed_units(seeds)
    }

    /// Opens accounts: `id` (twelve digits; a known one's to change or add to it), `name`, `email`, `state`, `parent` (the
    /// root or a unit) or `left` (it has left the organization), `roles` (`name`, and `saml_providers`
    /// that they may read and update, and `web_identity_tokens` that they may get) and `saml_providers` (`name`, and `document`, or else `metadata`). Answers the
    /// ARNs of the providers.
    ///
    /// # Errors
    /// Says what is wrong with the seed.
    pub fn seed(&mut self, seeds: &[Value], metadata: &str, now: Timestamp) -> Result<Value, String> {
        let mut arns = Vec::new();
        for seed in seeds {
            let unknown =
                seed.as_object().and_then(|seed| seed.keys().find(|name| !MEMBERS.contains(&name.as_str())));
            if let Some(name) = unknown {
                return Err(format!("accounts: {name} is none of {MEMBERS:?}"));
            }
            let seed: AccountSeed =
                serde_json::from_value(seed.clone()).map_err(|error| format!("accounts: {error}"))?;
            if seed.id.len() != 12 || !seed.id.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("accounts: {} has not twelve digits", seed.id));
            }
            let mut providers = Vec::new();
            for provider in seed.saml_providers {
                let document = provider.document.as_deref().unwrap_or(metadata);
                metadata_document::check(document).map_err(|error| format!("{}: {error}", provider.name))?;
                let uuid = self.ids.uuid().simple().to_string();
                providers
                    .push((provider.name, Provider { uuid, document: Some(document.into()), created: now }));
            }
            arns.extend(providers.iter().map(|(name, _)| saml_providers::arn(&seed.id, name)));
            self.open(&seed.id, now);
            self.organization.place(&seed.id, seed.place)?;
            let account = self.accounts.entry(seed.id).or_default();
            account.providers.extend(providers);
            for RoleSeed { name, saml_providers, web_identity_tokens } in seed.roles {
                account.roles.insert(name, Role { saml_providers, web_identity_tokens });
            }
        }
        Ok(json!(arns))
    }
}
