//! IAM outbound identity federation: whether STS gives tokens for other services, and the issuer's documents with which
//! they are checked (IAM User Guide, id_roles_providers_outbound; botocore's model for shapes and errors).

use super::{Accounts, Caller, IamFailure, QueryCall};
use crate::jwt::rsa_key;
use crate::x509::{KeyError, SigningKey, nth_key};
use serde_json::{Value, json};
use std::sync::Arc;

/// Behind the account's own part of its issuer's host.
const ISSUER_HOST: &str = ".tokens.sts.global.api.aws";

/// What an account has of it. The issuer stays what it is for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutboundFederation {
    /// Names the account in its issuer's address.
    id: String,
    enabled: bool,
}

impl OutboundFederation {
    /// `iss`.
    pub fn issuer(&self) -> String {
        format!("https://{}{ISSUER_HOST}", self.id)
    }

    /// True if tokens are given.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// `kid`.
    pub fn key_id(&self) -> String {
        format!("RSA_{}", self.id.split('-').next().unwrap_or_default())
    }
}

impl Accounts {
    pub(super) fn enable_outbound_federation(
        &mut self,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        call.only(&[])?;
        self.authorise(caller, "iam:EnableOutboundWebIdentityFederation", "*")?;
        let id = self.ids.uuid().to_string();
        let account = self.accounts.entry(caller.account.clone()).or_default();
        if account.outbound.as_ref().is_some_and(OutboundFederation::is_enabled) {
            let message = "Outbound identity federation is already enabled for your account.";
            return Err(IamFailure::new(409, "FeatureEnabled", message));
        }
        let outbound = account.outbound.get_or_insert(OutboundFederation { id, enabled: true });
        outbound.enabled = true;
        Ok(format!("<IssuerIdentifier>{}</IssuerIdentifier>", outbound.issuer()))
    }

    /// Tokens that were given before stay good.
    pub(super) fn disable_outbound_federation(
        &mut self,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        call.only(&[])?;
        self.authorise(caller, "iam:DisableOutboundWebIdentityFederation", "*")?;
        let account = self.accounts.entry(caller.account.clone()).or_default();
        let outbound = account.outbound.as_mut().filter(|outbound| outbound.enabled);
        outbound.ok_or_else(disabled)?.enabled = false;
        Ok(String::new())
    }

    pub(super) fn outbound_federation_info(
        &self,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        call.only(&[])?;
        self.authorise(caller, "iam:GetOutboundWebIdentityFederationInfo", "*")?;
        let outbound = self.accounts.get(&caller.account).and_then(|account| account.outbound.as_ref());
        let outbound = outbound.filter(|outbound| outbound.enabled).ok_or_else(disabled)?;
        Ok(format!(
            "<IssuerIdentifier>{}</IssuerIdentifier><JwtVendingEnabled>true</JwtVendingEnabled>",
            outbound.issuer()
        ))
    }

    /// `/.well-known/openid-configuration` of the issuer at this host; `None` if there is no such issuer.
    pub fn discovery_document(&self, host: &str) -> Option<Value> {
        let issuer = self.issuer_at(host)?.issuer();
        Some(json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["aud", "exp", "iat", "iss", "jti", "sub"],
        }))
    }

    /// `/.well-known/jwks.json` of the issuer at this host; `None` if there is no such issuer.
    pub fn key_set(&self, host: &str) -> Option<Value> {
        let outbound = self.issuer_at(host)?;
        let (modulus, exponent) = issuer_key().ok()?.public_numbers().ok()?;
        Some(json!({"keys": [rsa_key(&outbound.key_id(), &modulus, &exponent)]}))
    }

    /// The key set that an issuer's address leads to.
    pub fn key_set_of(&self, issuer: &str) -> Option<Value> {
        self.key_set(issuer.strip_prefix("https://")?)
    }

    /// A host is an account's own part alone, too: under it the sandbox serves what it cannot serve at the issuer's address.
    fn issuer_at(&self, host: &str) -> Option<&OutboundFederation> {
        let id = host.strip_suffix(ISSUER_HOST).unwrap_or(host);
        self.accounts.values().filter_map(|account| account.outbound.as_ref()).find(|held| held.id == id)
    }
}

/// With which every account's tokens are signed: making a key takes longer than anything that is done with it.
pub(super) fn issuer_key() -> Result<Arc<SigningKey>, KeyError> {
    nth_key("web identity", 0)
}

fn disabled() -> IamFailure {
    IamFailure::new(404, "FeatureDisabled", "Outbound identity federation is not enabled for your account.")
}
