//! How long the first invocation takes in which a function's process opens TLS connections: it pays for the
//! start of the cryptography, which aws-lc's jitter entropy would make 30 ms longer.

use crate::figure::{Bound, Figure};
use crate::notifications;
use crate::start::variables;
use crate::statistics::median;
use crate::tls_endpoint::{CLIENT_STATE, TlsEndpoint};
use anyhow::ensure;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tests::function::Function;

/// Milliseconds.
const FIRST_HTTPS: f64 = 10.0;
/// Processes, of which the median counts.
const PROCESSES: usize = 10;
/// For one invocation.
const TIME: Duration = Duration::from_secs(10);
const USER: &str = "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e";

/// The figure's name.
pub fn name(function: &str) -> String {
    format!("first-https-invocation-{function}")
}

/// An event without any call starts the process; the one after it calls AWS over TLS. What answers does so
/// at once, so that the time is the function's own.
///
/// # Errors
/// When the function does not start, or does not handle an event as expected.
pub async fn measure(function: &str, pem: &Path) -> anyhow::Result<Figure> {
    let endpoint = TlsEndpoint::serve(pem).await?;
    let mut times = Vec::with_capacity(PROCESSES);
    for _ in 0..PROCESSES {
        times.push(first_https(function, &endpoint, pem).await?.as_secs_f64() * 1_000.0);
    }
    Ok(Figure::new(name(function), median(&times), "ms", Bound::AtMost(FIRST_HTTPS)))
}

async fn first_https(function: &str, endpoint: &TlsEndpoint, pem: &Path) -> anyhow::Result<Duration> {
    let mut variables = variables(&endpoint.address);
    variables.insert("SSL_CERT_FILE".to_owned(), pem.display().to_string());
    let process = Function::new(function, variables, TIME)?;
    let (without_a_call, with_calls) = events(function);
    process.invoke(&without_a_call).await?;
    let before = endpoint.calls();
    let start = Instant::now();
    let answer = process.invoke(&with_calls).await?;
    let time = start.elapsed();
    let handled = answer["statusCode"] == 202 || answer["batchItemFailures"] == json!([]);
    ensure!(handled, "{function} answered {answer}; {}", process.logs().tail(3));
    ensure!(endpoint.calls() > before, "{function} called nothing over TLS");
    Ok(time)
}

/// For the webhook the handshake, and a notification; for the mirror a message that is no trigger, and one
/// about a stranger.
fn events(function: &str) -> (Value, Value) {
    if function == "webhook" {
        let handshake = notifications::request("validationToken=figures", "");
        return (handshake, notifications::post(CLIENT_STATE, &[USER.to_owned()]));
    }
    let trigger = json!({
        "subject": {"kind": "user", "id": USER},
        "origin": {"from": "notification", "id": null},
        "noticed_at": "2026-11-24T08:00:00Z",
    });
    (batch("no trigger"), batch(&trigger.to_string()))
}

/// An SQS event of one message (Lambda developer guide, "Using Lambda with Amazon SQS").
fn batch(body: &str) -> Value {
    let message = json!({
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "receipt",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:changes.fifo",
        "awsRegion": "us-east-1",
    });
    json!({"Records": [message]})
}
