//! How requests reach Graph and the login: an HTTP client in production, a router in simulations.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

/// Sends one request and reads the whole answer. Time limits are set above it.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request.
    ///
    /// # Errors
    /// When there is no complete answer; whatever status an answer has, it is one.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

/// There is no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct TransportError {
    /// What went wrong; without the address, whose query may hold names.
    pub detail: String,
}
