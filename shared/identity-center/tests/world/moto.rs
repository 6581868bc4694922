//! moto's server on loopback, for as long as a value lives.

use std::io::Write;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running server; dropping it ends it.
pub struct Moto {
    /// Its address.
    pub url: String,
    _server: Child,
}

impl Moto {
    /// Starts the server that `MOTO_SERVER` names, on a port that the system chooses. `None`, with a word on
    /// stderr, if there is none to start.
    ///
    /// # Panics
    /// The server does not start, or there is none and `CI_REQUIRES_MOTO=1`.
    #[allow(
        clippy::disallowed_methods,
        reason = "which server to test against is the test script's choice; no shipped code reads this"
    )]
    pub async fn start() -> Option<Self> {
        let Ok(program) = std::env::var("MOTO_SERVER") else {
            let required = std::env::var("CI_REQUIRES_MOTO").is_ok_and(|flag| flag == "1");
            assert!(!required, "CI_REQUIRES_MOTO=1: set MOTO_SERVER to the path of moto_server");
            // Straight to stderr: what `eprintln!` prints is hidden while the test passes.
            let word =
                "NOT TESTED against moto: set MOTO_SERVER to the path of moto_server, or use tests/run\n";
            std::io::stderr().write_all(word.as_bytes()).unwrap();
            return None;
        };
        let mut server = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|why| panic!("{program} does not start: {why}; correct MOTO_SERVER"));
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, url)) = line.split_once("Running on ") {
                let url = url.trim().to_owned();
                // The server logs every request; an unread pipe would stop it.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Some(Self { url, _server: server });
            }
        }
        panic!("{program} ended before it said where it listens; run it by hand to see why");
    }
}
