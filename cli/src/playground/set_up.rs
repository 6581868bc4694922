//! How it begins: in a tenant in which nothing is registered, an operator runs `entra-mirror setup`, and a person does in AWS's
//! console what it says.

use super::console::Console;
use super::control::Control;
use super::text;
use ::entra::SCOPES;
use anyhow::{Context, ensure};
use planning::setup::{DeploymentFile, parameters_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// The stack that would be deployed.
pub const STACK: &str = "entra-mirror";

/// Both sides, set up.
pub struct SetUp {
    /// What `sam deploy` would be told.
    pub parameters: BTreeMap<String, String>,
    _folder: Folder,
}

/// A folder that is gone with this value.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // Whoever cleans up the folder for temporary files takes what stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl SetUp {
    /// Runs the command, as an operator does, and imports what it wrote, as a person does.
    ///
    /// # Errors
    /// When a step fails.
    pub async fn play(addresses: &Value, json: bool) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("entra-mirror-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        let folder = Folder(path);
        let console = Console::of(addresses);
        let metadata = folder.0.join("aws-metadata.xml");
        std::fs::write(&metadata, console.service_provider_metadata().await?)?;
        run_command(addresses, &folder.0, &metadata, json).await?;

        let read = |file: &str| std::fs::read_to_string(folder.0.join(file));
        let (provider, certificate) =
            (read("entra-federation-metadata.xml")?, read("entra-signing-certificate.pem")?);
        console.change_identity_source(&provider, &certificate, &text(addresses, "tenant_id")).await?;
        let deployment = DeploymentFile {
            stack: STACK.to_owned(),
            region: text(addresses, "region"),
            parameters: BTreeMap::new(),
        };
        let (parameters, _) = parameters_of(&read("samconfig.toml")?, &deployment)?;
        Ok(Self { parameters, _folder: folder })
    }

    /// A parameter of the deployment.
    ///
    /// # Errors
    /// When the command wrote none of this name.
    pub fn parameter(&self, name: &str) -> anyhow::Result<&str> {
        self.parameters.get(name).map(String::as_str).with_context(|| format!("samconfig.toml has no {name}"))
    }
}

/// This program, once more: what is played is what is shipped.
async fn run_command(addresses: &Value, folder: &Path, metadata: &Path, json: bool) -> anyhow::Result<()> {
    let operator = Control::of(addresses).ask("operator", &json!({"scopes": SCOPES})).await?;
    let portal = format!("https://{}.awsapps.com/start", text(addresses, "identity_store_id"));
    let options = ["--yes", "--enable-federation", "--notify", "cloud-team@contoso.example"];
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("setup").arg("--aws-metadata").arg(metadata).arg("--folder").arg(folder);
    command.args(options).args(["--stack", STACK, "--portal-url", &portal]);
    command.env_clear().envs([
        ("GRAPH_ACCESS_TOKEN", text(&operator, "access_token")),
        ("GRAPH_ENDPOINT", text(addresses, "graph")),
        ("LOGIN_ENDPOINT", text(addresses, "login")),
        ("AWS_ENDPOINT_URL", text(addresses, "aws")),
        ("AWS_REGION", text(addresses, "region")),
        ("AWS_ACCESS_KEY_ID", "operator".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "operator".to_owned()),
    ]);
    command.stdin(Stdio::null()).kill_on_drop(true);
    if json {
        let output = command.arg("--json").stderr(Stdio::inherit()).output().await?;
        ensure!(output.status.success(), "`entra-mirror setup` ended with {}", output.status);
        let report: Value = serde_json::from_slice(&output.stdout)?;
        println!("{}", json!({"step": "setup", "report": report}));
    } else {
        println!("$ entra-mirror setup --aws-metadata {} {}", metadata.display(), options.join(" "));
        let status = command.status().await?;
        ensure!(status.success(), "`entra-mirror setup` ended with {status}");
        println!();
    }
    Ok(())
}
