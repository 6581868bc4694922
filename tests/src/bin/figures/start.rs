//! How soon after its exec a function's process asks Lambda for its first event.

use crate::figure::{Bound, Figure};
use crate::statistics::median;
use anyhow::{Context, ensure};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tests::binaries::built;
use tests::function::Variables;

/// The functions whose start counts, for every change waits for them.
pub const FUNCTIONS: [&str; 2] = ["webhook", "mirror"];
/// Milliseconds.
const FIRST_POLL: f64 = 10.0;
/// Starts, of which the median counts. One more before them warms the page cache.
const STARTS: usize = 10;
/// A process that has not asked by then does not start at all.
const PATIENCE: Duration = Duration::from_secs(10);
const NEXT: &str = "GET /2018-06-01/runtime/invocation/next";
const ID: &str = "8eb3fdd4-3f1f-4c4f-9c9b-2d7a5d1c0e11";

/// The figure's name.
pub fn name(function: &str) -> String {
    format!("first-poll-{function}")
}

/// From the call of exec to the first line of the request for the first event.
///
/// # Errors
/// When the process does not start, or asks for something else.
pub fn measure(function: &str) -> anyhow::Result<Figure> {
    let mut times = Vec::with_capacity(STARTS + 1);
    for _ in 0..=STARTS {
        times.push(first_poll(function)?.as_secs_f64() * 1_000.0);
    }
    Ok(Figure::new(name(function), median(&times[1..]), "ms", Bound::AtMost(FIRST_POLL)))
}

/// What both functions have to be told, with every AWS service behind this address.
pub fn variables(aws: &str) -> Variables {
    let variables = BTreeMap::from([
        ("ENTRA_TENANT_ID", ID),
        ("ENTRA_SERVICE_PRINCIPAL_ID", ID),
        ("ENTRA_CLIENT_ID", ID),
        ("ENTRA_CREDENTIAL_SECRET", "entra-credential"),
        ("CLIENT_STATE_SECRET", "client-state"),
        ("CHANGES_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/changes.fifo"),
        ("LIFECYCLE_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/lifecycle"),
        ("LEDGER_TABLE", "ledger"),
        ("IDENTITY_STORE_ID", "d-1234567890"),
        ("AWS_ACCESS_KEY_ID", "figures"),
        ("AWS_SECRET_ACCESS_KEY", "figures"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", aws),
    ]);
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn first_poll(function: &str) -> anyhow::Result<Duration> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen on the loopback")?;
    let mut command = Command::new(built(function)?);
    command
        .env_clear()
        .envs(variables("http://127.0.0.1:9"))
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    let start = Instant::now();
    let process = Killed(command.spawn().with_context(|| format!("{function} does not start"))?);
    let (request, connection) = first_line(listener, function)?;
    let time = start.elapsed();
    // In this order: a process whose connection is closed would complain before its end.
    drop(process);
    drop(connection);
    ensure!(request.starts_with(NEXT), "{function} asked Lambda for {request:?} first");
    Ok(time)
}

/// Accepts on a thread of its own, so that a process that never asks ends the wait.
fn first_line(listener: TcpListener, function: &str) -> anyhow::Result<(String, TcpStream)> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let first = listener.accept().and_then(|(connection, _)| {
            let mut line = String::new();
            let mut reader = BufReader::new(connection);
            reader.read_line(&mut line)?;
            Ok((line, reader.into_inner()))
        });
        sender.send(first)
    });
    let first = receiver.recv_timeout(PATIENCE);
    Ok(first.with_context(|| {
        format!("{function} asked for no event within {PATIENCE:?}: see its line above")
    })??)
}

/// A process that ends with this value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
