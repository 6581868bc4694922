//! The signing certificates of the enterprise application, behind the engine's port (Graph: servicePrincipal,
//! `addTokenSigningCertificate`).

use crate::answer::{Purpose, decode};
use crate::client::{GraphClient, error};
use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use engine::rotation::ports::SigningCertificates;
use engine::rotation::x509::ReadCertificate;
use planning::EntraObjectId;
use planning::rotation::{Certificate, GraphReading, KeyId, Sha1Thumbprint, Sha256Fingerprint};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The least permission that lets the rotator change its own application's certificates; it has to be an owner, too.
const PERMISSION: &str = "Application.ReadWrite.OwnedBy";
/// Graph shows a key's material only where `keyCredentials` is selected by name.
pub(crate) const KEYS: &str = "keyCredentials,preferredTokenSigningKeyThumbprint";
const EVERYTHING: &str = "keyCredentials,passwordCredentials";

/// The certificates of one enterprise application.
#[derive(Clone)]
pub struct GraphSigningCertificates {
    client: GraphClient,
    service_principal: EntraObjectId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServicePrincipal {
    key_credentials: Vec<KeyCredential>,
    preferred_token_signing_key_thumbprint: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyCredential {
    key_id: String,
    #[serde(rename = "type")]
    kind: String,
    usage: String,
    display_name: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AllCredentials {
    key_credentials: Vec<Value>,
    password_credentials: Vec<Value>,
}

impl GraphSigningCertificates {
    /// Of the servicePrincipal with this object id.
    pub fn new(client: GraphClient, service_principal: EntraObjectId) -> Self {
        Self { client, service_principal }
    }

    fn path(&self) -> String {
        format!("/servicePrincipals/{}", self.service_principal)
    }

    fn purpose(&self, operation: &'static str) -> Purpose<'_> {
        Purpose { operation, object: self.service_principal.as_str(), permission: PERMISSION }
    }

    async fn change(&self, body: Value) -> Result<(), CallError> {
        let purpose = self.purpose("PATCH /servicePrincipals/{id}");
        self.client.patch(&self.path(), Bytes::from(body.to_string()), purpose).await
    }
}

#[async_trait]
impl SigningCertificates for GraphSigningCertificates {
    async fn list(&self) -> Result<GraphReading, CallError> {
        let purpose = self.purpose("GET /servicePrincipals/{id}");
        let read: ServicePrincipal =
            self.client.get(&format!("{}?$select={KEYS}", self.path()), purpose).await?;
        reading(read, purpose)
    }

    async fn add(&self, display_name: &str) -> Result<(), CallError> {
        let path = format!("{}/addTokenSigningCertificate", self.path());
        // Without an end it is valid for three years, the longest that Graph takes.
        let body = json!({"displayName": display_name}).to_string();
        let purpose = self.purpose("POST /servicePrincipals/{id}/addTokenSigningCertificate");
        self.client.post_once(&path, Bytes::from(body), purpose).await
    }

    async fn prefer(&self, thumbprint: Sha1Thumbprint) -> Result<(), CallError> {
        self.change(json!({"preferredTokenSigningKeyThumbprint": thumbprint.to_string()})).await
    }

    /// There is no API that removes one: both arrays are written without it (removeKey fails).
    async fn remove(&self, certificate: Sha256Fingerprint) -> Result<(), CallError> {
        let purpose = self.purpose("GET /servicePrincipals/{id}");
        let read: AllCredentials =
            self.client.get(&format!("{}?$select={EVERYTHING}", self.path()), purpose).await?;
        let is_its = |key: &&Value| {
            let material = key["key"].as_str().and_then(|key| ReadCertificate::from_base64(key).ok());
            material.is_some_and(|found| found.sha256 == certificate)
        };
        let Some(identifier) =
            read.key_credentials.iter().find(is_its).map(|key| &key["customKeyIdentifier"])
        else {
            return Ok(());
        };
        if !identifier.is_string() {
            return Err(lacking(purpose, "the certificate has no customKeyIdentifier that its keys share"));
        }
        let without = |credentials: &[Value]| -> Vec<Value> {
            let kept = credentials.iter().filter(|entry| entry["customKeyIdentifier"] != *identifier);
            kept.cloned().collect()
        };
        self.change(json!({
            "keyCredentials": without(&read.key_credentials),
            "passwordCredentials": without(&read.password_credentials),
        }))
        .await
    }
}

/// The certificates in the answer to a GET of a servicePrincipal that selects [`KEYS`].
pub(crate) fn signing_certificates(
    body: &Bytes,
    operation: &'static str,
    object: &str,
) -> Result<GraphReading, CallError> {
    let purpose = Purpose { operation, object, permission: PERMISSION };
    reading(decode(body).map_err(|cause| error(purpose, cause))?, purpose)
}

fn reading(read: ServicePrincipal, purpose: Purpose<'_>) -> Result<GraphReading, CallError> {
    let preferred = read.preferred_token_signing_key_thumbprint.filter(|text| !text.is_empty());
    let preferred = preferred.map(|text| Sha1Thumbprint::parse(&text)).transpose();
    let preferred =
        preferred.map_err(|_| lacking(purpose, "preferredTokenSigningKeyThumbprint is no thumbprint"))?;
    // Each certificate has two keys; the one that signs never leaves Entra ID.
    let verifying = read.key_credentials.iter().filter(|key| key.usage.eq_ignore_ascii_case("verify"));
    let mut certificates = BTreeMap::new();
    for key in verifying.filter(|key| key.kind == "AsymmetricX509Cert") {
        let certificate = certificate(key)
            .ok_or_else(|| lacking(purpose, "a key that verifies has no material, or is no certificate"))?;
        certificates.insert(certificate.sha256, certificate);
    }
    Ok(GraphReading { preferred, certificates: certificates.into_values().collect() })
}

fn certificate(key: &KeyCredential) -> Option<Certificate> {
    let read = ReadCertificate::from_base64(key.key.as_deref()?).ok()?;
    Some(Certificate {
        sha256: read.sha256,
        sha1: read.sha1,
        key_id: KeyId(key.key_id.clone()),
        display_name: key.display_name.clone().unwrap_or_default(),
        not_before: read.not_before,
        not_after: read.not_after,
        pem: read.pem,
    })
}

fn lacking(purpose: Purpose<'_>, missing: &str) -> CallError {
    error(purpose, Cause::Incomplete { missing: missing.to_owned() })
}
