//! The association of a directory with its external identity provider.

use super::inputs::{CreateInput, DirectoryInput, UpdateInput, read};
use super::{Configuration, ExternalIdp, Trusted};
use crate::iam_identity_center::answer::Failure;
use jiff::Timestamp;
use serde_json::{Value, json};

/// What the status of a certificate says is not known: callers take it as it is.
const STATUS: &str = "ACTIVE";

impl ExternalIdp {
    pub(super) fn list_configurations(&self, body: &[u8]) -> Result<Value, Failure> {
        let input: DirectoryInput = read(body)?;
        self.check_directory(&input.directory_id)?;
        let associations: Vec<Value> = self.configuration.iter().map(association).collect();
        Ok(json!({"associations": associations}))
    }

    /// A directory has one external identity provider at most.
    pub(super) fn create_configuration(&mut self, now: Timestamp, body: &[u8]) -> Result<Value, Failure> {
        let input: CreateInput = read(body)?;
        self.check_directory(&input.directory_id)?;
        if self.configuration.is_some() {
            return Err(Failure::taken("The directory has an external identity provider already"));
        }
        let certificate = self.usable(now, &input.saml_configuration.idp_certificate)?;
        let id = self.ids.uuid().to_string();
        let config = input.saml_configuration.idp_config;
        let configuration = self.configured(&config.entity_id, &config.login_url);
        configuration.want_request_signed = config.want_request_signed;
        configuration.certificates.push(Trusted { id: id.clone(), certificate });
        let idp_id = configuration.idp_id.clone();
        let service_provider = self.service_provider_config();
        Ok(
            json!({"idpId": idp_id, "idpCertificateId": id, "idpCertificateIds": [id], "awsSPSAMLConfig": service_provider}),
        )
    }

    pub(super) fn update_configuration(&mut self, body: &[u8]) -> Result<Value, Failure> {
        let input: UpdateInput = read(body)?;
        let configuration = self.named(&input.directory_id, &input.idp_id)?;
        if let Some(saml) = input.saml {
            configuration.entity_id = saml.entity_id;
            configuration.login_url = saml.login_url;
            configuration.want_request_signed = saml.want_request_signed;
        }
        Ok(json!({}))
    }

    pub(super) fn service_provider(&self, body: &[u8]) -> Result<Value, Failure> {
        let input: DirectoryInput = read(body)?;
        self.check_directory(&input.directory_id)?;
        Ok(
            json!({"awsSPSAMLConfig": self.service_provider_config(), "awsSPCertificateIds": [], "awsSPOIDCConfig": {}}),
        )
    }

    fn service_provider_config(&self) -> Value {
        json!({"issuer": self.issuer(), "acsURL": self.acs(), "metadata": self.service_provider_metadata()})
    }

    fn acs(&self) -> String {
        format!("https://{}.signin.aws/platform/saml/acs/{}", self.region, self.directory_id)
    }

    /// What the console offers as "Service provider metadata".
    pub fn service_provider_metadata(&self) -> String {
        format!(
            "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{}\"><SPSSODescriptor \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><AssertionConsumerService \
             Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{}\" index=\"0\">\
             </AssertionConsumerService></SPSSODescriptor></EntityDescriptor>",
            self.issuer(),
            self.acs()
        )
    }
}

/// The certificates stand in two places.
fn association(configuration: &Configuration) -> Value {
    let certificates: Vec<Value> = configuration
        .certificates
        .iter()
        .map(|held| json!({"certificateId": held.id, "status": STATUS}))
        .collect();
    let mut config = json!({"entityId": configuration.entity_id, "loginURL": configuration.login_url});
    if let Some(signed) = configuration.want_request_signed {
        config["wantRequestSigned"] = json!(signed);
    }
    json!({
        "idpId": configuration.idp_id,
        "isEnabled": true,
        "idpSAMLAssociationValue": {"idpSAMLConfig": config, "idpCertificateIds": certificates},
        "idpSAMLConfig": config,
        "idpCertificateIds": certificates,
    })
}
