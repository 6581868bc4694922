//! The client of Microsoft Graph, with its credential.

use crate::clock::SystemClock;
use crate::configuration::GraphConfiguration;
use crate::http::SharedHttp;
use crate::secrets::{EntraSecret, Secret};
use aws_config::SdkConfig;
use engine::budget::Budget;
use entra::{ClientSecretCredential, GraphClient, GraphDirectory};
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

/// The client with the app registration's client secret, which Secrets Manager holds.
pub(crate) fn client(
    configuration: &GraphConfiguration,
    http: &SharedHttp,
    aws: &SdkConfig,
    budget: Budget,
) -> GraphClient {
    let secrets = aws_sdk_secretsmanager::Client::new(aws);
    let secret = EntraSecret(Secret::new(secrets, configuration.credential_secret.clone()));
    let transport = Arc::new(http.clone());
    let credential = ClientSecretCredential::new(
        transport.clone(),
        &configuration.login_endpoint,
        &configuration.tenant_id,
        &configuration.client_id,
        Arc::new(secret),
    );
    GraphClient::new(
        transport,
        Arc::new(credential),
        configuration.graph_endpoint.clone(),
        Arc::new(SystemClock),
        budget,
    )
}
