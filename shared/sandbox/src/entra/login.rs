//! The login: client credentials for a bearer token (v2-oauth2-client-creds-grant-flow).

use super::TenantSettings;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long a token is good.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_secs(3_599);

/// The tokens that are good.
#[derive(Debug, Clone, Default)]
pub struct Login {
    tokens: BTreeMap<String, Timestamp>,
}

impl Login {
    /// Answers a token request for a tenant: the status, and the body.
    pub fn answer(
        &mut self,
        settings: &TenantSettings,
        tenant: &str,
        form: &BTreeMap<String, String>,
        token: String,
        now: Timestamp,
    ) -> (u16, Value) {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        if !tenant.eq_ignore_ascii_case(&settings.tenant_id) {
            return refusal(400, "invalid_request", 90_002, "Tenant not found.");
        }
        if field("grant_type") != "client_credentials" {
            return refusal(400, "unsupported_grant_type", 70_003, "The grant type is not supported.");
        }
        if field("scope") != "https://graph.microsoft.com/.default" {
            return refusal(400, "invalid_scope", 1_002_012, "The provided value for scope is not valid.");
        }
        if !field("client_id").eq_ignore_ascii_case(&settings.client_id) {
            return refusal(
                400,
                "unauthorized_client",
                700_016,
                "Application was not found in the directory.",
            );
        }
        if form.contains_key("client_assertion") {
            return refusal(400, "invalid_client", 70_021, "No matching federated identity record found.");
        }
        if field("client_secret") != settings.client_secret {
            return refusal(401, "invalid_client", 7_000_215, "Invalid client secret provided.");
        }
        self.tokens.retain(|_, expires| *expires > now);
        self.tokens.insert(token.clone(), now + TOKEN_LIFE);
        let seconds = TOKEN_LIFE.as_secs();
        (
            200,
            json!({"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}),
        )
    }

    /// True if this `Authorization` header holds a good token.
    pub fn accepts(&self, authorization: Option<&str>, now: Timestamp) -> bool {
        let token = authorization.and_then(|header| header.strip_prefix("Bearer "));
        token.and_then(|token| self.tokens.get(token)).is_some_and(|expires| *expires > now)
    }

    /// Makes every token worthless.
    pub fn revoke_all(&mut self) {
        self.tokens.clear();
    }
}

fn refusal(status: u16, error: &str, code: u32, text: &str) -> (u16, Value) {
    let body = json!({
        "error": error,
        "error_description": format!("AADSTS{code}: {text}"),
        "error_codes": [code],
    });
    (status, body)
}
