//! A function that signs in without a secret: its role in the sandbox's AWS account, and what trusts it in Entra ID.

use crate::served_sandbox::ServedSandbox;
use anyhow::{Context, ensure};
use entra_mirror::playground::caller::credentials_of_role;
use entra_mirror::playground::control::Control;
use entra_mirror::playground::driver::Driver;
use serde_json::{Value, json};

/// What a function's tokens are for.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The functions' role: one for all of them here.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/entra-mirror";

/// How functions sign in by federation.
#[derive(Debug, Clone)]
pub struct Federation {
    /// Whom the federated identity credential trusts.
    pub trusted: String,
    /// So many token requests do not find it yet.
    pub missed: u32,
}

impl Default for Federation {
    fn default() -> Self {
        Self { trusted: ROLE.to_owned(), missed: 0 }
    }
}

/// Turns federation on in the account, makes the role, and has the app registration trust somebody. Answers the variables
/// that Lambda and template.yaml give a function.
///
/// # Errors
/// When the sandbox refuses something.
pub async fn set_up(
    sandbox: &ServedSandbox,
    federation: &Federation,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let (control, account) = (Control::of(&sandbox.addresses), sandbox.address("account_id"));
    let credentials = credentials_of_role(&control, &account, "entra-mirror").await?;
    let issuer = sandbox.issuer().await?;
    sandbox.control("faults", json!({"federated_credential_delay": {"reads": federation.missed}})).await?;
    let credential = json!({"name": "functions", "issuer": issuer, "subject": federation.trusted,
                            "audiences": [AUDIENCE]});
    let path = format!("/applications/{}/federatedIdentityCredentials", sandbox.address("client_object_id"));
    Driver::sign_in(&sandbox.addresses).await?.entra.post(&path, credential).await?;
    Ok(vec![
        ("ENTRA_CREDENTIAL_SECRET", String::new()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id().to_owned()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key().to_owned()),
        ("AWS_SESSION_TOKEN", credentials.session_token().unwrap_or_default().to_owned()),
    ])
}

impl ServedSandbox {
    /// Turns outbound federation on, as the account's administrator does; answers the issuer.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn issuer(&self) -> anyhow::Result<String> {
        let scope = "Credential=AKIDADMIN/20261124/us-east-1/iam/aws4_request";
        let request = reqwest::Client::new()
            .post(self.address("aws"))
            .header("x-sandbox-driver", "1")
            .header("x-amz-date", "20261124T080000Z")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"))
            .body("Action=EnableOutboundWebIdentityFederation&Version=2010-05-08");
        let answer = request.send().await.context("the sandbox did not answer")?;
        let (status, text) = (answer.status(), String::from_utf8(answer.bytes().await?.to_vec())?);
        ensure!(status.is_success(), "the sandbox refused: {status} {text}");
        let issuer = text.split_once("<IssuerIdentifier>").and_then(|(_, rest)| rest.split_once("</"));
        Ok(issuer.context("no issuer")?.0.to_owned())
    }

    /// Registers a certificate of the reader's app registration.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn register_certificate(&self, pem: &str) -> anyhow::Result<Value> {
        let certificate = json!({"client_id": self.address("client_id"), "certificate": pem});
        self.control("seed", json!({"app_certificates": [certificate]})).await
    }
}
