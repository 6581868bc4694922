//! moto's server on loopback, for as long as any test uses it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

/// A running server. The last test that lets go of it ends it.
pub struct Moto {
    /// Its address.
    pub url: String,
    server: Child,
}

static RUNNING: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
static SAID: Once = Once::new();

impl Moto {
    /// The server that `MOTO_SERVER` names, on a port that the system chooses, started unless it runs: it
    /// takes a second, and the tests keep out of each other's way. `None`, with a word on stderr, if there
    /// is none to start.
    ///
    /// # Panics
    /// The server does not start, or there is none and `CI_REQUIRES_MOTO=1`.
    #[allow(
        clippy::disallowed_methods,
        reason = "which server to test against is the test script's choice; no shipped code reads this"
    )]
    pub fn running() -> Option<Arc<Self>> {
        let Ok(program) = std::env::var("MOTO_SERVER") else {
            let required = std::env::var("CI_REQUIRES_MOTO").is_ok_and(|flag| flag == "1");
            assert!(!required, "CI_REQUIRES_MOTO=1: set MOTO_SERVER to the path of moto_server");
            SAID.call_once(|| {
                // Straight to stderr: what `eprintln!` prints is hidden while the test passes.
                let word =
                    "NOT TESTED against moto: set MOTO_SERVER to the path of moto_server, or use tests/run\n";
                std::io::stderr().write_all(word.as_bytes()).unwrap();
            });
            return None;
        };
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(moto) = running.upgrade() {
            return Some(moto);
        }
        let moto = Arc::new(Self::start(&program));
        *running = Arc::downgrade(&moto);
        Some(moto)
    }

    fn start(program: &str) -> Self {
        let mut server = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| panic!("{program} does not start: {why}; correct MOTO_SERVER"));
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once("Running on ")?.1.trim().to_owned()));
        // The server logs every request; an unread pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        let Some(url) = url else {
            panic!("{program} ended before it said where it listens; run it by hand to see why");
        };
        Self { url, server }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
