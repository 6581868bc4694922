//! The login: client credentials for a bearer token (v2-oauth2-client-creds-grant-flow).

use super::TenantSettings;
use super::permissions::Held;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long a token is good.
pub(super) const TOKEN_LIFE: SignedDuration = SignedDuration::from_secs(3_599);

/// An app registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum App {
    /// Reads the directory; tests let it write there, too.
    Reader,
    /// Application.ReadWrite.OwnedBy, and nothing else.
    Rotator,
    /// An app registration that was made in the sandbox, or an operator: with permissions of its own.
    Registered(Held),
}

/// The tokens that are good, whose they are, and until when.
#[derive(Debug, Clone, Default)]
pub struct Login {
    tokens: BTreeMap<String, (App, Timestamp)>,
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
        let is = |client: &str| field("client_id").eq_ignore_ascii_case(client);
        let (app, secret) = if is(&settings.client_id) {
            (App::Reader, &settings.client_secret)
        } else if is(&settings.rotator_client_id) {
            (App::Rotator, &settings.rotator_client_secret)
        } else {
            let text = "Application was not found in the directory.";
            return refusal(400, "unauthorized_client", 700_016, text);
        };
        if form.contains_key("client_assertion") {
            return refusal(400, "invalid_client", 70_021, "No matching federated identity record found.");
        }
        if field("client_secret") != secret {
            return refusal(401, "invalid_client", 7_000_215, "Invalid client secret provided.");
        }
        self.issue(token, app, TOKEN_LIFE, now)
    }

    /// The answer with a token that is good for so long.
    pub fn issue(&mut self, token: String, app: App, life: SignedDuration, now: Timestamp) -> (u16, Value) {
        self.tokens.retain(|_, (_, expires)| *expires > now);
        self.tokens.insert(token.clone(), (app, now + life));
        let seconds = life.as_secs();
        (
            200,
            json!({"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}),
        )
    }

    /// Whose good token this `Authorization` header holds.
    pub fn accepts(&self, authorization: Option<&str>, now: Timestamp) -> Option<App> {
        let token = authorization.and_then(|header| header.strip_prefix("Bearer "))?;
        self.tokens.get(token).filter(|(_, expires)| *expires > now).map(|(app, _)| *app)
    }

    /// Makes every token worthless.
    pub fn revoke_all(&mut self) {
        self.tokens.clear();
    }
}

/// How the login says no.
pub(super) fn refusal(status: u16, error: &str, code: u32, text: &str) -> (u16, Value) {
    let body = json!({
        "error": error,
        "error_description": format!("AADSTS{code}: {text}"),
        "error_codes": [code],
    });
    (status, body)
}
