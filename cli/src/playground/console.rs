//! A person at the console of IAM Identity Center, where AWS has no API for what has to be done.

use super::text;
use anyhow::ensure;
use reqwest::Client;
use serde_json::{Value, json};

/// The console's own calls, which the browser makes; the sandbox does not count them as the product's.
#[derive(Debug, Clone)]
pub struct Console {
    http: Client,
    control: String,
    address: String,
    region: String,
    identity_store: String,
}

impl Console {
    /// Of the sandbox with these addresses.
    pub fn of(addresses: &Value) -> Self {
        Self {
            http: Client::new(),
            control: text(addresses, "control"),
            address: text(addresses, "aws"),
            region: text(addresses, "region"),
            identity_store: text(addresses, "identity_store_id"),
        }
    }

    /// "Download metadata file": the service provider metadata.
    ///
    /// # Errors
    /// When the sandbox refuses it.
    pub async fn service_provider_metadata(&self) -> anyhow::Result<String> {
        let answer = self.http.get(format!("{}/aws-metadata", self.control)).send().await?;
        Ok(String::from_utf8(answer.error_for_status()?.bytes().await?.to_vec())?)
    }

    /// "Change identity source": the identity provider that this federation metadata describes, with this certificate.
    ///
    /// # Errors
    /// When the metadata is none, or the sandbox refuses it.
    pub async fn change_identity_source(
        &self,
        metadata: &str,
        certificate: &str,
        tenant: &str,
    ) -> anyhow::Result<()> {
        let read = engine::rotation::metadata::read(metadata.as_bytes())?;
        let login_url = format!("https://login.microsoftonline.com/{tenant}/saml2");
        let saml = json!({"idpConfig": {"entityId": read.reading.entity_id, "loginURL": login_url},
                          "idpCertificate": certificate});
        let input = json!({"directoryId": self.identity_store, "samlConfiguration": saml});
        self.call("CreateExternalIdPConfigurationForDirectory", input).await
    }

    async fn call(&self, operation: &str, input: Value) -> anyhow::Result<()> {
        let scope = format!("Credential=AKIDPERSON/20261102/{}/appsauth/aws4_request", self.region);
        let request = self
            .http
            .post(&self.address)
            .body(input.to_string())
            .header(sandbox::DRIVER_HEADER, "1")
            .header("x-amz-date", "20261102T080000Z")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AppsAuthControlPlaneService.{operation}"))
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"));
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        ensure!(status.is_success(), "{operation}: {status} {}", String::from_utf8_lossy(&bytes));
        Ok(())
    }
}
