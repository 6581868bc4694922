//! Operators of the tenant: they sign in with a code, or bring a token, and consent to what applications require.

use crate::Sandbox;
use crate::entra::Operator;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use url::form_urlencoded;

type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// What `POST /control/device-code` takes.
#[derive(Debug, Deserialize)]
pub struct TypedCode {
    user_code: String,
    #[serde(flatten)]
    operator: Operator,
}

/// What `POST /control/consent` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    client_id: String,
}

/// Answers `POST /login/{tenant}/oauth2/v2.0/devicecode`.
pub async fn device_code(
    State(sandbox): State<Sandbox>,
    Path(tenant): Path<String>,
    body: Bytes,
) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let mut state = sandbox.state();
    let now = state.clock.now();
    let (status, body) = state.tenant.device_code(&tenant, &form, now);
    crate::graph::json_response(status, &body)
}

/// `POST /control/operator`: `scopes`, `administers`, `expires_in_seconds`; answers an `access_token` for Graph.
pub async fn operator(State(sandbox): State<Sandbox>, Json(operator): Json<Operator>) -> Json<Value> {
    let mut state = sandbox.state();
    let now = state.clock.now();
    Json(json!({"access_token": state.tenant.operator_token(&operator, now)}))
}

/// `GET /control/device-code`: the codes that wait to be typed.
pub async fn open_codes(State(sandbox): State<Sandbox>) -> Json<Value> {
    let mut state = sandbox.state();
    let now = state.clock.now();
    Json(json!({"user_codes": state.tenant.open_codes(now)}))
}

/// `POST /control/device-code`: an operator types `user_code`; `declines`, `administers`, `scopes` say how.
pub async fn type_code(State(sandbox): State<Sandbox>, Json(typed): Json<TypedCode>) -> Answer {
    let mut state = sandbox.state();
    let now = state.clock.now();
    state.tenant.type_code(&typed.user_code, typed.operator, now).map_err(refused)?;
    Ok(Json(json!({})))
}

/// `POST /control/consent`: an administrator accepts what the application `client_id` requires of Graph.
pub async fn consent(State(sandbox): State<Sandbox>, Json(consent): Json<Consent>) -> Answer {
    let mut state = sandbox.state();
    let now = state.clock.now();
    state.tenant.consent(&consent.client_id, now).map_err(|error| refused(error.message))?;
    Ok(Json(json!({})))
}

fn refused(message: String) -> (StatusCode, Json<Value>) {
    (StatusCode::BAD_REQUEST, Json(json!({"error": message})))
}
