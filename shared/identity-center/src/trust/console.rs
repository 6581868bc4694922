//! The API of Identity Center's own console, which AWS does not document: who wants it has to say so.

use super::console_answers::{Certificates, Configurations, Deleted, HeldCertificate, Imported};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use engine::ports::{CallError, Cause, Clock};
use planning::rotation::Listed;
use serde_json::json;
use std::sync::Arc;

/// The only use that a certificate has.
const USE: &str = "SIGNING";

/// What may be done through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleAccess {
    /// Read what is trusted.
    Read,
    /// Import, too.
    Import,
    /// Remove, too.
    Full,
}

/// The API around one directory (the identity store's id).
#[derive(Clone)]
pub struct ConsoleApi {
    pub(super) connector: SharedHttpConnector,
    pub(super) credentials: SharedCredentialsProvider,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) endpoint: String,
    pub(super) region: String,
    pub(super) directory_id: String,
}

impl ConsoleApi {
    /// The API in Identity Center's primary Region; `endpoint` only for another place than AWS.
    pub fn new(
        connector: SharedHttpConnector,
        credentials: SharedCredentialsProvider,
        clock: Arc<dyn Clock>,
        region: &str,
        directory_id: &str,
        endpoint: Option<String>,
    ) -> Self {
        let endpoint =
            endpoint.unwrap_or_else(|| format!("https://auth-control.{region}.prod.apps-auth.aws.a2z.com/"));
        Self {
            connector,
            credentials,
            clock,
            endpoint,
            region: region.to_owned(),
            directory_id: directory_id.to_owned(),
        }
    }

    /// The identity provider, which must be enabled and of this tenant.
    pub(super) async fn identity_provider(&self, entity_id: &str) -> Result<String, CallError> {
        const OPERATION: &str = "ListExternalIdPConfigurationsForDirectory";
        let input = json!({"directoryId": self.directory_id});
        let answer: Configurations = self.call(OPERATION, &input).await?;
        let is_ours = |found: &&super::console_answers::Association| {
            found.is_enabled && found.saml.as_ref().is_some_and(|saml| saml.config.entity_id == entity_id)
        };
        let mut ours = answer.associations.iter().filter(is_ours);
        match (ours.next(), ours.next()) {
            (Some(only), None) => Ok(only.idp_id.clone()),
            _ => Err(self.lacks(
                OPERATION,
                "Identity Center has not exactly one identity provider with the entityID of ENTRA_TENANT_ID: check its \
                 identity source",
            )),
        }
    }

    pub(super) async fn certificates(&self, idp: &str) -> Result<Vec<Listed>, CallError> {
        const OPERATION: &str = "ListExternalIdPCertificates";
        let input = json!({"idpId": idp, "directoryId": self.directory_id});
        let answer: Certificates = self.call(OPERATION, &input).await?;
        let listed: Option<Vec<Listed>> = answer.certificates.iter().map(HeldCertificate::listed).collect();
        listed.ok_or_else(|| self.lacks(OPERATION, "the list holds something that is no certificate"))
    }

    pub(super) async fn import(&self, idp: &str, pem: &str) -> Result<(), CallError> {
        let input = json!({
            "idpId": idp, "directoryId": self.directory_id, "x509CertificateInPEM": pem, "certificateUse": USE,
        });
        self.call::<Imported>("ImportExternalIdPCertificate", &input).await.map(|_| ())
    }

    pub(super) async fn delete(&self, idp: &str, certificate: &str) -> Result<(), CallError> {
        let input = json!({"idpId": idp, "directoryId": self.directory_id, "certificateId": certificate});
        self.call::<Deleted>("DeleteExternalIdPCertificate", &input).await.map(|_| ())
    }

    fn lacks(&self, operation: &str, missing: &str) -> CallError {
        CallError::new(operation, &self.directory_id, Cause::Incomplete { missing: missing.to_owned() })
    }
}
