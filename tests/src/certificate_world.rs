//! A tenant with a certificate, what trusts it, and the certificate function as it is deployed. The sandbox's clock is half an
//! hour behind: what Entra ID makes now is valid for a while already, so that nobody has to wait for clocks that differ.

use crate::account::Account;
use crate::binaries::built;
use crate::function::{Function, Variables};
use anyhow::{Context, ensure};
use jiff::{SignedDuration, Timestamp};
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::AbortHandle;

/// The function's time-out in template.yaml.
const TIME: Duration = Duration::from_secs(300);
/// How far the sandbox's clock is behind.
const BEHIND: SignedDuration = SignedDuration::from_mins(30);
/// The schedule's two minutes, for tests.
const BETWEEN_RUNS: Duration = Duration::from_millis(300);
/// Who signs in.
pub const ADA: &str = "ada.lovelace@contoso.example";
/// The SAML provider of IAM.
pub const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/Entra";
/// One in another account, and the role that leads to it.
pub const MEMBER_PROVIDER: &str = "arn:aws:iam::222222222222:saml-provider/Entra";
const MEMBER_ROLE: &str = "SamlTrustUpdater";

/// The running world. Everything in it ends when this is dropped.
pub struct CertificateWorld {
    /// Ledger, secrets and topic.
    pub account: Account,
    /// The function.
    pub function: Function,
    addresses: Value,
    http: reqwest::Client,
    delivered: AtomicUsize,
    serving: AbortHandle,
}

impl CertificateWorld {
    /// A world with these certificates, and these variables over the usual ones; `None` without moto.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn start(certificates: Value, variables: &[(&str, &str)]) -> anyhow::Result<Option<Self>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
        let base = format!("http://{}", listener.local_addr()?);
        let start = Some(Timestamp::now() - BEHIND);
        let sandbox = Sandbox::new(Settings { start, quotas: false, ..Settings::default() });
        let addresses = sandbox.addresses(&base);
        let serving = tokio::spawn(sandbox::serve(listener, sandbox, std::future::pending())).abort_handle();
        let Some(account) = Account::open("unused").await? else { return Ok(None) };
        let account = account.open_for_certificates(&text(&addresses, "rotator_client_secret")).await?;
        let mut all = usual(&addresses, &account);
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let function = Function::new("certificate", all, TIME)?;
        let (http, delivered) = (reqwest::Client::new(), AtomicUsize::new(0));
        let world = Self { account, function, addresses, http, delivered, serving };
        world.control("seed", seed(certificates)).await?;
        Ok(Some(world))
    }

    /// Runs once, as the daily schedule has it.
    ///
    /// # Errors
    /// When the run fails.
    pub async fn run(&self) -> anyhow::Result<Value> {
        self.function.invoke(&json!({"look_at": "certificate"})).await
    }

    /// Ada tries to sign in.
    ///
    /// # Errors
    /// When she does not get in, or the sandbox does not answer.
    pub async fn sign_in(&self) -> anyhow::Result<()> {
        let answer = self.control("sign-in", json!({"user": ADA})).await?;
        ensure!(answer["accepted"] == true, "a sign-in failed: {answer}");
        Ok(())
    }

    /// Tells the function of every sign-in since the last time, as EventBridge's rule does.
    ///
    /// # Errors
    /// When the function fails.
    pub async fn deliver_events(&self) -> anyhow::Result<()> {
        let answer = self.look("sign-in-events").await?;
        let events = answer["events"].as_array().cloned().unwrap_or_default();
        let done = self.delivered.swap(events.len(), Ordering::Relaxed);
        for event in &events[done.min(events.len())..] {
            let told = json!({"source": "aws.signin", "detail-type": "AWS Service Event via CloudTrail", "detail": event});
            let report = self.function.invoke(&told).await?;
            ensure!(report["outcome"] == "counted", "{report}: {event}");
        }
        Ok(())
    }

    /// Puts the sandbox's clock forward; the function's stays.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn pass(&self, time: SignedDuration) -> anyhow::Result<()> {
        self.control("clock", json!({"advance_seconds": time.as_secs()})).await.map(|_| ())
    }

    /// Starts the operator's command.
    ///
    /// # Errors
    /// When it is not built.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let mut command = Command::new(built("entra-mirror")?);
        command.args(["certificate"]).args(arguments).env_clear().envs(self.account.variables());
        command.env("LEDGER_TABLE", &self.account.table);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().context("entra-mirror does not start")
    }

    /// Runs the operator's command while the function runs every now and then; its exit code, output and errors.
    ///
    /// # Errors
    /// When it does not end, or a run fails.
    pub async fn commanded(&self, arguments: &[&str]) -> anyhow::Result<(i32, String)> {
        let child = self.command(arguments)?;
        let mut done = Box::pin(child.wait_with_output());
        let due = json!({"look_at": "due"});
        let output = loop {
            match tokio::time::timeout(BETWEEN_RUNS, &mut done).await {
                Ok(output) => break output?,
                Err(_) => self.function.invoke(&due).await?,
            };
        };
        let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok((output.status.code().unwrap_or(-1), words.concat()))
    }

    /// A call of the console's API, as a person makes it in a browser.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn console(&self, operation: &str, input: Value) -> anyhow::Result<Value> {
        let scope = "Credential=AKIDPERSON/20261102/us-east-1/appsauth/aws4_request";
        let request = self.http.post(text(&self.addresses, "aws")).body(input.to_string());
        let request = request
            .header("x-sandbox-driver", "1")
            .header("x-amz-date", "20261102T080000Z")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AppsAuthControlPlaneService.{operation}"))
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"));
        answered(request).await
    }

    /// Imports a certificate in the console.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn import_by_hand(&self, pem: &str) -> anyhow::Result<()> {
        let directory = &self.addresses["identity_store_id"];
        let found = self
            .console("ListExternalIdPConfigurationsForDirectory", json!({"directoryId": directory}))
            .await?;
        let import = json!({"idpId": found["associations"][0]["idpId"], "directoryId": directory,
                            "x509CertificateInPEM": pem, "certificateUse": "SIGNING"});
        self.console("ImportExternalIdPCertificate", import).await.map(|_| ())
    }

    /// Posts to `/control/<path>`.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn control(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let url = format!("{}/{path}", text(&self.addresses, "control"));
        answered(self.http.post(url).header("content-type", "application/json").body(body.to_string())).await
    }

    /// Gets `/control/<path>`.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn look(&self, path: &str) -> anyhow::Result<Value> {
        answered(self.http.get(format!("{}/{path}", text(&self.addresses, "control")))).await
    }

    /// Counts calls from nought again.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn forget_calls(&self) -> anyhow::Result<()> {
        answered(self.http.delete(format!("{}/calls", text(&self.addresses, "control")))).await.map(|_| ())
    }
}

