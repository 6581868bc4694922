//! Opens accounts at once, with their roles and SAML providers.

use super::{Accounts, Provider, metadata_document, saml_providers};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// An account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountSeed {
    id: String,
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
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderSeed {
    name: String,
    /// The application's present metadata if left out.
    document: Option<String>,
}

impl Accounts {
    /// Opens accounts: `id` (twelve digits; the home account's to add to it), `roles` (`name`, and `saml_providers`
    /// that they may read and update) and `saml_providers` (`name`, and `document`, or else `metadata`). Answers the
    /// ARNs of the providers.
    ///
    /// # Errors
    /// Says what is wrong with the seed.
    pub fn seed(&mut self, seeds: &[Value], metadata: &str, now: Timestamp) -> Result<Value, String> {
        let mut arns = Vec::new();
        for seed in seeds {
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
            let account = self.open(&seed.id, now);
            account.providers.extend(providers);
            account.roles.extend(seed.roles.into_iter().map(|role| (role.name, role.saml_providers)));
        }
        Ok(json!(arns))
    }
}
