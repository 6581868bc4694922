//! What Graph answers, and how it says no.

use serde_json::{Value, json};

/// An answer of Graph, not yet on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphAnswer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body; `None` for 204.
    pub body: Option<Value>,
}

/// A refusal: the status and Graph's own code, with a message in the words of Graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphError {
    /// The HTTP status.
    pub status: u16,
    /// `error.code`.
    pub code: String,
    /// `error.message`.
    pub message: String,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

impl GraphAnswer {
    /// An answer without further headers.
    pub fn new(status: u16, body: Option<Value>) -> Self {
        Self { status, retry_after: None, headers: Vec::new(), body }
    }

    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Self::new(200, Some(body))
    }

    /// 201 with a body.
    pub fn created(body: Value) -> Self {
        Self::new(201, Some(body))
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::new(204, None)
    }
}

impl GraphError {
    /// A refusal with this status and code.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            retry_after: None,
            headers: Vec::new(),
        }
    }

    /// 400 `Request_BadRequest`.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// 400 `Request_UnsupportedQuery`.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    /// 404 `Request_ResourceNotFound`, the same for soft-deleted, deleted and unknown objects.
    pub fn not_found(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    /// 400: there is no such path.
    pub fn no_segment(segment: &str) -> Self {
        Self::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    /// 401 `InvalidAuthenticationToken`.
    pub fn unauthorized(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    /// 429 `TooManyRequests`.
    pub fn throttled(retry_after: u64, reason: &str) -> Self {
        let error = Self::new(429, "TooManyRequests", "Too many requests from Identifier under category.");
        let headers = vec![
            ("x-ms-throttle-information", reason.to_owned()),
            ("x-ms-throttle-scope", "Tenant_Application/ReadWrite".to_owned()),
        ];
        Self { retry_after: Some(retry_after), headers, ..error }
    }

    /// The answer that carries this refusal.
    pub fn answer(self, request_id: &str) -> GraphAnswer {
        let inner = json!({"request-id": request_id, "client-request-id": request_id});
        let error = json!({"code": self.code, "message": self.message, "innerError": inner});
        GraphAnswer {
            status: self.status,
            retry_after: self.retry_after,
            headers: self.headers,
            body: Some(json!({"error": error})),
        }
    }
}
