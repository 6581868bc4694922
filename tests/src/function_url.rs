//! A Function URL on the loopback: turns HTTP requests into events, and the function's answers into HTTP (Lambda
//! developer guide, "Invoking Lambda function URLs", payload format 2.0).

use crate::function::Function;
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// The URL of a function; it stops when this is dropped.
pub struct FunctionUrl {
    /// `http://127.0.0.1:<port>`.
    pub address: String,
    serving: AbortHandle,
}

impl FunctionUrl {
    /// Serves the function on a free port.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn serve(function: Arc<Function>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(function);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Ok(Self { address, serving })
    }
}

impl Drop for FunctionUrl {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    State(function): State<Arc<Function>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match function.invoke(&event(&method, &uri, &headers, &body)).await {
        Ok(answer) => response(&answer),
        Err(error) => {
            eprintln!("the function behind the URL failed: {error:#}");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

fn event(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Value {
    let shown =
        headers.iter().filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?))));
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": uri.path(),
        "rawQueryString": uri.query().unwrap_or_default(),
        "headers": shown.collect::<Map<String, Value>>(),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "function-url",
            "domainName": "function-url.lambda-url.us-east-1.on.aws",
            "domainPrefix": "function-url",
            "http": {"method": method.as_str(), "path": uri.path(), "protocol": "HTTP/1.1",
                     "sourceIp": "127.0.0.1", "userAgent": "tests"},
            "requestId": "00000000-0000-4000-8000-000000000000",
            "routeKey": "$default",
            "stage": "$default",
            "time": "24/Nov/2026:08:00:00 +0000",
            "timeEpoch": 1_795_507_200_000_i64,
        },
        "isBase64Encoded": false,
    });
    if !body.is_empty() {
        event["body"] = json!(String::from_utf8_lossy(body));
    }
    event
}

fn response(answer: &Value) -> Response {
    let status = answer["statusCode"].as_u64().and_then(|code| u16::try_from(code).ok());
    let status = status.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = answer["body"].as_str().unwrap_or_default().to_owned().into_response();
    *response.status_mut() = status;
    // Lambda says application/json where a function names no type.
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
