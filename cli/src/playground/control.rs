//! The sandbox's own face: what no cloud has.

use super::text;
use anyhow::{Context, ensure};
use reqwest::Client;
use serde_json::Value;

/// Asks the sandbox, and looks at it.
#[derive(Debug, Clone)]
pub struct Control {
    http: Client,
    address: String,
}

impl Control {
    /// Of the sandbox with these addresses.
    pub fn of(addresses: &Value) -> Self {
        Self { http: Client::new(), address: text(addresses, "control") }
    }

    /// Asks for something, such as `seed` or `faults`.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn ask(&self, what: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{}/{what}", self.address));
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await?;
        let is_taken = answer.status().is_success();
        let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
        ensure!(is_taken, "the sandbox refused the {what}: {answer}");
        Ok(answer)
    }

    /// Looks at something, such as `state` or `calls`.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn look(&self, what: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}/{what}", self.address)).send().await?;
        serde_json::from_slice(&answer.bytes().await?).with_context(|| format!("{what} is no JSON"))
    }

    /// Counts calls from nought again.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn forget_calls(&self) -> anyhow::Result<()> {
        self.http.delete(format!("{}/calls", self.address)).send().await?.error_for_status()?;
        Ok(())
    }
}
