//! Bearer tokens for Graph by client credentials (v2-oauth2-client-creds-grant-flow).

use crate::answer::{plain, retry_after};
use crate::transport::Transport;
use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use http::{Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use planning::EntraObjectId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use url::form_urlencoded;

/// A token is renewed this long before it expires.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// A token request may take this long.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How often a token request is made that is not answered.
const ATTEMPTS: u32 = 3;
const SCOPE: &str = "https://graph.microsoft.com/.default";
const OPERATION: &str = "POST /oauth2/v2.0/token";

/// Gives bearer tokens.
#[async_trait]
pub trait Credential: Send + Sync {
    /// A token that is good now.
    ///
    /// # Errors
    /// When the login refuses, or does not answer.
    async fn token(&self, now: Timestamp) -> Result<SecretString, CallError>;

    /// Graph did not accept the present token: the next one is a new one.
    async fn refused(&self);
}

/// Where the client secret is kept.
#[async_trait]
pub trait ClientSecret: Send + Sync {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read; the error says what to do.
    async fn read(&self) -> Result<SecretString, CallError>;
}

/// An app registration with a client secret.
pub struct ClientSecretCredential {
    transport: Arc<dyn Transport>,
    url: String,
    client_id: EntraObjectId,
    secret: Arc<dyn ClientSecret>,
    /// Held while a token is fetched, so that it is fetched once.
    token: Mutex<Option<Token>>,
}

struct Token {
    text: SecretString,
    expires: Timestamp,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    expires_in: i64,
}

#[derive(Deserialize)]
struct TokenRefusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl ClientSecretCredential {
    /// The app registration `client_id` in the tenant; `login_endpoint` is usually
    /// `https://login.microsoftonline.com`.
    pub fn new(
        transport: Arc<dyn Transport>,
        login_endpoint: &str,
        tenant_id: &EntraObjectId,
        client_id: &EntraObjectId,
        secret: Arc<dyn ClientSecret>,
    ) -> Self {
        let url = format!("{}/{tenant_id}/oauth2/v2.0/token", login_endpoint.trim_end_matches('/'));
        Self { transport, url, client_id: client_id.clone(), secret, token: Mutex::new(None) }
    }

    async fn fetch(&self, now: Timestamp) -> Result<Token, CallError> {
        // Read anew every time: it may have been rotated since.
        let secret = self.secret.read().await?;
        let mut last = self.error(Cause::Unanswered { detail: "not asked".to_owned() });
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(200) * 2_u32.pow(attempt)).await;
            }
            match self.ask(&secret).await {
                Ok(answer) => {
                    let expires = now + SignedDuration::from_secs(answer.expires_in.max(0));
                    return Ok(Token { text: answer.access_token, expires });
                }
                Err(cause @ Cause::Unanswered { .. }) => last = self.error(cause),
                Err(cause) => return Err(self.error(cause)),
            }
        }
        Err(last)
    }

    async fn ask(&self, secret: &SecretString) -> Result<TokenAnswer, Cause> {
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.form(secret))
            .map_err(|_| unanswered("LOGIN_ENDPOINT is no address"))?;
        let answer = tokio::time::timeout(ATTEMPT, self.transport.send(request)).await;
        let answer =
            answer.map_err(|_| unanswered("timed out"))?.map_err(|error| unanswered(&error.detail))?;
        if answer.status().is_success() {
            return serde_json::from_slice(answer.body())
                .map_err(|_| unanswered("the login's answer is no token"));
        }
        Err(refusal(answer.status(), retry_after(answer.headers()), answer.body()))
    }

    fn form(&self, secret: &SecretString) -> Bytes {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", self.client_id.as_str());
        form.append_pair("scope", SCOPE);
        form.append_pair("grant_type", "client_credentials");
        form.append_pair("client_secret", secret.expose_secret());
        Bytes::from(form.finish())
    }

    fn error(&self, cause: Cause) -> CallError {
        CallError::new(OPERATION, format!("client {}", self.client_id), cause)
    }
}

#[async_trait]
impl Credential for ClientSecretCredential {
    async fn token(&self, now: Timestamp) -> Result<SecretString, CallError> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.expires > now + MARGIN) {
            return Ok(token.text.clone());
        }
        let fresh = self.fetch(now).await?;
        let text = fresh.text.clone();
        *held = Some(fresh);
        Ok(text)
    }

    async fn refused(&self) {
        *self.token.lock().await = None;
    }
}

/// What a refusal means, by its AADSTS number; the description may quote names.
fn refusal(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Cause {
    let refusal: TokenRefusal = serde_json::from_slice(body)
        .unwrap_or(TokenRefusal { error: String::new(), error_codes: Vec::new() });
    let number = refusal.error_codes.first().copied().unwrap_or(0);
    let remedy = match number {
        7_000_215 => {
            "the client secret is wrong: store the secret's value (not its id) in ENTRA_CREDENTIAL_SECRET"
        }
        7_000_222 => {
            "the client secret has expired: make a new one in the app registration and store its value in \
                      ENTRA_CREDENTIAL_SECRET"
        }
        700_016 => "the tenant does not know the app registration: check ENTRA_CLIENT_ID and ENTRA_TENANT_ID",
        90_002 => "there is no such tenant: check ENTRA_TENANT_ID",
        53_003 => "a conditional access policy blocks the app registration: exempt it",
        _ if status.as_u16() == 429 => {
            let retry_after = retry_after.and_then(|after| SignedDuration::try_from(after).ok());
            return Cause::Throttled { retry_after };
        }
        _ if status.is_server_error() => return unanswered(&format!("HTTP {}", status.as_u16())),
        _ => {
            let error = plain(&refusal.error);
            let remedy = format!(
                "the login refuses with {error} AADSTS{number}: look the number up at \
                 https://login.microsoftonline.com/error"
            );
            return Cause::Denied { remedy };
        }
    };
    Cause::Denied { remedy: remedy.to_owned() }
}

fn unanswered(detail: &str) -> Cause {
    Cause::Unanswered { detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do_and_quotes_nothing() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000222: ada@example.com","error_codes":[7000222]}"#;
        let cause = refusal(StatusCode::UNAUTHORIZED, None, body).to_string();
        assert!(cause.contains("expired") && !cause.contains("ada"), "{cause}");
    }

    #[test]
    fn a_login_that_is_down_is_asked_again() {
        let cause = refusal(StatusCode::BAD_GATEWAY, None, b"<html>");
        assert!(matches!(cause, Cause::Unanswered { .. }), "{cause}");
    }
}
