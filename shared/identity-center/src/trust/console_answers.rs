//! The shapes of the console API's answers (model of the console, 2018-10-25). A member that is missing is a surprise.

use engine::rotation::x509::ReadCertificate;
use planning::rotation::{Listed, ListedId};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Of ListExternalIdPConfigurationsForDirectory.
#[derive(Deserialize)]
pub(super) struct Configurations {
    pub associations: Vec<Association>,
}

/// A directory's association with an identity provider.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Association {
    pub idp_id: String,
    pub is_enabled: bool,
    #[serde(rename = "idpSAMLAssociationValue")]
    pub saml: Option<SamlAssociation>,
}

#[derive(Deserialize)]
pub(super) struct SamlAssociation {
    #[serde(rename = "idpSAMLConfig")]
    pub config: SamlConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SamlConfig {
    pub entity_id: String,
    #[serde(rename = "loginURL")]
    _login_url: IgnoredAny,
}

/// Of ListExternalIdPCertificates.
#[derive(Deserialize)]
pub(super) struct Certificates {
    #[serde(rename = "idPCertificates")]
    pub certificates: Vec<HeldCertificate>,
}

/// A certificate that vouches for sign-ins.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldCertificate {
    certificate_id: String,
    #[serde(rename = "x509CertificateInPEM")]
    pem: String,
    #[serde(rename = "serialNumber")]
    _serial_number: IgnoredAny,
    #[serde(rename = "notBefore")]
    _not_before: IgnoredAny,
    #[serde(rename = "notAfter")]
    _not_after: IgnoredAny,
    #[serde(rename = "version")]
    _version: IgnoredAny,
}

/// Of ImportExternalIdPCertificate.
#[derive(Deserialize)]
pub(super) struct Imported {
    #[serde(rename = "certificateId")]
    _certificate_id: String,
}

/// Of DeleteExternalIdPCertificate: an object without members.
#[derive(Deserialize)]
pub(super) struct Deleted {}

impl HeldCertificate {
    /// The certificate by what it is: all that the answer says of it besides could be wrong. `None` if there is none.
    pub fn listed(&self) -> Option<Listed> {
        let read = ReadCertificate::from_pem(&self.pem).ok()?;
        let id = ListedId(self.certificate_id.clone());
        Some(Listed { id, sha256: read.sha256, not_after: read.not_after })
    }
}
