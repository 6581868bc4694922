//! The way from the product to both clouds: the sandbox's router, called without sockets, in virtual time.

use super::ports::Perils;
use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use entra::{Transport, TransportError};
use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tower::ServiceExt;

/// Where everything stands.
pub const BASE: &str = "http://sandbox.test";
/// The longest a request or an answer is on its way, in milliseconds.
const LATENCY_MS: u64 = 60;
/// Services may give smaller pages than they are asked for; small ones make small worlds have several.
const PAGE: usize = 3;

/// Writes to the identity store that took effect.
pub type Writes = Arc<AtomicU64>;

/// The network as one execution environment sees it.
#[derive(Debug, Clone)]
pub struct Network {
    /// Both clouds.
    pub router: Router,
    /// What threatens its calls.
    pub perils: Perils,
    /// Counts.
    pub writes: Writes,
    /// Services give pages of a few rows.
    pub small_pages: bool,
    /// A deliberate bug: links to further pages are not seen.
    pub first_page_only: bool,
}

impl Network {
    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let chaos = self.perils.chaos.clone();
        let request = self.shaped(request);
        let read = request.uri().path().ends_with("/appRoleAssignedTo");
        let operation = operation_of(&request).unwrap_or("GET").to_owned();
        let writes = is_write(&operation);
        chaos.latency(LATENCY_MS).await;
        let call = async {
            let answer = oneshot(self.router.clone(), request).await?;
            if writes && answer.status().is_success() {
                self.writes.fetch_add(1, Ordering::Relaxed);
            }
            chaos.latency(LATENCY_MS).await;
            Ok(answer)
        };
        let broken = || "simulated: the connection broke".to_owned();
        let mut answer = self.perils.meet(&operation, call, broken).await?;
        if read {
            without_a_row(&chaos, &mut answer);
        }
        if self.first_page_only {
            without_links(&mut answer);
        }
        Ok(answer)
    }

    /// The request as it arrives: at which replica, and for which size of page.
    fn shaped(&self, request: Request<Bytes>) -> Request<Bytes> {
        let operation = operation_of(&request).map(str::to_owned);
        let (mut parts, mut body) = request.into_parts();
        if let Some(authority) = parts.uri.authority() {
            let host = HeaderValue::from_str(authority.as_str()).ok();
            host.map(|host| parts.headers.entry(header::HOST).or_insert(host));
        }
        match operation.as_deref() {
            Some(operation) if self.small_pages && operation.starts_with("List") => {
                body = with_small_pages(&body);
            }
            Some(_) => {}
            None => {
                let smaller = if self.small_pages { format!("$top={PAGE}") } else { "$top=999".to_owned() };
                if let Ok(uri) = parts.uri.to_string().replace("$top=999", &smaller).parse() {
                    parts.uri = uri;
                }
                let text = String::from_utf8_lossy(&body).replace("$top=999", &smaller);
                body = text.into();
                if self.perils.chaos.reads_the_present() {
                    parts.headers.insert(sandbox::DRIVER_HEADER, HeaderValue::from_static("1"));
                }
            }
        }
        Request::from_parts(parts, body)
    }
}

/// Calls a router as if it stood at the other end of a connection.
///
/// # Errors
/// When the answer cannot be read.
pub async fn oneshot(router: Router, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let response = match router.oneshot(request.map(Body::from)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Response::from_parts(parts, bytes))
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.exchange(request).await.map_err(|detail| TransportError { detail })
    }
}

impl HttpClient for Network {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let network = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let answer = network.exchange(request).await;
            let answer = answer.map_err(|detail| ConnectorError::io(detail.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The operation of AWS; what has none is Graph's or the login's.
fn operation_of<B>(request: &Request<B>) -> Option<&str> {
    request.headers().get("x-amz-target")?.to_str().ok()?.rsplit('.').next()
}

fn is_write(operation: &str) -> bool {
    ["Create", "Update", "Delete"].iter().any(|verb| operation.starts_with(verb))
}

fn with_small_pages(body: &Bytes) -> Bytes {
    let Ok(mut content) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    content["MaxResults"] = json!(PAGE);
    content.to_string().into()
}

fn without_a_row(chaos: &super::chaos::Chaos, answer: &mut Response<Bytes>) {
    let Ok(mut content) = serde_json::from_slice::<Value>(answer.body()) else { return };
    let Some(rows) = content["value"].as_array_mut() else { return };
    if let Some(row) = chaos.missing_row(rows.len()) {
        rows.remove(row);
        *answer.body_mut() = content.to_string().into();
    }
}

/// Hides every link to a next page, inside batches, too.
fn without_links(answer: &mut Response<Bytes>) {
    let hidden = String::from_utf8_lossy(answer.body())
        .replace("\"@odata.nextLink\"", "\"hidden\"")
        .replace("\"NextToken\"", "\"Hidden\"");
    *answer.body_mut() = hidden.into();
}
