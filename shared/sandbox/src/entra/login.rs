//! The login: client credentials for a bearer token (v2-oauth2-client-creds-grant-flow).

use super::client_assertion::{JWT_BEARER, Registration};
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

/// A token request, as it came.
pub struct TokenRequest<'a> {
    /// The tenant in the address.
    pub tenant: &'a str,
    /// The address, as the caller sees it.
    pub url: &'a str,
    /// The form.
    pub form: &'a BTreeMap<String, String>,
}

/// A refusal, in the words of Entra ID.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    error: &'static str,
    code: u32,
    text: String,
}

/// Who asks, and how it can be told.
pub(super) struct Claimant<'a> {
    pub app: App,
    pub secret: &'a str,
    pub registration: Registration<'a>,
}

/// The tokens that are good, whose they are, and until when.
#[derive(Debug, Clone, Default)]
pub struct Login {
    tokens: BTreeMap<String, (App, Timestamp)>,
}

impl TokenRequest<'_> {
    /// A field of the form; empty if it is absent.
    pub fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }

    /// Refuses what is wrong whoever asks.
    pub(super) fn check(&self, tenant_id: &str) -> Result<(), Refusal> {
        if !self.tenant.eq_ignore_ascii_case(tenant_id) {
            return Err(Refusal::new(400, "invalid_request", 90_002, "Tenant not found."));
        }
        if self.field("grant_type") != "client_credentials" {
            let text = "The grant type is not supported.";
            return Err(Refusal::new(400, "unsupported_grant_type", 70_003, text));
        }
        if self.field("scope") != "https://graph.microsoft.com/.default" {
            let text = "The provided value for scope is not valid.";
            return Err(Refusal::new(400, "invalid_scope", 1_002_012, text));
        }
        Ok(())
    }

    fn check_proof(&self, claimant: &Claimant<'_>, now: Timestamp) -> Result<(), Refusal> {
        match (self.form.get("client_secret"), self.form.get("client_assertion")) {
            (None, None) => {
                let text = "The request body must contain the following parameter: 'client_assertion' or \
                            'client_secret'.";
                Err(Refusal::new(401, "invalid_client", 7_000_218, text))
            }
            (Some(_), Some(_)) => {
                let text = "The request must not hold both 'client_assertion' and 'client_secret'.";
                Err(Refusal::new(400, "invalid_request", 90_014, text))
            }
            (Some(secret), None) if secret == claimant.secret => Ok(()),
            (Some(_), None) => {
                Err(Refusal::new(401, "invalid_client", 7_000_215, "Invalid client secret provided."))
            }
            (None, Some(_)) if self.field("client_assertion_type") != JWT_BEARER => {
                let text = "The request body must contain the following parameter: 'client_assertion_type'.";
                Err(Refusal::new(400, "invalid_request", 900_144, text))
            }
            (None, Some(assertion)) => claimant.registration.check(assertion, now),
        }
    }
}

impl Refusal {
    /// A refusal with this status, OAuth error and AADSTS number.
    pub fn new(status: u16, error: &'static str, code: u32, text: &str) -> Self {
        Self { status, error, code, text: text.to_owned() }
    }

    /// The status, and the body.
    pub fn answer(&self) -> (u16, Value) {
        let body = json!({
            "error": self.error,
            "error_description": format!("AADSTS{}: {}", self.code, self.text),
            "error_codes": [self.code],
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        (self.status, body)
    }
}

impl Login {
    /// Gives whoever proves who it is a token; answers the body.
    pub(super) fn grant(
        &mut self,
        request: &TokenRequest<'_>,
        claimant: &Claimant<'_>,
        token: String,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        request.check_proof(claimant, now)?;
        Ok(self.issue(token, claimant.app, TOKEN_LIFE, now))
    }

    /// The answer with a token that is good for so long.
    pub(super) fn issue(&mut self, token: String, app: App, life: SignedDuration, now: Timestamp) -> Value {
        self.tokens.retain(|_, (_, expires)| *expires > now);
        self.tokens.insert(token.clone(), (app, now + life));
        let seconds = life.as_secs();
        json!({"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token})
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
