//! Serves the webhook function on the loopback, turning HTTP requests into Function URL events.

use super::events::EventCollector;
use super::product::Product;
use super::text;
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::sync::Arc;
use tokio::net::TcpListener;
use webhook::{FunctionUrlRequest, WebhookFunction};

/// Starts the webhook beside the product; answers its address.
pub async fn start(
    product: &mut Product,
    addresses: &Value,
    client_state: &str,
    events: Arc<EventCollector>,
) -> anyhow::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
    let address = format!("http://{}", listener.local_addr()?);
    let function = product.webhook(text(addresses, "tenant_id").parse()?, client_state, events);
    let router = Router::new().fallback(answer).with_state(Arc::new(function));
    product.beside(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the playground's webhook stopped");
        }
    });
    Ok(address)
}

async fn answer(
    State(function): State<Arc<WebhookFunction>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut request = FunctionUrlRequest::default();
    request.raw_path = Some(uri.path().to_owned());
    request.raw_query_string = uri.query().map(str::to_owned);
    request.request_context.http.method = Some(method.to_string());
    request.headers = headers;
    request.body = (!body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned());
    let answer = function.handle(request).await;
    let status = u16::try_from(answer.status_code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let mut response = answer.body.unwrap_or_default().into_response();
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().remove("content-type");
    for (name, value) in &answer.headers {
        response.headers_mut().insert(name.clone(), HeaderValue::from(value));
    }
    response
}