impl Drop for CertificateWorld {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answered(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await.context("the sandbox did not answer")?;
    let status = answer.status();
    let bytes = answer.bytes().await?;
    ensure!(status.is_success(), "the sandbox refused: {status} {}", String::from_utf8_lossy(&bytes));
    Ok(serde_json::from_slice(&bytes)?)
}

/// What template.yaml sets for the certificate function.
pub fn usual(addresses: &Value, account: &Account) -> Variables {
    let of = |name: &str| text(addresses, name);
    let ours = [
        ("ENTRA_TENANT_ID", of("tenant_id")),
        ("ENTRA_SERVICE_PRINCIPAL_ID", of("service_principal_id")),
        ("ENTRA_APPLICATION_ID", of("app_id")),
        ("ENTRA_CLIENT_ID", of("rotator_client_id")),
        ("ENTRA_CREDENTIAL_SECRET", account.rotator_credential.clone()),
        ("GRAPH_ENDPOINT", of("graph")),
        ("LOGIN_ENDPOINT", of("login")),
        ("LEDGER_TABLE", account.table.clone()),
        ("IDENTITY_STORE_ID", of("identity_store_id")),
        ("ACCOUNT_ID", of("account_id")),
        ("CERTIFICATE_SECRET", account.certificates.clone()),
        ("NOTICE_TOPIC_ARN", account.notices.0.clone()),
        ("SOAK_HOURS", "0".to_owned()),
        ("CHANGE_WINDOW", "0-24,weekends".to_owned()),
        ("SAML_PROVIDER_ROLE", MEMBER_ROLE.to_owned()),
        ("AWS_ENDPOINT_URL_APPSAUTH", of("aws")),
        ("AWS_ENDPOINT_URL_IAM", of("aws")),
        ("AWS_ENDPOINT_URL_STS", of("aws")),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO".to_owned()),
    ];
    ours.into_iter().chain(account.variables()).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn seed(certificates: Value) -> Value {
    let known = json!({"UserName": ADA, "DisplayName": "Ada Lovelace",
                       "Name": {"GivenName": "Ada", "FamilyName": "Lovelace"}});
    let role = json!({"name": MEMBER_ROLE, "saml_providers": ["Entra"]});
    json!({
        "users": [{"userPrincipalName": ADA}],
        "assigned": [ADA],
        "certificates": certificates,
        "identity_center": {"users": [known]},
        "accounts": [
            {"id": "111122223333", "saml_providers": [{"name": "Entra"}]},
            {"id": "222222222222", "roles": [role], "saml_providers": [{"name": "Entra"}]},
        ],
    })
}

fn text(addresses: &Value, name: &str) -> String {
    addresses[name].as_str().unwrap_or_default().to_owned()
}
