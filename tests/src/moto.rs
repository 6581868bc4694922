//! moto's server on the loopback: one for all the tests of an executable, each in an account of its own.

use anyhow::{Context, bail, ensure};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Runs the server until standard input ends, which it does with the test's process, however that ends.
const UNTIL_THE_TEST_ENDS: &str = r#""$0" -H 127.0.0.1 -p 0 & server=$!; cat >/dev/null; kill "$server""#;

static RUNNING: Mutex<Option<Moto>> = Mutex::new(None);

struct Moto {
    url: String,
    /// Holds the other end of standard input.
    _server: Child,
}

/// The address of a running server; `None`, with a word on standard error, if there is none to start.
///
/// # Errors
/// When it does not start, or there is none and `CI_REQUIRES_MOTO=1`.
pub async fn address() -> anyhow::Result<Option<String>> {
    tokio::task::spawn_blocking(started_once).await.context("starting moto panicked")?
}

fn started_once() -> anyhow::Result<Option<String>> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(moto) = running.as_ref() {
        return Ok(Some(moto.url.clone()));
    }
    let Some(program) = program()? else { return Ok(None) };
    let moto = start(&program)?;
    let url = moto.url.clone();
    *running = Some(moto);
    Ok(Some(url))
}

#[allow(
    clippy::disallowed_methods,
    reason = "which server to test against is the test script's choice; no shipped code reads this"
)]
fn program() -> anyhow::Result<Option<String>> {
    if let Ok(program) = std::env::var("MOTO_SERVER") {
        return Ok(Some(program));
    }
    let required = std::env::var("CI_REQUIRES_MOTO").is_ok_and(|flag| flag == "1");
    ensure!(!required, "CI_REQUIRES_MOTO=1: set MOTO_SERVER to the path of moto_server, or use tests/run");
    // Straight to standard error: what `eprintln!` prints is hidden while the test passes.
    std::io::stderr()
        .write_all(b"NOT TESTED: set MOTO_SERVER to the path of moto_server, or use tests/run\n")?;
    Ok(None)
}

fn start(program: &str) -> anyhow::Result<Moto> {
    let mut server = Command::new("sh")
        .args(["-c", UNTIL_THE_TEST_ENDS, program])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("no sh on PATH to start moto with")?;
    let mut lines = BufReader::new(server.stderr.take().context("moto has no standard error")?).lines();
    let mut said = Vec::new();
    for line in lines.by_ref() {
        let line = line?;
        if let Some((_, url)) = line.split_once("Running on ") {
            let url = url.trim().to_owned();
            // The server logs every request; an unread pipe would stop it.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(Moto { url, _server: server });
        }
        said.push(line);
        if said.iter().any(|line| line.contains("not found")) {
            break;
        }
    }
    bail!("{program} does not start: correct MOTO_SERVER. It said: {}", said.join(" | "))
}
