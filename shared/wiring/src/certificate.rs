//! Puts the certificate function together.

use crate::certificate_configuration::{CertificateConfiguration, account_of};
use crate::clock::SystemClock;
use crate::http::SharedHttp;
use crate::telemetry::LambdaTelemetry;
use crate::{aws, budgets, graph};
use anyhow::Context;
use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_types::service_config::ServiceConfigKey;
use engine::rotation::Rotator;
use engine::rotation::ports::TrustTarget;
use entra::{GraphSigningCertificates, LoginMetadata};
use identity_center::trust::{ConsoleApi, ConsoleTarget, ManualTarget, SamlProviderTarget};
use ledger::{DynamoLedger, SecretPublication, SnsPeople};
use planning::rotation::{Policy, Target, TargetId, entity_id};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Names our sessions in CloudTrail of other accounts.
const SESSION: &str = "entra-mirror-certificate";

/// Connects the rotation to Entra ID, its targets, the ledger and people.
///
/// # Errors
/// When TLS cannot be set up, or a part of the configuration does not fit another.
pub async fn assemble(
    configuration: CertificateConfiguration,
    telemetry: Arc<LambdaTelemetry>,
) -> anyhow::Result<Rotator> {
    let http = SharedHttp::new()?;
    let aws = aws::configuration(http.clone()).await;
    let ledger =
        Arc::new(DynamoLedger::new(aws_sdk_dynamodb::Client::new(&aws), configuration.ledger_table.clone()));
    let units = budgets::graph_of_certificate().reporting_to(telemetry.clone());
    let client = graph::client(&configuration.graph, &http, &aws, units);
    let login = &configuration.graph;
    let (endpoint, tenant, application) =
        (&login.login_endpoint, &login.tenant_id, &configuration.application_id);
    let targets = targets(&configuration, &http, &aws, &ledger).await?;
    Ok(Rotator {
        certificates: Arc::new(GraphSigningCertificates::new(client, login.service_principal_id.clone())),
        metadata: Arc::new(LoginMetadata::new(Arc::new(http.clone()), endpoint, tenant, application)),
        metadata_url: LoginMetadata::address(endpoint, tenant, application),
        policy: policy(&configuration, &targets)?,
        targets,
        ledger: ledger.clone(),
        desk: ledger.clone(),
        evidence: ledger,
        publication: Arc::new(SecretPublication::new(
            aws_sdk_secretsmanager::Client::new(&aws),
            configuration.certificate_secret,
        )),
        people: Arc::new(SnsPeople::new(aws_sdk_sns::Client::new(&aws), configuration.notice_topic)),
        clock: Arc::new(SystemClock),
        telemetry,
    })
}

fn policy(
    configuration: &CertificateConfiguration,
    targets: &[Arc<dyn TrustTarget>],
) -> anyhow::Result<Policy> {
    let kinds: BTreeMap<TargetId, Target> =
        targets.iter().map(|target| (target.id().clone(), target.capabilities())).collect();
    let chosen = configuration.policy;
    let tenant = tenant(configuration)?;
    Ok(Policy {
        lead_time: chosen.lead_time,
        soak: chosen.soak,
        window: chosen.window,
        retirement: chosen.retirement,
        retire_after: chosen.retire_after,
        ..Policy::new(chosen.mode, tenant, kinds)
    })
}

fn tenant(configuration: &CertificateConfiguration) -> anyhow::Result<Uuid> {
    Uuid::parse_str(configuration.graph.tenant_id.as_str()).context("ENTRA_TENANT_ID is no GUID")
}

async fn targets(
    configuration: &CertificateConfiguration,
    http: &SharedHttp,
    aws: &SdkConfig,
    ledger: &Arc<DynamoLedger>,
) -> anyhow::Result<Vec<Arc<dyn TrustTarget>>> {
    let mut targets: Vec<Arc<dyn TrustTarget>> = vec![match configuration.console {
        None => Arc::new(ManualTarget::default()),
        Some(access) => {
            let api = console_api(configuration, http, aws)?;
            let entity_id = entity_id(tenant(configuration)?);
            Arc::new(ConsoleTarget::new(api, access, entity_id, ledger.clone()))
        }
    }];
    for arn in &configuration.saml_providers {
        let client = iam(configuration, aws, arn).await?;
        targets.push(Arc::new(SamlProviderTarget::new(client, arn)?));
    }
    Ok(targets)
}

/// The console's API in this Region; `AWS_ENDPOINT_URL_APPSAUTH` puts something else in its place, as for any service.
fn console_api(
    configuration: &CertificateConfiguration,
    http: &SharedHttp,
    aws: &SdkConfig,
) -> anyhow::Result<ConsoleApi> {
    let region = aws.region().context("no AWS Region is set: set AWS_REGION")?;
    let credentials = aws.credentials_provider().context("no AWS credentials are configured")?;
    let key = ServiceConfigKey::builder()
        .service_id("AppsAuth")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let endpoint = key.ok().and_then(|key| aws.service_config()?.load_config(key));
    Ok(ConsoleApi::new(
        http.connector(),
        credentials,
        Arc::new(SystemClock),
        region.as_ref(),
        &configuration.identity_store_id,
        endpoint,
    ))
}

/// IAM in the provider's account.
async fn iam(
    configuration: &CertificateConfiguration,
    aws: &SdkConfig,
    arn: &str,
) -> anyhow::Result<aws_sdk_iam::Client> {
    let account = account_of(arn).context("SAML_PROVIDERS names no SAML provider")?;
    if account == configuration.account_id {
        return Ok(aws_sdk_iam::Client::new(aws));
    }
    let role = configuration.saml_provider_role.as_deref().with_context(|| {
        format!("SAML_PROVIDERS names a provider of the account {account}: name the role to assume there in SAML_PROVIDER_ROLE")
    })?;
    let partition = arn.split(':').nth(1).unwrap_or("aws");
    let role = format!("arn:{partition}:iam::{account}:role/{role}");
    let assumed = AssumeRoleProvider::builder(role).session_name(SESSION).configure(aws).build().await;
    let config = aws_sdk_iam::config::Builder::from(aws).credentials_provider(assumed);
    Ok(aws_sdk_iam::Client::from_conf(config.build()))
}
