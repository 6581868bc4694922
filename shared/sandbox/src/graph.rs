//! Microsoft Graph and the login, as HTTP.

use crate::entra::{
    Answered, App, BatchItem, GraphAnswer, GraphError, GraphRequest, TokenRequest, batch_items, run_batch,
};
use crate::faults::Rule;
use crate::{DRIVER_HEADER, Sandbox, State as Clouds, delivery};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use url::form_urlencoded;

const PREFIX: &str = "/graph/v1.0";

/// Answers a Graph request.
pub async fn answer(
    State(sandbox): State<Sandbox>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let counted = !headers.contains_key(DRIVER_HEADER);
    let handled = handle(&sandbox, &method, &uri, &headers, &body, counted);
    let answered = match handled {
        Handled::Answer(answer) => answer,
        Handled::Never => std::future::pending().await,
        Handled::Handshake { proposed, base, status, request_id } => {
            let is_unsent = sandbox.state().tenant.leaves_validation_unsent();
            let shaken = if is_unsent {
                Err(delivery::timed_out())
            } else {
                delivery::handshake(sandbox.sink.as_ref(), proposed.addresses(), &request_id).await
            };
            let mut state = sandbox.state();
            let now = state.clock.now();
            match shaken {
                Ok(()) => state.tenant.confirm(*proposed, &base, status, now),
                Err(error) => state.tenant.refuse(error),
            }
        }
    };
    sandbox.outgoing.notify_one();
    response(answered)
}

/// Answers a token request.
pub async fn token(
    State(sandbox): State<Sandbox>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let counted = !headers.contains_key(DRIVER_HEADER);
    let rule = if counted { login_fault(&sandbox) } else { None };
    if let Some(rule) = rule {
        return failed_login(&rule).await;
    }
    let mut state = sandbox.state();
    let now = state.clock.now();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("sandbox.invalid");
    let url = format!("http://{host}/login/{tenant}/oauth2/v2.0/token");
    let request = TokenRequest { tenant: &tenant, url: &url, form: &form };
    let clouds = &mut *state;
    let accounts = &clouds.accounts;
    let (status, body) = clouds.tenant.token(&request, &|issuer| accounts.key_set_of(issuer), now);
    json_response(status, &body)
}

/// Counts a token request; answers the fault that it meets.
fn login_fault(sandbox: &Sandbox) -> Option<Rule> {
    let mut state = sandbox.state();
    state.calls.login();
    state.faults.meet("login", "token")
}

enum Handled {
    Answer(GraphAnswer),
    Handshake { proposed: Box<crate::entra::Proposed>, base: String, status: u16, request_id: String },
    Never,
}

