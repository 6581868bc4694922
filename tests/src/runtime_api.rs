//! A stand-in for the Lambda Runtime API, for one execution environment (Lambda developer guide, "Using the Lambda
//! runtime API"): it holds an event until the function asks for one, and takes the function's answer.

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio::task::AbortHandle;
use uuid::Uuid;

const NEXT: &str = "/2018-06-01/runtime/invocation/next";
const RESPONSE: &str = "/2018-06-01/runtime/invocation/{id}/response";
const ERROR: &str = "/2018-06-01/runtime/invocation/{id}/error";
const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";

/// Why an invocation gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    /// The function answered with an error.
    #[error("the function failed: {0}")]
    Failed(String),
    /// The process ended before it answered.
    #[error("the function's process ended before it answered")]
    Ended,
}

/// The API of one environment; it stops when this is dropped.
pub struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Event>,
    state: Arc<Served>,
    serving: AbortHandle,
}

type Answer = Result<String, InvocationError>;

struct Event {
    id: String,
    body: String,
    deadline: SystemTime,
}

struct Served {
    function: String,
    events: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    invocations: HashMap<String, oneshot::Sender<Answer>>,
    ended: bool,
}

/// The invocations that wait for an answer.
#[derive(Clone)]
pub struct OpenInvocations(Arc<Served>);

impl RuntimeApi {
    /// Serves the function of this name on a free port of the loopback.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn serve(function: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
        let address = listener.local_addr()?;
        let (events, waiting) = mpsc::unbounded_channel();
        let state = Arc::new(Served {
            function: function.to_owned(),
            events: AsyncMutex::new(waiting),
            open: Mutex::default(),
        });
        let router = Router::new()
            .route(NEXT, get(next))
            .route(RESPONSE, post(respond))
            .route(ERROR, post(fail))
            .route(INIT_ERROR, post(fail_at_start))
            .with_state(state.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
        Ok(Self { address, events, state, serving })
    }

    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands an event to the function, which has this much time to answer.
    ///
    /// # Errors
    /// When the function answers with an error, or its process ends.
    pub async fn invoke(&self, body: String, time: Duration) -> Answer {
        let id = Uuid::new_v4().to_string();
        let (answer, answered) = oneshot::channel();
        {
            let mut open = self.state.lock();
            if open.ended {
                return Err(InvocationError::Ended);
            }
            open.invocations.insert(id.clone(), answer);
        }
        let event = Event { id, body, deadline: SystemTime::now() + time };
        if self.events.send(event).is_err() {
            return Err(InvocationError::Ended);
        }
        answered.await.unwrap_or(Err(InvocationError::Ended))
    }

    /// For whoever watches over the process.
    pub fn open_invocations(&self) -> OpenInvocations {
        OpenInvocations(self.state.clone())
    }
}

impl OpenInvocations {
    /// The process ended: nothing will be answered any more.
    pub fn give_up(&self) {
        let mut open = self.0.lock();
        open.invocations.clear();
        open.ended = true;
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Served {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, id: &str, answer: Answer) -> StatusCode {
        match self.lock().invocations.remove(id) {
            // A test that no longer waits does not mind.
            Some(open) => open.send(answer).map_or(StatusCode::ACCEPTED, |()| StatusCode::ACCEPTED),
            None => StatusCode::BAD_REQUEST,
        }
    }
}

async fn next(State(state): State<Arc<Served>>) -> Response {
    let Some(event) = state.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = event.deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    let arn = format!("arn:aws:lambda:us-east-1:123456789012:function:{}", state.function);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", event.id),
        ("lambda-runtime-deadline-ms", deadline),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
        ("content-type", "application/json".to_owned()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    (headers, event.body).into_response()
}

async fn respond(State(state): State<Arc<Served>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    state.answer(&id, Ok(String::from_utf8_lossy(&body).into_owned()))
}

async fn fail(State(state): State<Arc<Served>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    state.answer(&id, Err(InvocationError::Failed(String::from_utf8_lossy(&body).into_owned())))
}

/// The process ends by itself after this; its exit gives up what is open.
async fn fail_at_start() -> StatusCode {
    StatusCode::ACCEPTED
}
