//! A SAML provider of IAM, in this account or in one whose role is assumed. Its document is replaced as a whole.

use super::saml_document::with_keys;
use super::saml_failure::cause;
use async_trait::async_trait;
use aws_sdk_iam::Client;
use engine::ports::{CallError, Cause};
use engine::rotation::metadata::{Metadata, SigningKey, UnusableMetadata, signing_keys};
use engine::rotation::ports::TrustTarget;
use engine::rotation::x509::ReadCertificate;
use planning::rotation::{
    Certificate, ForeignProvider, Listed, ListedId, Sha256Fingerprint, Target, TargetId,
};
use std::collections::BTreeSet;

const GET: &str = "iam:GetSAMLProvider";
const UPDATE: &str = "iam:UpdateSAMLProvider";

/// One provider.
#[derive(Debug, Clone)]
pub struct SamlProviderTarget {
    client: Client,
    id: TargetId,
    kind: Target,
}

impl SamlProviderTarget {
    /// The provider of this ARN, which the client's credentials may read and update.
    ///
    /// # Errors
    /// When Identity Center made it for itself.
    pub fn new(client: Client, arn: &str) -> Result<Self, ForeignProvider> {
        let (id, kind) = Target::iam_saml_provider(arn)?;
        Ok(Self { client, id, kind })
    }

    /// The document and its keys.
    async fn read(&self) -> Result<(String, Vec<SigningKey>), CallError> {
        let answer = self.client.get_saml_provider().saml_provider_arn(&self.id.0).send().await;
        let answer = answer.map_err(|error| self.failed(GET, cause(GET, &error)))?;
        let document = answer.saml_metadata_document.unwrap_or_default();
        let keys = signing_keys(&document).map_err(|why| self.unusable(GET, why))?;
        Ok((document, keys))
    }

    async fn replace(&self, document: String) -> Result<(), CallError> {
        let request = self.client.update_saml_provider().saml_provider_arn(&self.id.0);
        let answer = request.saml_metadata_document(document).send().await;
        answer.map(|_| ()).map_err(|error| self.failed(UPDATE, cause(UPDATE, &error)))
    }

    fn unusable(&self, operation: &str, why: UnusableMetadata) -> CallError {
        self.failed(
            operation,
            Cause::Incomplete { missing: format!("{why}: look at the provider's document") },
        )
    }

    fn failed(&self, operation: &str, cause: Cause) -> CallError {
        CallError::new(operation, &self.id, cause)
    }
}

#[async_trait]
impl TrustTarget for SamlProviderTarget {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn capabilities(&self) -> Target {
        self.kind
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        let (_, keys) = self.read().await?;
        let listed = |key: SigningKey| {
            let ReadCertificate { sha256, not_after, .. } = key.certificate;
            Listed { id: ListedId(sha256.to_string()), sha256, not_after }
        };
        Ok(keys.into_iter().map(listed).collect())
    }

    /// Puts the application's present metadata in place, with what the provider trusts by now and the new certificate:
    /// nothing else that the metadata holds, and all of what it lacks.
    async fn import(&self, certificate: &Certificate, metadata: &Metadata) -> Result<(), CallError> {
        let (_, keys) = self.read().await?;
        if keys.iter().any(|key| key.certificate.sha256 == certificate.sha256) {
            return Ok(());
        }
        let trusted: Vec<ReadCertificate> = keys.into_iter().map(|key| key.certificate).collect();
        let mut keep: BTreeSet<Sha256Fingerprint> = trusted.iter().map(|found| found.sha256).collect();
        keep.insert(certificate.sha256);
        if !metadata.reading.certificates.contains(&certificate.sha256) {
            let missing = "the metadata does not hold the certificate".to_owned();
            return Err(self.failed(UPDATE, Cause::Incomplete { missing }));
        }
        let document = with_keys(&metadata.document, &keep, &trusted);
        self.replace(document.map_err(|why| self.unusable(UPDATE, why))?).await
    }

    async fn remove(&self, _: &ListedId, certificate: Sha256Fingerprint) -> Result<(), CallError> {
        let (document, keys) = self.read().await?;
        let all: BTreeSet<Sha256Fingerprint> = keys.iter().map(|key| key.certificate.sha256).collect();
        let keep: BTreeSet<Sha256Fingerprint> =
            all.iter().filter(|found| **found != certificate).copied().collect();
        if keep.len() == all.len() {
            return Ok(());
        }
        let document = with_keys(&document, &keep, &[]);
        self.replace(document.map_err(|why| self.unusable(UPDATE, why))?).await
    }
}