fn handle(
    sandbox: &Sandbox,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
    counted: bool,
) -> Handled {
    let mut state = sandbox.state();
    if counted {
        state.calls.graph_round_trip();
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let now = state.clock.now();
    let app = match state.tenant.authenticate(text("authorization"), now) {
        Ok(app) => counted.then_some(app),
        Err(error) => return Handled::Answer(state.tenant.refuse(error)),
    };
    let body = match parsed(body, text("content-type")) {
        Ok(body) => body,
        Err(error) => return Handled::Answer(state.tenant.refuse(error)),
    };
    let base = format!("http://{}{PREFIX}", text("host").unwrap_or("sandbox.invalid"));
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    if method == Method::POST && path == "/$batch" {
        return batch(&mut state, &body, &base, app);
    }
    let eventual = text("consistencylevel").is_some_and(|value| value.eq_ignore_ascii_case("eventual"));
    match GraphRequest::parse(method.as_str(), path, eventual, body, &base) {
        Ok(mut request) => {
            request.creates_if_missing = text("prefer") == Some("create-if-missing");
            one(&mut state, &request, app)
        }
        Err(error) => Handled::Answer(state.tenant.refuse(error)),
    }
}

fn batch(state: &mut Clouds, body: &Value, base: &str, app: Option<App>) -> Handled {
    if app.is_some()
        && let Some(rule) = state.faults.meet("graph", "POST /$batch")
    {
        return failed(state, &rule);
    }
    let items = match batch_items(body) {
        Ok(items) => items,
        Err(error) => return Handled::Answer(state.tenant.refuse(error)),
    };
    let mut never = false;
    let answer = |item: &BatchItem| {
        let request = GraphRequest::parse(&item.method, &item.url, item.eventual, item.body.clone(), base);
        match request.map(|request| one(state, &request, app)) {
            Ok(Handled::Answer(answer)) => answer,
            // A batch is answered as a whole.
            Ok(Handled::Never) => {
                never = true;
                GraphAnswer::no_content()
            }
            Ok(Handled::Handshake { .. }) => {
                state.tenant.refuse(GraphError::bad_request("This request cannot be part of a batch."))
            }
            Err(error) => state.tenant.refuse(error),
        }
    };
    let answer = run_batch(items, answer);
    if never { Handled::Never } else { Handled::Answer(answer) }
}

/// Without an app it is a call of whoever drives the sandbox.
fn one(state: &mut Clouds, request: &GraphRequest, app: Option<App>) -> Handled {
    let operation = operation(request);
    let now = state.clock.now();
    let mut rule = None;
    if app.is_some() {
        state.calls.graph_operation(&operation);
        rule = state.faults.meet("graph", &operation);
        if let Some(rule) = rule.as_ref().filter(|rule| !rule.after_effect) {
            return failed(state, rule);
        }
    }
    let answered = state.tenant.answer(request, app, now);
    match (rule, answered) {
        (Some(rule), _) => failed(state, &rule),
        (None, Answered::Now(answer)) => Handled::Answer(answer),
        (None, Answered::Handshake(proposed)) => {
            let reauthorizes = request.segments.last().is_some_and(|segment| segment == "reauthorize");
            let status = match request.method.as_str() {
                "PATCH" => 200,
                _ if reauthorizes => 204,
                _ => 201,
            };
            let request_id = state.tenant.request_id();
            Handled::Handshake { proposed, base: request.base.clone(), status, request_id }
        }
    }
}

async fn failed_login(rule: &Rule) -> Response {
    if rule.hang {
        return std::future::pending().await;
    }
    let body = serde_json::json!({
        "error": rule.code.as_deref().unwrap_or("temporarily_unavailable"),
        "error_description": "AADSTS90033: A fault of the sandbox.",
        "error_codes": [90_033],
    });
    let mut response = json_response(rule.status, &body);
    if let Some(seconds) = rule.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn failed(state: &mut Clouds, rule: &Rule) -> Handled {
    if rule.hang {
        return Handled::Never;
    }
    let mut error = GraphError::new(rule.status, rule.graph_code(), "A fault of the sandbox.");
    error.retry_after = rule.retry_after;
    Handled::Answer(state.tenant.refuse(error))
}

/// `GET /users/{id}/memberOf`, for example: what calls are counted under and faults are named by.
fn operation(request: &GraphRequest) -> String {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let path = match segments.as_slice() {
        [collection, delta] if delta.contains("delta") => format!("/{collection}/delta"),
        ["directory", "deletedItems", _, rest @ ..] => joined("/directory/deletedItems/{id}", rest),
        [by_key, rest @ ..] if by_key.contains('(') => {
            let collection = by_key.split_once('(').map_or(*by_key, |(collection, _)| collection);
            joined(&format!("/{collection}/{{id}}"), rest)
        }
        ["groups", _, "members", _, "$ref"] => "/groups/{id}/members/{id}/$ref".to_owned(),
        ["servicePrincipals", _, "appRoleAssignedTo", _] => {
            "/servicePrincipals/{id}/appRoleAssignedTo/{id}".to_owned()
        }
        ["directoryObjects", rest @ ..] => joined("/directoryObjects", rest),
        ["applications", _, credentials @ "federatedIdentityCredentials", _] => {
            format!("/applications/{{id}}/{credentials}/{{id}}")
        }
        [collection, _, rest @ ..] => joined(&format!("/{collection}/{{id}}"), rest),
        other => joined("", other),
    };
    format!("{} {path}", request.method)
}

fn joined(start: &str, rest: &[&str]) -> String {
    rest.iter().fold(start.to_owned(), |path, segment| format!("{path}/{segment}"))
}

fn parsed(body: &Bytes, content_type: Option<&str>) -> Result<Value, GraphError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    if !content_type.is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(GraphError::new(415, "RequestBodyRead", "The body must be application/json."));
    }
    serde_json::from_slice(body).map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))
}

fn response(answer: GraphAnswer) -> Response {
    let mut response = match &answer.body {
        Some(body) => json_response(answer.status, body),
        None => status_of(answer.status).into_response(),
    };
    if let Some(seconds) = answer.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    for (name, value) in &answer.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(*name, value);
        }
    }
    response
}

pub(crate) fn json_response(status: u16, body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status_of(status), kind, body.to_string()).into_response()
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
