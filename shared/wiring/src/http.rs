//! One HTTP client under Graph and AWS alike: one pool, one root store, one TLS start-up.

use async_trait::async_trait;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use entra::{Transport, TransportError};
use std::error::Error;
use std::time::Duration;

/// How long a connection may take to open. Reads are limited above, per call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The HTTP client that everything shares.
#[derive(Debug, Clone)]
pub struct SharedHttp(reqwest::Client);

impl SharedHttp {
    /// Makes the client. Redirects are never followed: no service that we call redirects, and a token
    /// must not travel to another address.
    ///
    /// # Errors
    /// When TLS cannot be set up, for example without root certificates.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self(client))
    }

    /// The same client for whoever signs requests to AWS without an SDK.
    pub fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    async fn send(
        &self,
        request: http::Request<bytes::Bytes>,
    ) -> Result<http::Response<bytes::Bytes>, reqwest::Error> {
        let request = reqwest::Request::try_from(request)?;
        let response = self.0.execute(request).await?;
        let mut answer = http::Response::new(bytes::Bytes::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        *answer.body_mut() = response.bytes().await?;
        Ok(answer)
    }
}

#[async_trait]
impl Transport for SharedHttp {
    async fn send(
        &self,
        request: http::Request<bytes::Bytes>,
    ) -> Result<http::Response<bytes::Bytes>, TransportError> {
        let sent = SharedHttp::send(self, request).await;
        sent.map_err(|error| TransportError { detail: cause_of(&error.without_url()) })
    }
}

impl HttpClient for SharedHttp {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SharedHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            // The operations in use send bodies from memory only.
            let body = body.bytes().map(bytes::Bytes::copy_from_slice).unwrap_or_default();
            let answer = http.send(http::Request::from_parts(parts, body)).await.map_err(connector_error)?;
            HttpResponse::try_from(answer.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn connector_error(error: reqwest::Error) -> ConnectorError {
    let (timeout, connect) = (error.is_timeout(), error.is_connect());
    let error = Box::new(error.without_url());
    if timeout {
        ConnectorError::timeout(error)
    } else if connect {
        ConnectorError::io(error)
    } else {
        ConnectorError::other(error, None)
    }
}

/// The error with what led to it: reqwest says only "error sending request" by itself.
fn cause_of(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
