//! The external identity provider of Identity Center and its certificates: the console's own API, which no SDK has
//! and no documentation describes (JSON 1.0, target prefix `AppsAuthControlPlaneService`, signing name `appsauth`).

mod acceptance;
mod certificates;
mod configurations;
mod inputs;

pub use acceptance::SignInFailure;
pub(super) use acceptance::Users;

use super::IdentityCenterSettings;
use super::answer::{Failure, ResourceType};
use crate::random::Random;
use crate::x509::Certificate;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// What `X-Amz-Target` begins with.
pub(super) const TARGET_PREFIX: &str = "AppsAuthControlPlaneService";

/// What AWS does where nothing is documented.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExternalIdpBehaviour {
    /// Certificates at the same time: two, of which AWS's documentation speaks, unless told otherwise.
    pub most_certificates: usize,
    /// A certificate that is there already is taken once more, under another id; else it is a conflict.
    pub accepts_duplicates: bool,
    /// Expired certificates are not imported and vouch for nobody.
    pub enforces_expiry: bool,
}

impl Default for ExternalIdpBehaviour {
    fn default() -> Self {
        Self { most_certificates: 2, accepts_duplicates: false, enforces_expiry: true }
    }
}

/// The directory's external identity provider, if there is one.
#[derive(Debug)]
pub(super) struct ExternalIdp {
    directory_id: String,
    region: String,
    behaviour: ExternalIdpBehaviour,
    configuration: Option<Configuration>,
    ids: Random,
}

#[derive(Debug)]
struct Configuration {
    idp_id: String,
    entity_id: String,
    login_url: String,
    want_request_signed: Option<bool>,
    certificates: Vec<Trusted>,
}

/// A certificate that vouches for sign-ins from the moment it is there.
#[derive(Debug, Clone)]
struct Trusted {
    id: String,
    certificate: Certificate,
}

impl ExternalIdp {
    /// A directory without an external identity provider.
    pub fn new(settings: &IdentityCenterSettings) -> Self {
        Self {
            directory_id: settings.identity_store_id.clone(),
            region: settings.region.clone(),
            behaviour: ExternalIdpBehaviour::default(),
            configuration: None,
            ids: Random::new(settings.rng_seed, "external idp ids"),
        }
    }

    /// Sets what AWS does where nothing is documented.
    pub fn set_behaviour(&mut self, behaviour: ExternalIdpBehaviour) {
        self.behaviour = behaviour;
    }

    /// Answers one call.
    pub fn answer(&mut self, now: Timestamp, operation: &str, body: &[u8]) -> Result<Value, Failure> {
        match operation {
            "ListExternalIdPConfigurationsForDirectory" => self.list_configurations(body),
            "GetAWSSPConfigurationForDirectory" => self.service_provider(body),
            "CreateExternalIdPConfigurationForDirectory" => self.create_configuration(now, body),
            "UpdateExternalIdPConfigurationForDirectory" => self.update_configuration(body),
            "ListExternalIdPCertificates" => self.list_certificates(body),
            "ImportExternalIdPCertificate" => self.import_certificate(now, body),
            "DeleteExternalIdPCertificate" => self.delete_certificate(now, body),
            _ => Err(Failure::UnknownOperation),
        }
    }

    /// Trusts certificates as if somebody had imported them in the console: their age does not matter. Without an
    /// identity provider yet, this one becomes it.
    pub fn seed(&mut self, entity_id: &str, login_url: &str, pems: &[String]) -> Result<(), String> {
        let certificates: Result<Vec<_>, _> = pems.iter().map(|pem| Certificate::from_pem(pem)).collect();
        for certificate in certificates? {
            let id = self.ids.uuid().to_string();
            let configuration = self.configured(entity_id, login_url);
            configuration.certificates.push(Trusted { id, certificate });
        }
        Ok(())
    }

    /// The identity provider with what it is trusted by, for whoever drives the sandbox.
    pub fn state(&self) -> Value {
        let shown = |configuration: &Configuration| {
            let certificates: Vec<Value> = configuration
                .certificates
                .iter()
                .map(|held| json!({"certificateId": held.id, "thumbprint": held.certificate.thumbprint()}))
                .collect();
            json!({"idpId": configuration.idp_id, "entityId": configuration.entity_id, "certificates": certificates})
        };
        self.configuration.as_ref().map_or(Value::Null, shown)
    }

    fn configured(&mut self, entity_id: &str, login_url: &str) -> &mut Configuration {
        let ids = &mut self.ids;
        self.configuration.get_or_insert_with(|| Configuration {
            idp_id: ids.uuid().to_string(),
            entity_id: entity_id.to_owned(),
            login_url: login_url.to_owned(),
            want_request_signed: None,
            certificates: Vec::new(),
        })
    }

    /// The identity provider, if these are its ids.
    fn named(&mut self, directory_id: &str, idp_id: &str) -> Result<&mut Configuration, Failure> {
        self.check_directory(directory_id)?;
        let named = self.configuration.as_mut().filter(|configuration| configuration.idp_id == idp_id);
        named.ok_or_else(|| Failure::missing(ResourceType::ExternalIdp, &idp_id))
    }

    fn check_directory(&self, directory_id: &str) -> Result<(), Failure> {
        let ours = directory_id == self.directory_id;
        if ours { Ok(()) } else { Err(Failure::missing(ResourceType::Directory, &directory_id)) }
    }

    /// What assertions must be meant for.
    fn issuer(&self) -> String {
        format!("https://{}.signin.aws.amazon.com/platform/saml/{}", self.region, self.directory_id)
    }
}
