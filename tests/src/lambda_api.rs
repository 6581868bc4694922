//! Lambda's own API in front of the functions (REST JSON): an operator invokes them by name, and looks up what they run with.

use crate::function::{Function, Variables};
use crate::runtime_api::InvocationError;
use anyhow::Context;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// A served API; it ends when this is dropped.
pub struct LambdaApi {
    /// For `AWS_ENDPOINT_URL_LAMBDA`.
    pub address: String,
    serving: AbortHandle,
}

/// The functions by name, each with its variables.
pub type Functions = BTreeMap<String, (Arc<Function>, Variables)>;

impl LambdaApi {
    /// Serves these functions.
    ///
    /// # Errors
    /// When the loopback cannot be listened on.
    pub async fn serve(functions: Functions) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .route("/2015-03-31/functions/{name}/configuration", get(configuration))
            .with_state(Arc::new(functions));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Ok(Self { address, serving })
    }
}

impl Drop for LambdaApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn invoke(
    State(functions): State<Arc<Functions>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let function = match found(&functions, &name, &headers) {
        Ok((function, _)) => function,
        Err(refusal) => return *refusal,
    };
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return refused(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            "Could not parse request body into json",
        );
    };
    match function.invoke(&event).await {
        Ok(answer) => Json(answer).into_response(),
        // A function that fails is an answer of Lambda all the same.
        Err(error) => {
            let words = match error.downcast_ref::<InvocationError>() {
                Some(InvocationError::Failed(payload)) => {
                    serde_json::from_str(payload).unwrap_or_else(|_| json!({"errorMessage": payload}))
                }
                _ => json!({"errorMessage": "Runtime exited", "errorType": "Runtime.ExitError"}),
            };
            ([("x-amz-function-error", "Unhandled")], Json(words)).into_response()
        }
    }
}

async fn configuration(
    State(functions): State<Arc<Functions>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    match found(&functions, &name, &headers) {
        Ok((_, variables)) => {
            Json(json!({"FunctionName": name, "Environment": {"Variables": variables}})).into_response()
        }
        Err(refusal) => *refusal,
    }
}

/// The function, for whoever signs for Lambda.
fn found<'a>(
    functions: &'a Functions,
    name: &str,
    headers: &HeaderMap,
) -> Result<&'a (Arc<Function>, Variables), Box<Response>> {
    let authorization =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !authorization.starts_with("AWS4-HMAC-SHA256 ") || !authorization.contains("/lambda/aws4_request") {
        let words = "Missing Authentication Token";
        return Err(Box::new(refused(StatusCode::FORBIDDEN, "AccessDeniedException", words)));
    }
    functions.get(name).ok_or_else(|| {
        let message = format!("Function not found: {name}");
        Box::new(refused(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message))
    })
}

fn refused(status: StatusCode, kind: &'static str, message: &str) -> Response {
    (status, [("x-amzn-errortype", kind)], Json(json!({"Type": "User", "Message": message}))).into_response()
}
