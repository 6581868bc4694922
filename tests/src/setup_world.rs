//! A tenant in which nothing is registered yet, an AWS account, a folder for the deployment's files, and the operator's
//! command that sets all of it up. Then the functions, as what it wrote deploys them.

use crate::account::{Account, REGION};
use crate::binaries::built;
use crate::event_source::{EventSource, Wait};
use crate::function::{Function, Variables};
use crate::identity_store::HeldState;
use crate::served_sandbox::ServedSandbox;
use crate::waiting::{Seen, eventually};
use anyhow::{Context, ensure};
use entra_mirror::playground::caller::credentials_of_role;
use entra_mirror::playground::console::Console;
use entra_mirror::playground::control::Control;
use planning::setup::{DeploymentFile, parameters_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;

/// The functions' time-outs in template.yaml.
const MIRROR_TIME: Duration = Duration::from_secs(120);
const SWEEP_TIME: Duration = Duration::from_secs(300);
/// The delegated permissions that setting up takes.
pub const SCOPES: [&str; 3] =
    ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Directory.Read.All"];
/// The role `User` of the gallery application.
const USER_ROLE: &str = "8774f594-1d59-4279-b9d9-59ef09a23530";

/// The world before anything is set up.
pub struct SetupWorld {
    /// Both clouds.
    pub sandbox: ServedSandbox,
    /// Queues, ledger and secrets.
    pub account: Arc<Account>,
    /// Where the command writes.
    pub folder: PathBuf,
    token: String,
    http: reqwest::Client,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// The functions.
pub struct Deployed {
    /// As deployed.
    pub mirror: Arc<Function>,
    /// As deployed.
    pub sweep: Arc<Function>,
    _changes: EventSource,
}

impl Ended {
    /// The JSON object that it printed.
    ///
    /// # Errors
    /// When it printed none.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("{self:?}"))
    }
}

impl SetupWorld {
    /// The world, with an administrator's token, and an empty folder; `None` without moto.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn start(folder: PathBuf) -> anyhow::Result<Option<Self>> {
        let sandbox = ServedSandbox::start_empty().await?;
        let Some(account) = Account::open("not the client secret").await? else { return Ok(None) };
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let (account, http) = (Arc::new(account), reqwest::Client::new());
        let mut world = Self { sandbox, account, folder, token: String::new(), http };
        world.operator(json!({"scopes": SCOPES})).await?;
        let metadata = Console::of(&world.sandbox.addresses).service_provider_metadata().await?;
        std::fs::write(world.metadata(), metadata)?;
        Ok(Some(world))
    }

    /// From now on the operator has another token: `scopes`, `administers`, `expires_in_seconds`.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn operator(&mut self, operator: Value) -> anyhow::Result<()> {
        let answer = self.sandbox.control("operator", operator).await?;
        self.token = answer["access_token"].as_str().context("no token")?.to_owned();
        Ok(())
    }

    /// The file that Identity Center's console offers.
    pub fn metadata(&self) -> PathBuf {
        self.folder.join("aws-metadata.xml")
    }

    /// Runs `entra-mirror setup` for this world, with more arguments.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn setup(&self, more: &[&str]) -> anyhow::Result<Ended> {
        ended(self.command(more)?).await
    }

    /// The command, as an operator with credentials of the account and a token for Graph starts it.
    ///
    /// # Errors
    /// When it is not built.
    pub fn command(&self, more: &[&str]) -> anyhow::Result<Command> {
        self.command_in(&self.folder, more)
    }

    /// As [`SetupWorld::command`], with another folder for what it writes.
    ///
    /// # Errors
    /// When it is not built.
    pub fn command_in(&self, folder: &Path, more: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(built("entra-mirror")?);
        command.arg("setup").arg("--aws-metadata").arg(self.metadata()).arg("--folder").arg(folder);
        command.args(["--stack", self.account.stack()]).args(more);
        command.env_clear().envs(self.account.variables()).envs(self.addresses());
        command.env("GRAPH_ACCESS_TOKEN", &self.token);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(command)
    }

    fn addresses(&self) -> [(&'static str, String); 5] {
        [
            ("GRAPH_ENDPOINT", self.sandbox.address("graph")),
            ("LOGIN_ENDPOINT", self.sandbox.address("login")),
            ("AWS_ENDPOINT_URL_IAM", self.sandbox.address("aws")),
            ("AWS_ENDPOINT_URL_STS", self.sandbox.address("aws")),
            ("AWS_ENDPOINT_URL_SSO_ADMIN", self.sandbox.address("aws")),
        ]
    }

    /// A call of Graph by somebody who may do everything, and whose calls are not counted.
    ///
    /// # Errors
    /// When Graph refuses it.
    pub async fn graph(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.sandbox.address("graph"));
        let mut request = self.http.request(method.parse()?, url).bearer_auth(&self.token);
        request = request.header("x-sandbox-driver", "1");
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        ensure!(status.is_success(), "{method} {path}: {status} {}", String::from_utf8_lossy(&bytes));
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }

    /// The enterprise applications that were made from the gallery.
    ///
    /// # Errors
    /// When Graph refuses it.
    pub async fn applications(&self) -> anyhow::Result<Vec<Value>> {
        let filter = "applicationTemplateId%20eq%20'21ed01d2-ec13-4e9e-86c1-cd546719ebc4'";
        let list = self.graph("GET", &format!("/applications?$filter={filter}"), Value::Null).await?;
        Ok(list["value"].as_array().cloned().unwrap_or_default())
    }

    /// The deployment's parameters, as the command wrote them.
    ///
    /// # Errors
    /// When the file is not as `sam deploy` takes it.
    pub fn parameters(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let text = std::fs::read_to_string(self.folder.join("samconfig.toml"))?;
        let wanted = DeploymentFile {
            stack: self.account.stack().to_owned(),
            region: REGION.to_owned(),
            parameters: BTreeMap::new(),
        };
        let (parameters, named) = parameters_of(&text, &wanted)?;
        ensure!(named, "stack, Region or capability are missing: {text}");
        Ok(parameters)
    }

    /// A parameter.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn parameter(&self, name: &str) -> anyhow::Result<String> {
        self.parameters()?.remove(name).with_context(|| format!("samconfig.toml has no {name}"))
    }

    /// Deploys mirror and sweep with what `samconfig.toml` says.
    ///
    /// # Errors
    /// When a parameter is missing.
    pub async fn deploy(&self) -> anyhow::Result<Deployed> {
        let mirror = Arc::new(Function::new("mirror", self.variables("mirror").await?, MIRROR_TIME)?);
        let sweep = Arc::new(Function::new("sweep", self.variables("sweep").await?, SWEEP_TIME)?);
        let changes = EventSource::start(
            self.account.clone(),
            self.account.changes.clone(),
            mirror.clone(),
            Wait::default(),
        );
        Ok(Deployed { mirror, sweep, _changes: changes })
    }

    async fn variables(&self, function: &str) -> anyhow::Result<Variables> {
        let of = |name: &str| self.parameter(name);
        let secret = of("EntraSignIn")? == "secret";
        let credential = if secret { self.account.entra_credential.clone() } else { String::new() };
        let ours = [
            ("ENTRA_TENANT_ID", of("EntraTenantId")?),
            ("ENTRA_SERVICE_PRINCIPAL_ID", of("EntraServicePrincipalId")?),
            ("ENTRA_CLIENT_ID", of("EntraClientId")?),
            ("ENTRA_CREDENTIAL_SECRET", credential),
            ("IDENTITY_STORE_ID", of("IdentityStoreId")?),
            ("CHANGES_QUEUE_URL", self.account.changes.clone()),
            ("LEDGER_TABLE", self.account.table.clone()),
            ("GRAPH_ENDPOINT", of("GraphEndpoint")?),
            ("LOGIN_ENDPOINT", of("LoginEndpoint")?),
            ("AWS_ENDPOINT_URL_IDENTITYSTORE", self.sandbox.address("aws")),
            ("AWS_ENDPOINT_URL_STS", self.sandbox.address("aws")),
            ("AWS_LAMBDA_LOG_LEVEL", "INFO".to_owned()),
        ];
        let session = if secret { Vec::new() } else { self.session(function).await? };
        let all = ours.into_iter().chain(self.account.variables()).chain(session);
        Ok(all.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The credentials that Lambda gives a function of its role, which template.yaml makes under a fixed name.
    async fn session(&self, function: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
        let (control, account) = (Control::of(&self.sandbox.addresses), self.sandbox.address("account_id"));
        let role = format!("{}-{function}", self.account.stack());
        let credentials = credentials_of_role(&control, &account, &role).await?;
        Ok(vec![
            ("AWS_ACCESS_KEY_ID", credentials.access_key_id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key().to_owned()),
            ("AWS_SESSION_TOKEN", credentials.session_token().unwrap_or_default().to_owned()),
        ])
    }

    /// Somebody whom an administrator assigns to the application, as the first one.
    ///
    /// # Errors
    /// When Graph refuses it.
    pub async fn assign_somebody(&self, name: &str) -> anyhow::Result<()> {
        let seed = json!({"users": [{"userPrincipalName": name, "displayName": "Ada Lovelace",
                                     "givenName": "Ada", "surname": "Lovelace", "mail": name}]});
        let seeded = self.sandbox.control("seed", seed).await?;
        let principal = self.parameter("EntraServicePrincipalId")?;
        let assignment =
            json!({"principalId": seeded["entra"][name], "resourceId": principal, "appRoleId": USER_ROLE});
        self.graph("POST", &format!("/servicePrincipals/{principal}/appRoleAssignedTo"), assignment)
            .await
            .map(|_| ())
    }

    /// Waits until Identity Center has a user of this name.
    ///
    /// # Errors
    /// When it has not in time.
    pub async fn mirrored(&self, name: &str, deployed: &Deployed) -> anyhow::Result<()> {
        let look = || async {
            let held = HeldState::new(self.sandbox.look("state").await?);
            let there = held.user(name).is_some();
            Ok(if there { Seen::Expected(()) } else { Seen::Not(format!("{held:?}")) })
        };
        let tails = || format!("{}\n{}", deployed.sweep.logs().tail(15), deployed.mirror.logs().tail(15));
        eventually(&format!("{name} is mirrored"), look, tails).await
    }

    /// What a person does in the console: takes over the identity provider's metadata.
    ///
    /// # Errors
    /// When the file is not there, or the console refuses it.
    pub async fn import_in_console(&self) -> anyhow::Result<()> {
        let read = |file: &str| std::fs::read_to_string(self.folder.join(file));
        let (metadata, certificate) =
            (read("entra-federation-metadata.xml")?, read("entra-signing-certificate.pem")?);
        let tenant = self.parameter("EntraTenantId")?;
        Console::of(&self.sandbox.addresses).change_identity_source(&metadata, &certificate, &tenant).await
    }

    /// The user tries to sign in to AWS; why it fails, if it does.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn sign_in(&self, user: &str) -> anyhow::Result<Value> {
        let application = self.parameter("EntraApplicationId")?;
        self.sandbox.control("sign-in", json!({"user": user, "application": application})).await
    }
}

/// Runs a command to its end.
///
/// # Errors
/// When it does not start.
pub async fn ended(mut command: Command) -> anyhow::Result<Ended> {
    let output = command.output().await.context("entra-mirror does not start")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
}
