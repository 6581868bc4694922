//! The application's federation metadata, behind the engine's port. It is public, and read over TLS from the tenant's own
//! address.

use crate::answer::retry_after;
use crate::transport::Transport;
use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use engine::rotation::metadata::{self, Metadata};
use engine::rotation::ports::FederationMetadata;
use http::{Request, Response, StatusCode};
use jiff::SignedDuration;
use planning::EntraObjectId;
use std::sync::Arc;
use std::time::Duration;

/// A fetch may take this long.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How often it is tried.
const ATTEMPTS: u32 = 3;
/// The first pause between two tries; it doubles.
const PAUSE: Duration = Duration::from_millis(200);
const OPERATION: &str = "GET /federationmetadata/2007-06/federationmetadata.xml";

/// The metadata of one application.
#[derive(Clone)]
pub struct LoginMetadata {
    transport: Arc<dyn Transport>,
    url: Arc<str>,
    application: EntraObjectId,
}

impl LoginMetadata {
    /// Of the application with this id. Without the id the login would show the tenant's own keys, which sign nothing
    /// for AWS.
    pub fn new(
        transport: Arc<dyn Transport>,
        login_endpoint: &str,
        tenant: &EntraObjectId,
        application: &EntraObjectId,
    ) -> Self {
        let url = Self::address(login_endpoint, tenant, application).into();
        Self { transport, url, application: application.clone() }
    }

    /// Where the metadata is.
    pub fn address(login_endpoint: &str, tenant: &EntraObjectId, application: &EntraObjectId) -> String {
        let login = login_endpoint.trim_end_matches('/');
        format!("{login}/{tenant}/federationmetadata/2007-06/federationmetadata.xml?appid={application}")
    }

    async fn fetch(&self) -> Result<Bytes, Cause> {
        let request = Request::get(self.url.as_ref()).body(Bytes::new());
        let request = request.map_err(|_| unanswered("LOGIN_ENDPOINT is no address".to_owned()))?;
        let answer = tokio::time::timeout(ATTEMPT, self.transport.send(request)).await;
        let answer = answer.map_err(|_| unanswered("timed out".to_owned()))?;
        judged(answer.map_err(|error| unanswered(error.detail))?)
    }
}

#[async_trait]
impl FederationMetadata for LoginMetadata {
    async fn read(&self) -> Result<Metadata, CallError> {
        let failed = |cause| CallError::new(OPERATION, format!("application {}", self.application), cause);
        let mut attempt = 1;
        loop {
            match self.fetch().await {
                Ok(body) => {
                    let incomplete =
                        |why: metadata::UnusableMetadata| Cause::Incomplete { missing: why.to_string() };
                    return metadata::read(&body).map_err(|why| failed(incomplete(why)));
                }
                Err(Cause::Unanswered { .. }) if attempt < ATTEMPTS => {
                    tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
                    attempt += 1;
                }
                Err(cause) => return Err(failed(cause)),
            }
        }
    }
}

fn judged(answer: Response<Bytes>) -> Result<Bytes, Cause> {
    let status = answer.status();
    match status {
        StatusCode::OK => Ok(answer.into_body()),
        StatusCode::TOO_MANY_REQUESTS => {
            let after = retry_after(answer.headers());
            Err(Cause::Throttled {
                retry_after: after.and_then(|after| SignedDuration::try_from(after).ok()),
            })
        }
        // A redirect is not followed: what it led to would be somebody else's metadata.
        _ if status.is_server_error() => Err(unanswered(format!("HTTP {}", status.as_u16()))),
        _ => Err(Cause::Denied {
            remedy: format!(
                "the login has no such metadata (HTTP {}): check ENTRA_TENANT_ID, ENTRA_APPLICATION_ID and \
                 LOGIN_ENDPOINT",
                status.as_u16()
            ),
        }),
    }
}

fn unanswered(detail: String) -> Cause {
    Cause::Unanswered { detail }
}
