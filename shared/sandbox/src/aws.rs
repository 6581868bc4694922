//! The AWS APIs, as HTTP: AWS JSON 1.1, routed by `X-Amz-Target`.

use crate::faults::Rule;
use crate::iam_identity_center::AwsResponse;
use crate::{DRIVER_HEADER, Sandbox};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The signing name of the identity store.
const IDENTITY_STORE: &str = "identitystore";
/// The media type of AWS JSON 1.1.
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Answers a call.
pub async fn answer(State(sandbox): State<Sandbox>, headers: HeaderMap, body: Bytes) -> Response {
    match handle(&sandbox, &headers, &body) {
        Some(answer) => response(answer),
        None => std::future::pending().await,
    }
}

/// `None` if it is never to be answered.
fn handle(sandbox: &Sandbox, headers: &HeaderMap, body: &Bytes) -> Option<AwsResponse> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let counted = !headers.contains_key(DRIVER_HEADER);
    let mut state = sandbox.state();
    if let Err(refusal) = check_signature(text("authorization"), &state.identity_center.settings().region) {
        return Some(refusal);
    }
    if text("x-amz-date").is_empty() || text("content-type") != CONTENT_TYPE {
        let message = "The call needs X-Amz-Date and the content type of AWS JSON 1.1.";
        return Some(refusal(400, "SerializationException", message));
    }
    let target = text("x-amz-target");
    let operation = target.split_once('.').map_or("unknown", |(_, operation)| operation);
    let now = state.clock.now();
    let mut rule = None;
    if counted {
        state.calls.aws(IDENTITY_STORE, operation);
        rule = state.faults.meet(IDENTITY_STORE, operation);
    }
    if let Some(rule) = rule.as_ref().filter(|rule| !rule.after_effect) {
        return failed(rule);
    }
    let answer = if counted {
        state.identity_center.answer(now, target, body)
    } else {
        state.identity_center.answer_without_quota(now, target, body)
    };
    match rule {
        Some(rule) => failed(&rule),
        None => Some(answer),
    }
}

/// The signature itself is not checked; its scope is: `Credential=<key>/<date>/<region>/identitystore/aws4_request`.
fn check_signature(authorization: &str, region: &str) -> Result<(), AwsResponse> {
    if !authorization.starts_with("AWS4-HMAC-SHA256 ") {
        return Err(refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token"));
    }
    let wanted = format!("/{region}/{IDENTITY_STORE}/aws4_request");
    let scope = authorization.split(['=', ',']).nth(1).unwrap_or_default();
    if scope.ends_with(&wanted) {
        return Ok(());
    }
    Err(refusal(
        403,
        "InvalidSignatureException",
        "Credential should be scoped to a valid region and service.",
    ))
}

fn failed(rule: &Rule) -> Option<AwsResponse> {
    if rule.hang {
        return None;
    }
    // The identity store answers every error but internal ones with 400 (API model).
    let status = if rule.status == 429 { 400 } else { rule.status };
    let mut answer = refusal(status, rule.aws_code(), "A fault of the sandbox.");
    if let (Some(seconds), Some(body)) = (rule.retry_after, answer.body.as_object_mut()) {
        body.insert("RetryAfterSeconds".to_owned(), json!(seconds));
    }
    Some(answer)
}

fn refusal(status: u16, name: &str, message: &str) -> AwsResponse {
    let body = json!({"__type": name, "Message": message, "message": message});
    AwsResponse { status, error_type: Some(name.to_owned()), body }
}

fn response(answer: AwsResponse) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let request_id = match &answer.body["RequestId"] {
        Value::String(id) => id.clone(),
        _ => "sandbox".to_owned(),
    };
    let kind = [("content-type", CONTENT_TYPE.to_owned()), ("x-amzn-requestid", request_id)];
    let error = answer.error_type.map(|name| [("x-amzn-errortype", name)]);
    let body = answer.body.to_string();
    match error {
        Some(error) => (status, kind, error, body).into_response(),
        None => (status, kind, body).into_response(),
    }
}
