//! The shapes of the operations' inputs (model of the console, 2018-10-25). Members that a shape does not have are
//! refused.

use crate::iam_identity_center::answer::Failure;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An input that names the directory alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DirectoryInput {
    pub directory_id: String,
}

/// An input that names an identity provider.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct IdpInput {
    pub idp_id: String,
    pub directory_id: String,
}

/// The input of ImportExternalIdPCertificate.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImportInput {
    pub idp_id: String,
    pub directory_id: String,
    #[serde(rename = "x509CertificateInPEM")]
    pub pem: String,
    pub certificate_use: String,
}

/// The input of DeleteExternalIdPCertificate.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeleteInput {
    pub idp_id: String,
    pub directory_id: String,
    pub certificate_id: String,
}

/// The input of UpdateExternalIdPConfigurationForDirectory, as far as it is about SAML.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UpdateInput {
    pub idp_id: String,
    pub directory_id: String,
    #[serde(rename = "idpSAMLConfig")]
    pub saml: Option<SamlConfig>,
}

/// Where the identity provider is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SamlConfig {
    pub entity_id: String,
    #[serde(rename = "loginURL")]
    pub login_url: String,
    pub want_request_signed: Option<bool>,
}

/// The input of CreateExternalIdPConfigurationForDirectory, with its own certificate.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateInput {
    pub directory_id: String,
    pub saml_configuration: SamlConfiguration,
}

/// An identity provider and its first certificate. Metadata in place of both is not offered here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SamlConfiguration {
    pub idp_config: SamlConfig,
    pub idp_certificate: String,
}

/// Reads a body. Its values do not stand in the refusal.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let value: serde_json::Value = serde_json::from_slice(body)
        .map_err(|_| Failure::Serialization("the body is no JSON object".to_owned()))?;
    serde_json::from_value(value).map_err(|_| {
        Failure::Validation(
            "a member is missing, unknown, or of another type than the operation's shape says".to_owned(),
        )
    })
}
