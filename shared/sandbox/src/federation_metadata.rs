//! Federation metadata, as HTTP: public, and XML.

use crate::{DRIVER_HEADER, Sandbox};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

/// Answers `GET /login/{tenant}/federationmetadata/2007-06/federationmetadata.xml?appid=`. A query that names no
/// application, however it does not, is answered with the tenant's own keys.
pub async fn answer(
    State(sandbox): State<Sandbox>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let counted = !headers.contains_key(DRIVER_HEADER);
    let query = query.unwrap_or_default();
    let app_id = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "appid");
    let rule = if counted { met(&sandbox) } else { None };
    if let Some(rule) = rule {
        if rule.hang {
            return std::future::pending().await;
        }
        return page(rule.status, rule.body.unwrap_or_else(|| "A fault of the sandbox.".to_owned()));
    }
    let mut state = sandbox.state();
    let now = state.clock.now();
    let app_id = app_id.as_ref().map(|(_, id)| id.as_ref());
    match state.tenant.federation_metadata(&tenant, app_id, counted, now) {
        Ok(document) => {
            let kind = [(header::CONTENT_TYPE, "application/samlmetadata+xml")];
            (StatusCode::OK, kind, document).into_response()
        }
        Err(refusal) => page(refusal.status, refusal.message),
    }
}

/// Counts a request; answers the fault that it meets.
fn met(sandbox: &Sandbox) -> Option<crate::faults::Rule> {
    let mut state = sandbox.state();
    state.calls.metadata();
    state.faults.meet("metadata", "get")
}

/// Errors of the login are pages for people.
fn page(status: u16, text: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}
