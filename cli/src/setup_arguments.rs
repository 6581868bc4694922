//! What `entra-mirror setup` takes.

use clap::{Args, ValueEnum};
use entra_mirror::setup_command::{Credential, SetupOptions};
use std::path::PathBuf;

/// How the set-up goes.
#[derive(Args)]
pub struct SetupArguments {
    /// The service provider metadata that the console of IAM Identity Center offers (Settings, Identity source, Actions,
    /// Change identity source, External identity provider).
    #[arg(long, value_name = "FILE")]
    aws_metadata: PathBuf,
    /// The AWS access portal, where sign-ins that begin at Microsoft lead to.
    #[arg(long, value_name = "URL")]
    portal_url: Option<String>,
    /// Who is told by Entra ID of a certificate that expires; can be repeated.
    #[arg(long, value_name = "ADDRESS")]
    notify: Vec<String>,
    /// The name of an enterprise application that has to be made.
    #[arg(long, default_value = "AWS IAM Identity Center")]
    name: String,
    /// The enterprise application to use, by its application (client) id.
    #[arg(long, value_name = "ID")]
    application: Option<String>,
    /// Make an enterprise application although there are others for AWS.
    #[arg(long, conflicts_with = "application")]
    new_application: bool,
    /// How the functions prove to Entra ID who they are.
    #[arg(long, value_enum, default_value_t = CredentialOption::Federated)]
    credential: CredentialOption,
    /// Allow outbound identity federation to be turned on in the AWS account.
    #[arg(long)]
    enable_federation: bool,
    /// The tenant to sign in to: its id, or a domain of it.
    #[arg(long)]
    tenant: Option<String>,
    /// The public client to sign in with, in place of Microsoft Graph Command Line Tools.
    #[arg(long, value_name = "ID")]
    sign_in_client: Option<String>,
    /// Where samconfig.toml is, and the files for AWS go.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Change what somebody set otherwise, too.
    #[arg(long)]
    overwrite: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Only tell what is not as it should be.
    #[arg(long, conflicts_with_all = ["yes", "overwrite"])]
    check: bool,
}

/// How the functions prove to Entra ID who they are.
#[derive(Clone, Copy, ValueEnum)]
pub enum CredentialOption {
    /// AWS says which role calls; there is no secret.
    Federated,
    /// A client secret in Secrets Manager.
    Secret,
}

impl SetupArguments {
    /// For this stack.
    pub fn of_stack(self, stack: String) -> SetupOptions {
        SetupOptions {
            aws_metadata: self.aws_metadata,
            portal_url: self.portal_url,
            notify: self.notify,
            name: self.name,
            stack,
            application: self.application,
            new_application: self.new_application,
            credential: match self.credential {
                CredentialOption::Federated => Credential::Federated,
                CredentialOption::Secret => Credential::Secret,
            },
            enable_federation: self.enable_federation,
            tenant: self.tenant,
            sign_in_client: self.sign_in_client,
            folder: self.folder,
            yes: self.yes,
            overwrite: self.overwrite,
            json: self.json,
            check: self.check,
        }
    }
}
