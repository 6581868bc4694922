//! A Graph that follows a script: for answers that the sandbox never gives.

use super::{GRAPH, TestClock, id};
use async_trait::async_trait;
use bytes::Bytes;
use engine::budget::Budget;
use engine::ports::CallError;
use entra::{Credential, GraphClient, GraphDirectory, Transport, TransportError};
use http::{Request, Response};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

/// Answers a path, with its query, under the endpoint, and a body.
type Answers = dyn FnMut(&str, &Value) -> (u16, Value) + Send;

/// A service that answers as it is told, and remembers which addresses it was asked for.
#[derive(Clone)]
pub struct Script {
    answers: Arc<Mutex<Box<Answers>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub fn new(answers: impl FnMut(&str, &Value) -> (u16, Value) + Send + 'static) -> Self {
        Self { answers: Arc::new(Mutex::new(Box::new(answers))), asked: Arc::default() }
    }

    /// A service that answers the parts of a batch, which are told by their addresses.
    pub fn of_batches(mut answers: impl FnMut(&str) -> Option<(u16, Value)> + Send + 'static) -> Self {
        Self::new(move |path, body| {
            assert_eq!(path, "/$batch", "only batches are scripted");
            let requests = body["requests"].as_array().unwrap();
            let answered = requests.iter().filter_map(|request| {
                let (status, body) = answers(request["url"].as_str().unwrap())?;
                Some(serde_json::json!({"id": request["id"], "status": status, "body": body}))
            });
            (200, serde_json::json!({"responses": answered.collect::<Vec<_>>()}))
        })
    }

    pub fn directory(&self) -> GraphDirectory {
        GraphDirectory::new(self.client(), id(999), false)
    }

    pub fn client(&self) -> GraphClient {
        let clock = Arc::new(TestClock(Instant::now()));
        let budget = Budget::new("graph", 350.0);
        GraphClient::new(Arc::new(self.clone()), Arc::new(AnyToken), GRAPH.to_owned(), clock, budget)
    }

    /// Addresses asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let address = request.uri().to_string();
        self.asked.lock().unwrap().push(address.clone());
        let path = address.strip_prefix(GRAPH).unwrap_or_else(|| panic!("the token went to {address}"));
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        let (status, body) = (self.answers.lock().unwrap())(path, &body);
        Ok(Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
    }
}

struct AnyToken;

#[async_trait]
impl Credential for AnyToken {
    async fn token(&self, _: Timestamp) -> Result<SecretString, CallError> {
        Ok("token".to_owned().into())
    }

    async fn refused(&self) {}
}
