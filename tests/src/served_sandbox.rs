//! The sandbox, served by the built command `entra-mirror sandbox` until this is dropped.

use crate::binaries::built;
use crate::waiting::{Seen, eventually};
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// A running sandbox.
pub struct ServedSandbox {
    /// The first line that the command prints.
    pub addresses: Value,
    http: reqwest::Client,
    /// Kept open, so that the command may write to it.
    _output: BufReader<ChildStdout>,
    _server: Child,
}

impl ServedSandbox {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When the command does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    /// As [`ServedSandbox::start`], with nothing registered in the tenant.
    ///
    /// # Errors
    /// When the command does not start.
    pub async fn start_empty() -> anyhow::Result<Self> {
        Self::start_with(&["--empty"]).await
    }

    async fn start_with(more: &[&str]) -> anyhow::Result<Self> {
        let mut server = Command::new(built("entra-mirror")?)
            .args(["sandbox", "--port", "0"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .context("entra-mirror does not start")?;
        let mut output = BufReader::new(server.stdout.take().context("no standard output")?);
        let mut first = String::new();
        output.read_line(&mut first).await?;
        let addresses = serde_json::from_str(&first)
            .with_context(|| format!("the first line of `entra-mirror sandbox` is not JSON: {first:?}"))?;
        Ok(Self { addresses, http: reqwest::Client::new(), _output: output, _server: server })
    }

    /// An address or a name that the first line holds.
    pub fn address(&self, name: &str) -> String {
        self.addresses[name].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until somebody is shown a code, and types it at the sign-in page; answers the code.
    ///
    /// # Errors
    /// When nobody is shown one in time.
    pub async fn type_code(&self) -> anyhow::Result<String> {
        let look = || async {
            let codes = self.look("device-code").await?;
            Ok(match codes["user_codes"][0].as_str() {
                Some(code) => Seen::Expected(code.to_owned()),
                None => Seen::Not("no code".to_owned()),
            })
        };
        let code = eventually("a code waits to be typed", look, String::new).await?;
        self.control("device-code", json!({"user_code": code})).await?;
        Ok(code)
    }

    /// Posts to `/control/<path>`.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn control(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let url = format!("{}/{path}", self.address("control"));
        let request = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        answered(request).await
    }

    /// Gets `/control/<path>`.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn look(&self, path: &str) -> anyhow::Result<Value> {
        answered(self.http.get(format!("{}/{path}", self.address("control")))).await
    }
}

impl ServedSandbox {
    /// A token of the reader, as an operator may have got one.
    ///
    /// # Errors
    /// When the login refuses.
    pub async fn reader_token(&self) -> anyhow::Result<String> {
        let url = format!("{}/{}/oauth2/v2.0/token", self.address("login"), self.address("tenant_id"));
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("scope", "https://graph.microsoft.com/.default")
            .append_pair("client_id", &self.address("client_id"))
            .append_pair("client_secret", &self.address("client_secret"));
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        let answer = answered(request.body(form.finish())).await?;
        Ok(answer["access_token"].as_str().context("the login gave no token")?.to_owned())
    }
}

async fn answered(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await.context("the sandbox did not answer")?;
    let status = answer.status();
    let bytes = answer.bytes().await?;
    ensure!(status.is_success(), "the sandbox refused: {status} {}", String::from_utf8_lossy(&bytes));
    Ok(serde_json::from_slice(&bytes)?)
}
