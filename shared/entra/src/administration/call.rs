//! One call of Graph in an operator's name, with retries.

use super::Administration;
use crate::answer::{decode, plain, retry_after};
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// One attempt may take this long: making an application from the gallery takes seconds.
const ATTEMPT: Duration = Duration::from_secs(30);
/// Attempts of what may be repeated.
const ATTEMPTS: u32 = 4;
/// The first pause when Graph names none; it doubles.
const PAUSE: Duration = Duration::from_millis(250);
/// A wait that Graph asks for is waited out up to this long.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A call.
pub(super) struct Asked<'a> {
    /// `GET`, ...
    pub method: Method,
    /// The path under the endpoint, with its query.
    pub path: String,
    /// What is sent; nothing if it is null.
    pub body: Value,
    /// `Prefer`.
    pub prefer: Option<&'static str>,
    /// `GET /applications/{id}`, for example.
    pub operation: &'static str,
    /// What it is about.
    pub object: &'a str,
}

/// The body of a refusal.
#[derive(Deserialize)]
struct Refusal {
    error: RefusalCode,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefusalCode {
    code: String,
    inner_error: Option<InnerError>,
}

#[derive(Deserialize)]
struct InnerError {
    #[serde(rename = "request-id")]
    request_id: Option<String>,
}

impl<'a> Asked<'a> {
    pub(super) fn get(path: String, operation: &'static str, object: &'a str) -> Self {
        Self { method: Method::GET, path, body: Value::Null, prefer: None, operation, object }
    }

    pub(super) fn with(
        method: Method,
        path: String,
        body: Value,
        operation: &'static str,
        object: &'a str,
    ) -> Self {
        Self { method, path, body, prefer: None, operation, object }
    }

    fn failed(&self, cause: Cause) -> CallError {
        CallError::new(self.operation, self.object, cause)
    }
}

impl Administration {
    /// The body of a good answer, as what the caller expects.
    pub(super) async fn read<T: DeserializeOwned>(&self, asked: &Asked<'_>) -> Result<T, CallError> {
        let answer = self.call(asked).await?;
        decode(answer.body()).map_err(|cause| asked.failed(cause))
    }

    /// Sends it until it has a good answer, or a final one. What adds something each time is sent again only where Graph
    /// says that it did not take it.
    pub(super) async fn call(&self, asked: &Asked<'_>) -> Result<Response<Bytes>, CallError> {
        let may_repeat = asked.method != Method::POST;
        let mut attempt = 0;
        loop {
            let sent = tokio::time::timeout(ATTEMPT, self.send(asked)).await;
            let sent = sent.unwrap_or_else(|_| Err("timed out".to_owned()));
            let (cause, wait, again) = match sent {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => {
                    let wait = retry_after(answer.headers());
                    let cause = refusal(answer.status(), answer.headers(), answer.body());
                    let again = match &cause {
                        Cause::Throttled { .. } => true,
                        Cause::Unanswered { .. } => may_repeat,
                        _ => false,
                    };
                    (cause, wait, again)
                }
                Err(detail) => (Cause::Unanswered { detail }, None, may_repeat),
            };
            attempt += 1;
            let wait = wait.unwrap_or(PAUSE * 2_u32.pow(attempt));
            if !again || attempt == ATTEMPTS || wait > LONGEST_WAIT {
                return Err(asked.failed(cause));
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn send(&self, asked: &Asked<'_>) -> Result<Response<Bytes>, String> {
        let mut request = Request::builder()
            .method(&asked.method)
            .uri(format!("{}{}", self.endpoint, asked.path))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
            .header(header::ACCEPT, "application/json");
        if let Some(prefer) = asked.prefer {
            request = request.header("prefer", prefer);
        }
        let body = if asked.body.is_null() {
            Bytes::new()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Bytes::from(asked.body.to_string())
        };
        let request = request.body(body).map_err(|_| "the address is not valid".to_owned())?;
        self.transport.send(request).await.map_err(|error| error.detail)
    }
}

/// What a refusal means for an operator. Messages are never shown: they may quote names.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Cause {
    let read = serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.error);
    let code = read.as_ref().map_or("", |error| error.code.as_str());
    let denied = |remedy: &str| Cause::Denied { remedy: remedy.to_owned() };
    match status.as_u16() {
        401 => denied(
            "Graph does not accept your token: it has expired, or is for another service or cloud. Sign in again (without \
             GRAPH_ACCESS_TOKEN), or get another token for Microsoft Graph",
        ),
        403 => denied(
            "your token or your role does not allow it: sign in with the delegated permissions \
             Application.ReadWrite.All, AppRoleAssignment.ReadWrite.All and Directory.Read.All, as Cloud Application \
             Administrator; who grants permissions of Microsoft Graph has to be Privileged Role Administrator",
        ),
        404 => Cause::NotFound,
        409 => Cause::Conflict,
        429 => {
            let retry_after = retry_after(headers).and_then(|after| SignedDuration::try_from(after).ok());
            Cause::Throttled { retry_after }
        }
        500.. | 408 => Cause::Unanswered { detail: format!("HTTP {}", status.as_u16()) },
        _ => {
            let request_id = read.as_ref().and_then(|error| error.inner_error.as_ref()?.request_id.clone());
            Cause::Refused {
                code: format!("HTTP {} {}", status.as_u16(), plain(code)),
                request_id: plain(&request_id.unwrap_or_default()).to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Cause {
        refusal(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn an_expired_token_and_a_missing_permission_say_what_to_do() {
        assert!(refused(401, "{}").to_string().contains("Sign in again"));
        assert!(refused(403, "{}").to_string().contains("AppRoleAssignment.ReadWrite.All"));
    }

    #[test]
    fn a_message_never_reaches_an_error() {
        let body = r#"{"error":{"code":"Request_BadRequest","message":"ada@example.com","innerError":{"request-id":"7"}}}"#;
        let told = refused(400, body).to_string();
        assert!(told.contains("Request_BadRequest") && told.contains('7') && !told.contains("ada"), "{told}");
    }
}
