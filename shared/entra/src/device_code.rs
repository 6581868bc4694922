//! An operator signs in elsewhere with a code (v2-oauth2-device-code).

use crate::answer::plain;
use crate::transport::Transport;
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use http::{Request, Response, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::form_urlencoded;

/// "Microsoft Graph Command Line Tools", Microsoft's public client for operators, which every tenant knows.
pub const PUBLIC_CLIENT: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const GRAPH: &str = "https://graph.microsoft.com/";
/// One attempt of a request.
const ATTEMPT: Duration = Duration::from_secs(10);
/// What is added to the pause when the login asks to slow down (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);
const ASK: &str = "POST /oauth2/v2.0/devicecode";
const REDEEM: &str = "POST /oauth2/v2.0/token";

/// The login, for an operator.
pub struct DeviceCodeLogin {
    transport: Arc<dyn Transport>,
    base: String,
    client_id: String,
}

/// A code that waits to be typed.
#[derive(Deserialize)]
pub struct DeviceCode {
    device_code: SecretString,
    /// What the operator types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl DeviceCodeLogin {
    /// The login of `tenant` (its id or a domain of it, or `organizations`) at `login_endpoint`, for the public client
    /// `client_id`.
    pub fn new(transport: Arc<dyn Transport>, login_endpoint: &str, tenant: &str, client_id: &str) -> Self {
        let base = format!("{}/{tenant}/oauth2/v2.0", login_endpoint.trim_end_matches('/'));
        Self { transport, base, client_id: client_id.to_owned() }
    }

    /// Gets a code for these delegated permissions of Graph.
    ///
    /// # Errors
    /// When the login refuses, or does not answer.
    pub async fn begin(&self, scopes: &[&str]) -> Result<DeviceCode, CallError> {
        let scopes: Vec<String> = scopes.iter().map(|scope| format!("{GRAPH}{scope}")).collect();
        let form = [("client_id", self.client_id.as_str()), ("scope", &scopes.join(" "))];
        let answer = self.post("devicecode", &form).await.map_err(|cause| self.error(ASK, cause))?;
        if !answer.status().is_success() {
            return Err(self.error(ASK, refused(&refusal(&answer))));
        }
        serde_json::from_slice(answer.body()).map_err(|_| {
            let missing = "the login's answer is no device code: check LOGIN_ENDPOINT".to_owned();
            self.error(ASK, Cause::Incomplete { missing })
        })
    }

    /// Waits until the code was typed; the token, for Graph.
    ///
    /// # Errors
    /// When the operator declines, the code expires, or the login does not answer any more.
    pub async fn redeem(&self, code: &DeviceCode) -> Result<SecretString, CallError> {
        let end = Instant::now() + Duration::from_secs(code.expires_in);
        let mut pause = Duration::from_secs(code.interval.unwrap_or(5));
        let form = [
            ("client_id", self.client_id.as_str()),
            ("grant_type", GRANT),
            ("device_code", code.device_code.expose_secret()),
        ];
        loop {
            if Instant::now() + pause > end {
                return Err(self.error(REDEEM, refused(&Refusal::named("expired_token"))));
            }
            tokio::time::sleep(pause).await;
            // A connection that breaks is tried again for as long as the code is good.
            let Ok(answer) = self.post("token", &form).await else { continue };
            if answer.status().is_success() {
                let token = serde_json::from_slice::<TokenAnswer>(answer.body());
                return token.map(|token| token.access_token).map_err(|_| {
                    let missing = "the login's answer is no token".to_owned();
                    self.error(REDEEM, Cause::Incomplete { missing })
                });
            }
            let refusal = refusal(&answer);
            match refusal.error.as_str() {
                "authorization_pending" => {}
                "slow_down" => pause += SLOWER,
                _ if answer.status().is_server_error() => {}
                _ => return Err(self.error(REDEEM, refused(&refusal))),
            }
        }
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Response<Bytes>, Cause> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("{}/{path}", self.base))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .map_err(|_| unanswered("LOGIN_ENDPOINT or the tenant's name is no address"))?;
        let answer = tokio::time::timeout(ATTEMPT, self.transport.send(request)).await;
        answer.map_err(|_| unanswered("timed out"))?.map_err(|error| unanswered(&error.detail))
    }

    fn error(&self, operation: &str, cause: Cause) -> CallError {
        CallError::new(operation, format!("client {}", self.client_id), cause)
    }
}

impl Refusal {
    fn named(error: &str) -> Self {
        Self { error: error.to_owned(), error_codes: Vec::new() }
    }
}

fn refusal(answer: &Response<Bytes>) -> Refusal {
    serde_json::from_slice(answer.body()).unwrap_or(Refusal::named(""))
}

/// What a refusal means; the description may quote names.
fn refused(refusal: &Refusal) -> Cause {
    let number = refusal.error_codes.first().copied().unwrap_or(0);
    let remedy = match (refusal.error.as_str(), number) {
        ("expired_token", _) => "the code was not typed in time: run this again".to_owned(),
        ("authorization_declined", _) => "the sign-in was declined: run this again, and accept it".to_owned(),
        (_, 90_002) => "there is no such tenant: correct --tenant".to_owned(),
        (_, 50_105 | 65_001 | 90_094) => {
            "the tenant does not let you use the sign-in client: ask an administrator for consent, name another public \
             client with --sign-in-client, or pass a token in GRAPH_ACCESS_TOKEN"
                .to_owned()
        }
        (_, 53_003 | 530_033) => "a conditional access policy blocks sign-ins by device code: pass a token in \
                                  GRAPH_ACCESS_TOKEN (`az account get-access-token --resource-type ms-graph`)"
            .to_owned(),
        (error, number) => format!(
            "the login refuses with {} AADSTS{number}: look the number up at https://login.microsoftonline.com/error",
            plain(error)
        ),
    };
    Cause::Denied { remedy }
}

fn unanswered(detail: &str) -> Cause {
    Cause::Unanswered { detail: detail.to_owned() }
}
