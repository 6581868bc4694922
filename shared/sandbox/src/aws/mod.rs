//! The AWS APIs, as HTTP: AWS JSON 1.0 and 1.1, routed by `X-Amz-Target`, and the query protocol, routed by `Version`
//! and `Action`.

mod api;
mod json;
mod query;

use crate::faults::Rule;
use crate::iam::{Caller, IamFailure};
use crate::{DRIVER_HEADER, Sandbox, State as Clouds};
use api::{Api, Call};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

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
pub async fn answer(State(sandbox): State<Sandbox>, headers: HeaderMap, body: Bytes) -> Response {
    match handle(&sandbox, &headers, &body) {
        Some(reply) => reply.into_response(),
        None => std::future::pending().await,
    }
}

/// `None` if it is never to be answered.
fn handle(sandbox: &Sandbox, headers: &HeaderMap, body: &Bytes) -> Option<Reply> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let counted = !headers.contains_key(DRIVER_HEADER);
    let mut state = sandbox.state();
    let now = state.clock.now();
    let call = Call::read(text("x-amz-target"), text("content-type"), body);
    let caller = match admitted(&state, &call, &text, now) {
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

/// Who calls, if the call is signed for this API and is of its protocol.
fn admitted<'a>(
    state: &Clouds,
    call: &Call<'_>,
    header: &impl Fn(&str) -> &'a str,
    now: Timestamp,
) -> Result<Caller, Refusal> {
    let authorization = header("authorization");
    check_signature(authorization, call.api, &state.identity_center.settings().region)?;
    let good = header("content-type").starts_with(call.api.content_type());
    if header("x-amz-date").is_empty() || !good {
        let message = "The call needs X-Amz-Date and the content type of the API's protocol.";
        return Err(Refusal::new(400, "SerializationException", message));
    }
    let key = scope(authorization).split('/').next().unwrap_or_default();
    let token = Some(header("x-amz-security-token")).filter(|token| !token.is_empty());
    let caller = state.accounts.caller(key, token, now)?;
    if !caller.is_home() && !call.api.is_query() {
        let message = format!("User: {} is not authorized to perform: {}", caller.arn, call.operation());
        return Err(Refusal::new(400, "AccessDeniedException", &message));
    }
    Ok(caller)
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
        let answer = if counted {
            state.identity_center.answer(now, call.target, call.body)
        } else {
            state.identity_center.answer_without_quota(now, call.target, call.body)
        };
        return json::reply(call.api, answer, without);
    }
    let request_id = state.tenant.request_id();
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

/// The signature itself is not checked; its scope is: `Credential=<key>/<date>/<region>/<service>/aws4_request`.
fn check_signature(authorization: &str, api: Api, region: &str) -> Result<(), Refusal> {
    if !authorization.starts_with("AWS4-HMAC-SHA256 ") {
        let message = "Missing Authentication Token";
        return Err(Refusal::new(403, "MissingAuthenticationTokenException", message));
    }
    let service = api.signing_name();
    let region = api.signing_region().unwrap_or(region);
    if scope(authorization).ends_with(&format!("/{region}/{service}/aws4_request")) {
        return Ok(());
    }
    let message = "Credential should be scoped to a valid region and service.";
    Err(Refusal::new(403, api.wrong_scope(), message))
}

fn scope(authorization: &str) -> &str {
    authorization.split(['=', ',']).nth(1).unwrap_or_default()
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
