//! `entra-mirror sandbox`: serves the sandbox until interrupted.

use anyhow::Context;
use sandbox::{Sandbox, Settings};
use std::io::Write;
use tokio::net::TcpListener;

/// Serves on this port of the loopback; an empty one has nothing registered in its tenant.
pub async fn run(port: u16, empty: bool) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.with_context(|| {
        format!("cannot listen on port {port} of 127.0.0.1: stop what uses it, or choose another with --port")
    })?;
    let base = format!("http://{}", listener.local_addr()?);
    let sandbox = Sandbox::new(Settings { empty, ..Settings::default() });
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(&sandbox.addresses(&base))?)?;
    stdout.flush()?;
    drop(stdout);
    sandbox::serve(listener, sandbox, interrupted()).await.context("the sandbox stopped serving")
}

async fn interrupted() {
    // Without a signal handler there is no way to be interrupted politely: serve on.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
