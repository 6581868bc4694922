//! The AWS APIs, as HTTP: AWS JSON 1.0 and 1.1, routed by `X-Amz-Target`, and the query protocol, routed by `Version`
//! and `Action`.

mod api;
mod json;
mod query;
mod signature;

use crate::faults::Rule;
use crate::iam::{Caller, IamFailure};
use crate::{DRIVER_HEADER, Sandbox, State as Clouds};
use api::{Api, Call};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use signature::{Signature, Signed};

/// An answer, ready for the wire.
struct Reply {
    status: u16,
    content_type: &'static str,
    request_id: String,
    error_type: Option<String>,
    body: String,
}

/// A call that is refused before its operation looks at it, or by IAM or STS.
struct Refusal {
    status: u16,
    /// As AWS JSON names it.
    code: String,
    message: String,
    retry_after: Option<u64>,
}

/// Answers a call.
pub async fn answer(
    State(sandbox): State<Sandbox>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signed = Signed { method: &method, uri: &uri, headers: &headers, body: &body };
    match handle(&sandbox, &signed) {
        Some(reply) => reply.into_response(),
        None => std::future::pending().await,
    }
}

/// `None` if it is never to be answered.
fn handle(sandbox: &Sandbox, signed: &Signed<'_>) -> Option<Reply> {
    let counted = !signed.headers.contains_key(DRIVER_HEADER);
    let mut state = sandbox.state();
    let now = state.clock.now();
    let call = Call::read(header(signed, "x-amz-target"), header(signed, "content-type"), signed.body);
    let caller = match admitted(&state, &call, signed, now) {
        Ok(caller) => caller,
        Err(refusal) => return Some(call.api.refused(refusal)),
    };
    let mut rule = None;
    if counted {
        state.calls.aws(call.api.signing_name(), call.operation());
        rule = state.faults.meet(call.api.signing_name(), call.operation());
    }
    if let Some(rule) = rule.as_ref().filter(|rule| !rule.after_effect && rule.without.is_empty()) {
        return failed(call.api, rule);
    }
    let reply = carried_out(&mut state, &call, &caller, counted, now, rule.as_ref());
    match rule.filter(|rule| rule.after_effect) {
        Some(rule) => failed(call.api, &rule),
        None => Some(reply),
    }
}

/// Who calls, if the call is signed for this API and is of its protocol. Only signatures with the secret of a
/// session that STS opened can be checked: all other secrets are the caller's own. Whoever drives the sandbox says who
/// calls, and need not sign.
fn admitted(state: &Clouds, call: &Call<'_>, signed: &Signed<'_>, now: Timestamp) -> Result<Caller, Refusal> {
    let region = &state.identity_center.settings().region;
    let signature = Signature::read(signed.headers, call.api, region)?;
    let driver = signed.headers.contains_key(DRIVER_HEADER);
    if !driver {
        signature.check(signed.headers, call.api)?;
    }
    if header(signed, "x-amz-date").is_empty() || !call.api.takes(header(signed, "content-type")) {
        let message = "The call needs X-Amz-Date and the content type of the API's protocol.";
        return Err(Refusal::new(400, "SerializationException", message));
    }
    let token = Some(header(signed, "x-amz-security-token")).filter(|token| !token.is_empty());
    let (caller, secret) = state.accounts.caller(signature.access_key, token, now)?;
    if secret.is_some_and(|secret| !driver && !signature.is_by(secret, signed)) {
        let message = "The request signature we calculated does not match the signature you provided.";
        return Err(Refusal::new(403, call.api.wrong_signature(), message));
    }
    if !caller.is_home() && !call.api.is_query() {
        let message = format!("User: {} is not authorized to perform: {}", caller.arn, call.operation());
        return Err(Refusal::new(400, "AccessDeniedException", &message));
    }
    Ok(caller)
}

fn header<'a>(signed: &Signed<'a>, name: &str) -> &'a str {
    signed.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn carried_out(
    state: &mut Clouds,
    call: &Call<'_>,
    caller: &Caller,
    counted: bool,
    now: Timestamp,
    rule: Option<&Rule>,
) -> Reply {
    let without = rule.map_or(&[][..], |rule| rule.without.as_slice());
    if !call.api.is_query() {
        let answer = if call.api == Api::SsoAdmin {
            let organization = state.accounts.organization();
            state.identity_center.answer_admin(now, organization, call.target, call.body, counted)
        } else if call.api == Api::Organizations {
            state.accounts.organization().answer(call.target, call.body)
        } else if counted {
            state.identity_center.answer(now, call.target, call.body)
        } else {
            state.identity_center.answer_without_quota(now, call.target, call.body)
        };
        return json::reply(call.api, answer, without);
    }
    let request_id = state.accounts.request_id();
    let answer = match (&call.query, call.api) {
        (Some(query), Api::Iam) => state.accounts.iam(now, caller, query),
        (Some(query), _) => state.accounts.sts(now, caller, query),
        (None, _) => {
            return call.api.refused(Refusal::new(400, "InvalidActionException", "Could not find operation"));
        }
    };
    match answer {
        Ok(result) => query::reply(call.api, call.operation(), &result, request_id),
        Err(failure) => call.api.refused(failure.into()),
    }
}

fn failed(api: Api, rule: &Rule) -> Option<Reply> {
    if rule.hang {
        return None;
    }
    if let Some(body) = &rule.body {
        let (content_type, request_id) = ("text/html", "sandbox".to_owned());
        return Some(Reply {
            status: rule.status,
            content_type,
            request_id,
            error_type: None,
            body: body.clone(),
        });
    }
    // AWS JSON answers every error but internal ones with 400 (API model).
    let status = if rule.status == 429 { 400 } else { rule.status };
    let refusal = Refusal::new(status, rule.aws_code(), "A fault of the sandbox.");
    Some(api.refused(Refusal { retry_after: rule.retry_after, ..refusal }))
}

impl Refusal {
    fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), retry_after: None }
    }
}

impl From<IamFailure> for Refusal {
    fn from(failure: IamFailure) -> Self {
        Self::new(failure.status, failure.code, &failure.message)
    }
}

impl Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [("content-type", self.content_type.to_owned()), ("x-amzn-requestid", self.request_id)];
        match self.error_type.map(|name| [("x-amzn-errortype", name)]) {
            Some(error) => (status, kind, error, self.body).into_response(),
            None => (status, kind, self.body).into_response(),
        }
    }
}
