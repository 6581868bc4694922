//! As whom the product calls both clouds.

use super::control::Control;
use super::{driver, text};
use ::entra::{AppCredential, GraphClient, Proof, ProofSource};
use anyhow::Context;
use aws_sdk_identitystore::config::Credentials;
use aws_types::SdkConfig;
use engine::budget::Budget;
use serde_json::{Value, json};
use std::sync::Arc;
use wiring::clock::SystemClock;
use wiring::http::SharedHttp;
use wiring::web_identity::WebIdentity;

/// Whom tokens of a function's role are for, as template.yaml has it.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// Seconds, as template.yaml has it.
const LONGEST: u32 = 300;

/// An app registration, with a proof of who calls, and credentials of AWS.
pub struct Caller {
    /// Identity Center and the rest of AWS.
    pub aws: SdkConfig,
    http: SharedHttp,
    client_id: String,
    proof: Arc<dyn ProofSource>,
}

impl Caller {
    /// The app registration of a tenant that is ready made, with its secret.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn ready_made(addresses: &Value) -> anyhow::Result<Self> {
        let http = SharedHttp::new()?;
        Ok(Self {
            aws: driver::aws(addresses, http.clone()),
            http,
            client_id: text(addresses, "client_id"),
            proof: Arc::new(Proof::ClientSecret(text(addresses, "client_secret").into())),
        })
    }

    /// A deployed function: the app registration trusts its role.
    ///
    /// # Errors
    /// When the sandbox gives no credentials of the role, or TLS cannot be set up.
    pub async fn function(addresses: &Value, client_id: &str, role: &str) -> anyhow::Result<Self> {
        let http = SharedHttp::new()?;
        let account = text(addresses, "account_id");
        let credentials = credentials_of_role(&Control::of(addresses), &account, role).await?;
        let aws = driver::aws_as(addresses, http.clone(), credentials);
        Ok(Self { proof: Arc::new(WebIdentity::new(&aws)), aws, http, client_id: client_id.to_owned() })
    }

    /// Microsoft Graph.
    ///
    /// # Errors
    /// When the addresses are not a sandbox's.
    pub fn graph(&self, addresses: &Value, budget: Budget) -> anyhow::Result<GraphClient> {
        let transport = Arc::new(self.http.clone());
        let credential = AppCredential::new(
            transport.clone(),
            &text(addresses, "login"),
            &text(addresses, "tenant_id").parse()?,
            &self.client_id.parse()?,
            self.proof.clone(),
        );
        let graph = text(addresses, "graph");
        Ok(GraphClient::new(transport, Arc::new(credential), graph, Arc::new(SystemClock), budget))
    }
}

/// What `sam deploy` makes, a role that may have tokens for Entra ID, and what Lambda then gives the function: credentials of it.
///
/// # Errors
/// When the sandbox refuses it.
pub async fn credentials_of_role(
    control: &Control,
    account: &str,
    role: &str,
) -> anyhow::Result<Credentials> {
    let grant = json!({"audience": AUDIENCE, "signing_algorithm": "RS256", "longest_seconds": LONGEST});
    let seed = json!({"id": account, "roles": [{"name": role, "web_identity_tokens": grant}]});
    control.ask("seed", &json!({"accounts": [seed]})).await?;
    let session =
        control.ask("session", &json!({"role": format!("arn:aws:iam::{account}:role/{role}")})).await?;
    let of = |name: &str| session[name].as_str().map(str::to_owned).context("a session without credentials");
    let (key, secret) = (of("access_key_id")?, of("secret_access_key")?);
    Ok(Credentials::new(key, secret, Some(of("session_token")?), None, "sandbox"))
}
