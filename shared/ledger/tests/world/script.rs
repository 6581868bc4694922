//! An AWS that follows a script, without sockets: for answers that no model gives.

use super::aws::clients;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use ledger::{DynamoLedger, SqsReceipts, SqsTriggerQueue};
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// What the service does: operation and body in, status and body out.
pub type Answers = dyn FnMut(&str, &Value) -> (u16, Value) + Send;

/// A service that answers as it is told, and remembers what it was asked.
#[derive(Clone)]
pub struct Script {
    answers: Arc<Mutex<Box<Answers>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Script {
    /// A service that decides from each request.
    pub fn new(answers: impl FnMut(&str, &Value) -> (u16, Value) + Send + 'static) -> Self {
        Self { answers: Arc::new(Mutex::new(Box::new(answers))), asked: Arc::default() }
    }

    /// A service that gives these answers in turn, and the last one from then on.
    pub fn of(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let mut answers: Vec<(u16, Value)> = answers.into_iter().collect();
        Self::new(move |_, _| if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }

    /// A service that refuses everything with this code.
    pub fn refusing(status: u16, code: &str) -> Self {
        Self::of([(status, refusal(code))])
    }

    pub fn ledger(&self) -> DynamoLedger {
        DynamoLedger::new(self.clients().0, "ledger".to_owned())
    }

    pub fn queue(&self) -> SqsTriggerQueue {
        SqsTriggerQueue::new(self.clients().1, "http://aws.invalid/1/changes.fifo".to_owned())
    }

    pub fn receipts(&self) -> SqsReceipts {
        SqsReceipts::new(self.clients().1, "http://aws.invalid/1/changes.fifo".to_owned())
    }

    /// The operation and body of each request so far.
    pub fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }

    fn clients(&self) -> (aws_sdk_dynamodb::Client, aws_sdk_sqs::Client) {
        let connector = SharedHttpConnector::new(ScriptConnector(self.clone()));
        clients("http://aws.invalid", http_client_fn(move |_, _| connector.clone()))
    }
}

/// An error of the JSON protocols.
pub fn refusal(code: &str) -> Value {
    serde_json::json!({"__type": format!("com.amazonaws#{code}"), "message": "of ada@example.com"})
}

struct ScriptConnector(Script);

impl std::fmt::Debug for ScriptConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScriptConnector")
    }
}

impl HttpConnector for ScriptConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.split_once('.').map_or("", |(_, operation)| operation).to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        let (status, answer) = (self.0.answers.lock().unwrap())(&operation, &body);
        self.0.asked.lock().unwrap().push((operation, body));
        let response = http::Response::builder().status(status).header("x-amzn-requestid", "A1B2");
        let response = response.body(SdkBody::from(answer.to_string())).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::try_from(response).unwrap()))
    }
}
