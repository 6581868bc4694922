//! Importing, listing and deleting the certificates that vouch for sign-ins.

use super::inputs::{DeleteInput, IdpInput, ImportInput, read};
use super::{ExternalIdp, Trusted};
use crate::iam_identity_center::answer::{ConflictReason, Failure, ResourceType};
use crate::x509::Certificate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Characters of a certificate file (Identity Center quotas page; cannot be raised).
const LONGEST_PEM: usize = 2_500;
/// The smallest key that is taken: no list is documented.
const SMALLEST_KEY: usize = 2_048;

impl ExternalIdp {
    pub(super) fn list_certificates(&mut self, body: &[u8]) -> Result<Value, Failure> {
        let input: IdpInput = read(body)?;
        let configuration = self.named(&input.directory_id, &input.idp_id)?;
        let certificates: Vec<Value> = configuration.certificates.iter().map(shown).collect();
        Ok(json!({"idPCertificates": certificates}))
    }

    /// What is imported is active at once.
    pub(super) fn import_certificate(&mut self, now: Timestamp, body: &[u8]) -> Result<Value, Failure> {
        let input: ImportInput = read(body)?;
        let (most, duplicates) = (self.behaviour.most_certificates, self.behaviour.accepts_duplicates);
        self.named(&input.directory_id, &input.idp_id)?;
        if input.certificate_use != "SIGNING" {
            return Err(Failure::invalid("certificateUse", "Member must satisfy enum value set: [SIGNING]"));
        }
        let certificate = self.usable(now, &input.pem)?;
        let id = self.ids.uuid().to_string();
        let held = &mut self.named(&input.directory_id, &input.idp_id)?.certificates;
        if !duplicates && held.iter().any(|held| held.certificate == certificate) {
            return Err(Failure::taken("The certificate was imported before"));
        }
        if held.len() >= most {
            return Err(Failure::QuotaExceeded);
        }
        held.push(Trusted { id: id.clone(), certificate });
        Ok(json!({"certificateId": id}))
    }

    /// One valid certificate must remain.
    pub(super) fn delete_certificate(&mut self, now: Timestamp, body: &[u8]) -> Result<Value, Failure> {
        let input: DeleteInput = read(body)?;
        let held = &mut self.named(&input.directory_id, &input.idp_id)?.certificates;
        if !held.iter().any(|held| held.id == input.certificate_id) {
            return Err(Failure::missing(ResourceType::Certificate, &input.certificate_id));
        }
        let stays = |held: &Trusted| held.id != input.certificate_id;
        if !held.iter().any(|held| stays(held) && held.certificate.is_valid(now)) {
            return Err(Failure::Conflict {
                message: "At least one valid certificate must remain",
                reason: ConflictReason::ConcurrentModification,
            });
        }
        held.retain(stays);
        Ok(json!({}))
    }

    /// The one certificate in a file, if it can vouch for sign-ins.
    pub(super) fn usable(&self, now: Timestamp, pem: &str) -> Result<Certificate, Failure> {
        let refused = |why: &str| Failure::invalid("x509CertificateInPEM", why);
        if pem.chars().count() > LONGEST_PEM {
            return Err(refused("Member must have length less than or equal to 2500"));
        }
        let certificate = Certificate::from_pem(pem).map_err(|why| refused(&why))?;
        if certificate.bits < SMALLEST_KEY {
            return Err(refused("its key has less than 2048 bits"));
        }
        if self.behaviour.enforces_expiry && now > certificate.not_after {
            return Err(refused("it has expired"));
        }
        Ok(certificate)
    }
}

/// Times are seconds since 1970. The serial number is a number on the wire, whatever its size.
fn shown(held: &Trusted) -> Value {
    let certificate = &held.certificate;
    json!({
        "certificateId": held.id,
        "serialNumber": certificate.serial,
        "serialNumberString": certificate.serial,
        "subjectName": certificate.subject,
        "issuerName": certificate.issuer,
        "signatureAlgorithmName": certificate.signature_algorithm,
        "publicKey": STANDARD.encode(&certificate.public_key_info),
        "notBefore": certificate.not_before.as_second(),
        "notAfter": certificate.not_after.as_second(),
        "version": certificate.version,
        "x509CertificateInPEM": certificate.pem(),
    })
}
