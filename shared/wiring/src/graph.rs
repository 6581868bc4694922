//! The client of Microsoft Graph, with its credential.

use crate::clock::SystemClock;
use crate::configuration::GraphConfiguration;
use crate::http::SharedHttp;
use crate::secrets::{EntraSecret, Secret};
use crate::web_identity::WebIdentity;
use aws_config::SdkConfig;
use engine::budget::Budget;
use entra::{AppCredential, Credential, GraphClient, GraphDirectory, ProofSource};
use std::sync::Arc;

/// Reads Entra ID around the enterprise application.
pub(crate) fn directory(
    configuration: &GraphConfiguration,
    http: &SharedHttp,
    aws: &SdkConfig,
    budget: Budget,
) -> GraphDirectory {
    GraphDirectory::new(
        client(configuration, http, aws, budget),
        configuration.service_principal_id.clone(),
        configuration.flatten_nested_groups,
    )
}

/// The client, which signs in as the app registration.
pub(crate) fn client(
    configuration: &GraphConfiguration,
    http: &SharedHttp,
    aws: &SdkConfig,
    budget: Budget,
) -> GraphClient {
    client_with(credential(configuration, http, aws), configuration, http, budget)
}

/// The client with another credential.
pub(crate) fn client_with(
    credential: Arc<dyn Credential>,
    configuration: &GraphConfiguration,
    http: &SharedHttp,
    budget: Budget,
) -> GraphClient {
    let endpoint = configuration.graph_endpoint.clone();
    GraphClient::new(Arc::new(http.clone()), credential, endpoint, Arc::new(SystemClock), budget)
}

/// The app registration: with AWS's own word for the role that calls, unless a secret is named.
pub(crate) fn credential(
    configuration: &GraphConfiguration,
    http: &SharedHttp,
    aws: &SdkConfig,
) -> Arc<dyn Credential> {
    let proof: Arc<dyn ProofSource> = match &configuration.credential_secret {
        Some(secret) => {
            let secrets = aws_sdk_secretsmanager::Client::new(aws);
            Arc::new(EntraSecret(Secret::new(secrets, secret.clone())))
        }
        None => Arc::new(WebIdentity::new(aws)),
    };
    Arc::new(AppCredential::new(
        Arc::new(http.clone()),
        &configuration.login_endpoint,
        &configuration.tenant_id,
        &configuration.client_id,
        proof,
    ))
}
