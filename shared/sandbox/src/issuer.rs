//! The documents of the issuer of web identity tokens, as HTTP: at the issuer's own host, and under `/issuers/{id}`, since nobody
//! but the sandbox's own process can reach it by that name.

use crate::Sandbox;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// `GET /issuers/{id}/.well-known/openid-configuration`.
pub async fn discovery(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    answer(sandbox.state().accounts.discovery_document(&id))
}

/// `GET /issuers/{id}/.well-known/jwks.json`.
pub async fn key_set(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    answer(sandbox.state().accounts.key_set(&id))
}

/// `GET https://{id}.tokens.sts.global.api.aws/.well-known/openid-configuration`.
pub async fn discovery_at_host(State(sandbox): State<Sandbox>, headers: HeaderMap) -> Response {
    answer(sandbox.state().accounts.discovery_document(host(&headers)))
}

/// `GET https://{id}.tokens.sts.global.api.aws/.well-known/jwks.json`.
pub async fn key_set_at_host(State(sandbox): State<Sandbox>, headers: HeaderMap) -> Response {
    answer(sandbox.state().accounts.key_set(host(&headers)))
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

fn answer(document: Option<Value>) -> Response {
    document.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |document| Json(document).into_response())
}
