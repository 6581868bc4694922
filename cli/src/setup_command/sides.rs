//! Connects to both sides, and finds out what is wanted of them.

use super::{Credential, SetupOptions};
use crate::sign_in::{self, SignInChoices};
use anyhow::{Context, bail, ensure};
use engine::ports::Clock;
use engine::setup::service_provider;
use entra::{Administration, TenantName};
use jiff::Timestamp;
use planning::setup::{Candidate, CredentialKind, ServiceProvider, Wanted};
use std::collections::BTreeMap;
use std::path::Path;
use wiring::clock::SystemClock;
use wiring::setup::{AwsSide, Caller, EntraSide, InstanceFound};

/// Where Identity Center's console offers the file.
const DOWNLOAD: &str = "download it from the console of IAM Identity Center: Settings, Identity source, Actions, Change \
                        identity source, External identity provider, Download metadata file (under Service provider metadata)";

/// Both sides, and what is wanted of them.
pub(super) struct Sides {
    /// Graph, in the operator's name.
    pub administration: Administration,
    /// Entra ID's other addresses.
    pub entra: EntraSide,
    /// The AWS account.
    pub aws: AwsSide,
    /// The tenant.
    pub tenant: TenantName,
    /// What is wanted.
    pub wanted: Wanted,
    /// The application that another set-up gave our identifier meanwhile.
    pub holder: Option<Candidate>,
}

impl Sides {
    /// The time.
    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }
}

/// Reads the file, then asks AWS, then Entra ID: what is wrong shows before anybody has to sign in.
pub(super) async fn connect(options: &SetupOptions) -> anyhow::Result<Sides> {
    let provider = service_provider(&options.aws_metadata)?;
    check_addresses(options)?;
    let aws = AwsSide::connect().await?;
    let region = aws.region();
    if let Some(primary) = provider.region.as_ref().filter(|primary| **primary != region) {
        bail!(
            "Identity Center's primary Region is {primary}, as {} says, and AWS_REGION is {region}: set AWS_REGION={primary}",
            options.aws_metadata.display()
        );
    }
    let caller = aws.caller().await?;
    let instance = instance(&aws, &provider, &caller).await?;
    let credential = match options.credential {
        Credential::Secret => CredentialKind::Secret,
        Credential::Federated => CredentialKind::Federated { issuer: aws.token_issuer().await? },
    };
    let entra = EntraSide::connect()?;
    let choices =
        SignInChoices { tenant: options.tenant.as_deref(), client: options.sign_in_client.as_deref() };
    let administration = entra.administration(sign_in::to_set_up(&entra, choices).await?);
    let tenant = administration.tenant().await?;
    check_tenant(&tenant, options)?;
    let wanted = Wanted {
        service_provider: provider,
        name: options.name.clone(),
        portal_url: options.portal_url.clone(),
        notify: options.notify.clone(),
        stack: options.stack.clone(),
        parameters: parameters(&instance, &caller, &entra),
        account: caller.account,
        partition: caller.partition,
        credential,
        region,
        tenant: tenant.id.to_string(),
    };
    Ok(Sides { administration, entra, aws, tenant, wanted, holder: None })
}

fn service_provider(file: &Path) -> anyhow::Result<ServiceProvider> {
    let document =
        std::fs::read(file).with_context(|| format!("{} cannot be read: {DOWNLOAD}", file.display()))?;
    service_provider::read(&document)
        .with_context(|| format!("{} is not what --aws-metadata takes; {DOWNLOAD}", file.display()))
}

fn check_addresses(options: &SetupOptions) -> anyhow::Result<()> {
    if let Some(portal) = &options.portal_url {
        let is_https = url::Url::parse(portal).is_ok_and(|url| url.scheme() == "https" && url.has_host());
        ensure!(
            is_https,
            "--portal-url {portal} is no https address: it is the \"AWS access portal URL\" under Settings in the console of \
             IAM Identity Center, such as https://d-1234567890.awsapps.com/start"
        );
    }
    for address in &options.notify {
        let is_address =
            address.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
        ensure!(is_address, "--notify {address} is no mail address");
    }
    ensure!(options.notify.len() <= 5, "Entra ID tells at most five addresses: name fewer with --notify");
    let letters = options.stack.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let starts = options.stack.starts_with(|c: char| c.is_ascii_alphabetic());
    // The longest role name has 64 characters, and the longest function's name 13 with its hyphen.
    ensure!(
        letters && starts && options.stack.len() <= 50,
        "--stack {} cannot name a stack here: use at most 50 letters, digits and hyphens, beginning with a letter",
        options.stack
    );
    Ok(())
}

/// The instance that the metadata is of.
async fn instance(
    aws: &AwsSide,
    provider: &ServiceProvider,
    caller: &Caller,
) -> anyhow::Result<InstanceFound> {
    let region = aws.region();
    let instances = aws.instances().await?;
    let found = match &provider.identity_store {
        Some(store) => instances.into_iter().find(|instance| instance.identity_store == *store),
        None => {
            let mut all = instances.into_iter();
            all.next().filter(|_| all.next().is_none())
        }
    };
    let found = found.with_context(|| {
        format!(
            "account {} has no such instance of IAM Identity Center in {region}: use credentials of the management account or \
             of Identity Center's delegated administrator, set AWS_REGION to its primary Region, and download the service \
             provider metadata there",
            caller.account
        )
    })?;
    if let Some(primary) = found.primary_region.as_ref().filter(|primary| **primary != region) {
        bail!(
            "Identity Center takes writes in {primary} only, and AWS_REGION is {region}: set AWS_REGION={primary}"
        );
    }
    Ok(found)
}

fn check_tenant(tenant: &TenantName, options: &SetupOptions) -> anyhow::Result<()> {
    let named = options.tenant.as_deref().filter(|named| uuid::Uuid::try_parse(named).is_ok());
    let is_it = named.is_none_or(|named| named.eq_ignore_ascii_case(tenant.id.as_str()));
    ensure!(
        is_it,
        "you are signed in to the tenant {} ({}), and --tenant names another one: sign in there, or correct --tenant",
        tenant.display_name,
        tenant.id
    );
    Ok(())
}

/// What the deployment is told whatever is found in Entra ID.
fn parameters(instance: &InstanceFound, caller: &Caller, entra: &EntraSide) -> BTreeMap<String, String> {
    let owner = if instance.owner == caller.account { "" } else { instance.owner.as_str() };
    let mut parameters = BTreeMap::from([
        ("IdentityStoreId".to_owned(), instance.identity_store.clone()),
        ("IdentityStoreAccountId".to_owned(), owner.to_owned()),
    ]);
    if !entra.endpoints.are_global() {
        parameters.insert("GraphEndpoint".to_owned(), entra.endpoints.graph.clone());
        parameters.insert("LoginEndpoint".to_owned(), entra.endpoints.login.clone());
    }
    parameters
}
