//! Bearer tokens for Graph by client credentials (v2-oauth2-client-creds-grant-flow).

use crate::answer::retry_after;
use crate::login_refusal::LoginRefusal;
use crate::proof::{Occasion, Proof, ProofSource};
use crate::transport::Transport;
use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use http::{Request, header};
use jiff::{SignedDuration, Timestamp};
use planning::EntraObjectId;
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use url::form_urlencoded;

/// A token is renewed this long before it expires.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// A refusal that lasts, and took seconds to come about, is the answer to everybody else for so long.
const REFUSED_FOR: SignedDuration = SignedDuration::from_secs(30);
/// A token request may take this long.
const ATTEMPT: Duration = Duration::from_secs(10);
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

/// A token that somebody else got, and that is used as it is.
pub struct GivenToken(pub SecretString);

/// An app registration, which proves who it is.
pub struct AppCredential {
    transport: Arc<dyn Transport>,
    url: String,
    client_id: EntraObjectId,
    proof: Arc<dyn ProofSource>,
    /// Held while a token is fetched, so that it is fetched once.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    refused: Option<(CallError, Timestamp)>,
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

impl AppCredential {
    /// The app registration `client_id` in the tenant; `login_endpoint` is usually
    /// `https://login.microsoftonline.com`.
    pub fn new(
        transport: Arc<dyn Transport>,
        login_endpoint: &str,
        tenant_id: &EntraObjectId,
        client_id: &EntraObjectId,
        proof: Arc<dyn ProofSource>,
    ) -> Self {
        let url = format!("{}/{tenant_id}/oauth2/v2.0/token", login_endpoint.trim_end_matches('/'));
        Self { transport, url, client_id: client_id.clone(), proof, held: Mutex::default() }
    }

    async fn fetch(&self, now: Timestamp) -> Result<Token, (CallError, bool)> {
        let occasion = Occasion { client_id: &self.client_id, token_url: &self.url, now };
        let proof = self.proof.proof(occasion).await.map_err(|error| (error, false))?;
        let mut asked = 0;
        loop {
            let refusal = match self.ask(&proof).await {
                Ok(answer) => {
                    let expires = now + SignedDuration::from_secs(answer.expires_in.max(0));
                    return Ok(Token { text: answer.access_token, expires });
                }
                Err(refusal) => refusal,
            };
            let Some(pause) = refusal.pauses.get(asked) else {
                return Err((self.error(refusal.cause), refusal.lasts));
            };
            tokio::time::sleep(*pause).await;
            asked += 1;
        }
    }

    async fn ask(&self, proof: &Proof) -> Result<TokenAnswer, LoginRefusal> {
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.form(proof))
            .map_err(|_| LoginRefusal::unanswered("LOGIN_ENDPOINT is no address"))?;
        let answer = tokio::time::timeout(ATTEMPT, self.transport.send(request)).await;
        let answer = answer
            .map_err(|_| LoginRefusal::unanswered("timed out"))?
            .map_err(|error| LoginRefusal::unanswered(&error.detail))?;
        if answer.status().is_success() {
            return serde_json::from_slice(answer.body())
                .map_err(|_| LoginRefusal::unanswered("the login's answer is no token"));
        }
        Err(LoginRefusal::read(answer.status(), retry_after(answer.headers()), answer.body(), proof))
    }

    fn form(&self, proof: &Proof) -> Bytes {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", self.client_id.as_str());
        form.append_pair("scope", SCOPE);
        form.append_pair("grant_type", "client_credentials");
        proof.append(&mut form);
        Bytes::from(form.finish())
    }

    fn error(&self, cause: Cause) -> CallError {
        CallError::new(OPERATION, format!("client {}", self.client_id), cause)
    }
}

#[async_trait]
impl Credential for AppCredential {
    async fn token(&self, now: Timestamp) -> Result<SecretString, CallError> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.token.as_ref().filter(|token| token.expires > now + MARGIN) {
            return Ok(token.text.clone());
        }
        if let Some((error, _)) = held.refused.as_ref().filter(|(_, until)| now < *until) {
            return Err(error.clone());
        }
        match self.fetch(now).await {
            Ok(fresh) => {
                let text = fresh.text.clone();
                *held = Held { token: Some(fresh), refused: None };
                Ok(text)
            }
            Err((error, lasts)) => {
                held.refused = lasts.then(|| (error.clone(), now + REFUSED_FOR));
                Err(error)
            }
        }
    }

    async fn refused(&self) {
        self.held.lock().await.token = None;
    }
}

#[async_trait]
impl Credential for GivenToken {
    async fn token(&self, _: Timestamp) -> Result<SecretString, CallError> {
        Ok(self.0.clone())
    }

    async fn refused(&self) {}
}
