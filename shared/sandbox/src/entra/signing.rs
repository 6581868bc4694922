//! The certificates with which the enterprise application signs SAML responses (facts of Graph:
//! serviceprincipal-addtokensigningcertificate, tutorial-manage-certificates-for-federated-single-sign-on).

use super::answer::GraphError;
use crate::publication::Delay;
use crate::x509::{Certificate, SigningKey};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// How signing behaves where Microsoft's documentation is silent, and how late changes of it are seen.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigningBehaviour {
    /// How late Graph shows changes of credentials and of the preferred thumbprint ("several minutes").
    pub graph_delay: Delay,
    /// How late the federation metadata shows them.
    pub metadata_delay: Delay,
    /// Who signs while no thumbprint is preferred.
    pub unpinned: Unpinned,
    /// An application's first certificate is preferred by itself.
    pub first_is_preferred: bool,
    /// The federation metadata leaves out expired certificates.
    pub metadata_drops_expired: bool,
    /// The rotator is no owner of the application: it must not touch its certificates.
    pub rotator_is_no_owner: bool,
}

/// Which valid certificate signs when none is preferred, or the preferred one has expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unpinned {
    /// The last one added: adding is then a switch.
    #[default]
    Newest,
    /// The first one added.
    Oldest,
}

/// The three credential objects of one certificate: a key that signs, a key that verifies, a password.
#[derive(Debug, Clone)]
pub(super) struct SigningCredential {
    pub key: Arc<SigningKey>,
    pub certificate: Certificate,
    pub display_name: String,
    pub start: Timestamp,
    pub end: Timestamp,
    pub sign_id: String,
    pub verify_id: String,
}

/// The signing credentials of an application, in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub(super) struct SigningCredentials {
    pub held: Vec<Arc<SigningCredential>>,
    /// Upper-case hexadecimal digits.
    pub preferred: Option<String>,
}

impl SigningCredential {
    /// `selfSignedCertificate`. Its keyId is that of the key that signs, although it says "Verify"
    /// (terraform-provider-azuread, service_principal_token_signing_certificate_resource.go).
    pub fn self_signed_certificate(&self, base: &str) -> Value {
        json!({
            "@odata.context": format!("{base}/$metadata#microsoft.graph.selfSignedCertificate"),
            "customKeyIdentifier": self.certificate.custom_key_identifier(),
            "displayName": self.display_name,
            "endDateTime": self.end.to_string(),
            "key": self.certificate.base64(),
            "keyId": self.sign_id,
            "startDateTime": self.start.to_string(),
            "thumbprint": self.certificate.thumbprint(),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
        })
    }

    /// The keyCredential that signs: its material never leaves Entra ID.
    pub fn sign(&self) -> Value {
        self.key_credential(&self.sign_id, "X509CertAndPassword", "Sign", Value::Null)
    }

    /// The keyCredential that verifies.
    pub fn verify(&self, with_key: bool) -> Value {
        let key = if with_key { json!(self.certificate.base64()) } else { Value::Null };
        self.key_credential(&self.verify_id, "AsymmetricX509Cert", "Verify", key)
    }

    /// The passwordCredential, without its secret.
    pub fn password(&self) -> Value {
        json!({
            "customKeyIdentifier": self.certificate.custom_key_identifier(),
            "displayName": self.display_name,
            "endDateTime": self.end.to_string(),
            "hint": null,
            "keyId": self.sign_id,
            "secretText": null,
            "startDateTime": self.start.to_string(),
        })
    }

    fn key_credential(&self, id: &str, kind: &str, usage: &str, key: Value) -> Value {
        json!({
            "customKeyIdentifier": self.certificate.custom_key_identifier(),
            "displayName": self.display_name,
            "endDateTime": self.end.to_string(),
            "key": key,
            "keyId": id,
            "startDateTime": self.start.to_string(),
            "type": kind,
            "usage": usage,
        })
    }
}

impl SigningCredentials {
    /// `keyCredentials`, with the public key's material only if asked for by name.
    pub fn key_credentials(&self, with_key: bool) -> Value {
        self.held.iter().flat_map(|held| [held.sign(), held.verify(with_key)]).collect()
    }

    /// `passwordCredentials`.
    pub fn password_credentials(&self) -> Value {
        self.held.iter().map(|held| held.password()).collect()
    }

    /// Who signs now. An expired certificate signs only if no other is valid: else a valid one does, at once and
    /// although nobody activated it (Microsoft's tutorial, "users might see an outage").
    pub fn signer(&self, unpinned: Unpinned, now: Timestamp) -> Option<&Arc<SigningCredential>> {
        let preferred = self.held.iter().find(|held| self.preferred.as_deref() == Some(&held.thumbprint()));
        if let Some(preferred) = preferred.filter(|held| held.certificate.is_valid(now)) {
            return Some(preferred);
        }
        let mut valid = self.held.iter().filter(|held| held.certificate.is_valid(now));
        let valid = if unpinned == Unpinned::Newest { valid.next_back() } else { valid.next() };
        valid.or(preferred).or(self.held.last())
    }

    /// Makes a thumbprint the preferred one, or none. One that no certificate has is refused, and so is every
    /// spelling but Graph's own.
    pub fn prefer(&mut self, thumbprint: &Value) -> Result<(), GraphError> {
        if thumbprint.is_null() {
            self.preferred = None;
            return Ok(());
        }
        let wanted = thumbprint.as_str().unwrap_or_default();
        if !self.held.iter().any(|held| held.thumbprint() == wanted) {
            return Err(GraphError::bad_request(
                "Invalid value specified for property 'preferredTokenSigningKeyThumbprint' of resource 'ServicePrincipal'.",
            ));
        }
        self.preferred = Some(wanted.to_owned());
        Ok(())
    }

    /// Forgets the certificates with these thumbprints. If the preferred one is among them none is preferred.
    pub fn remove(&mut self, thumbprints: &[String]) {
        self.held.retain(|held| !thumbprints.contains(&held.thumbprint()));
        self.preferred = self.preferred.take().filter(|preferred| !thumbprints.contains(preferred));
    }
}

impl SigningCredential {
    /// The certificate's thumbprint.
    pub fn thumbprint(&self) -> String {
        self.certificate.thumbprint()
    }
}
