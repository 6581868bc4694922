//! Facts about proofs other than a client secret: AWS's word for who calls, and a certificate.

use crate::world::{World, cause, id};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine::ports::{CallError, Cause, Directory};
use entra::{CertificateKey, Occasion, Proof, ProofSource};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The pauses before a credential that is not found is asked for again.
const PAUSES: Duration = Duration::from_millis(7_500);

#[tokio::test(start_paused = true)]
async fn awss_word_for_who_calls_is_all_that_is_needed() {
    let world = World::new();
    let (proof, issuer, subject) = world.web_identity().await;
    world.trust(&issuer, &subject).await;
    let directory = world.directory_with_proof(Arc::new(proof));
    assert_eq!(directory.group_name(&id(1)).await, Ok(None));
    assert_eq!(world.token_requests().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_not_found_yet_is_looked_for_again() {
    let world = World::new();
    let (proof, issuer, subject) = world.web_identity().await;
    world.faults(json!({"federated_credential_delay": {"reads": 2}})).await;
    world.trust(&issuer, &subject).await;
    let directory = world.directory_with_proof(Arc::new(proof));
    let start = Instant::now();
    assert_eq!(directory.group_name(&id(1)).await, Ok(None));
    assert_eq!((world.token_requests().await, start.elapsed()), (3, Duration::from_millis(1_500)));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_nobody_trusts_learns_what_to_add_and_asks_no_more_for_half_a_minute() {
    let world = World::new();
    let (proof, issuer, subject) = world.web_identity().await;
    world.trust(&issuer, "arn:aws:iam::111122223333:role/another").await;
    let directory = world.directory_with_proof(Arc::new(proof));
    let start = Instant::now();
    let refused = cause(directory.group_name(&id(1)).await);
    assert!(matches!(refused, Cause::Denied { .. }), "{refused}");
    for part in [&issuer, &subject, "api://AzureADTokenExchange", "ENTRA_CLIENT_ID"] {
        assert!(refused.to_string().contains(part), "{part:?} is missing: {refused}");
    }
    assert_eq!((world.token_requests().await, start.elapsed()), (5, PAUSES));
    assert_eq!(cause(directory.group_name(&id(2)).await), refused);
    assert_eq!((world.token_requests().await, start.elapsed()), (5, PAUSES), "it was asked again");
    world.trust_no_more().await;
    world.trust(&issuer, &subject).await;
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(directory.group_name(&id(1)).await, Ok(None));
}

/// A certificate as Secrets Manager holds it.
struct Stored(CertificateKey);

#[async_trait]
impl ProofSource for Stored {
    async fn proof(&self, occasion: Occasion<'_>) -> Result<Proof, CallError> {
        Ok(self.0.proof(occasion).unwrap())
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[tokio::test(start_paused = true)]
async fn a_certificate_signs_in_and_one_that_is_not_registered_is_named() {
    let world = World::new();
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate = CertificateParams::new(vec!["reader".to_owned()]).unwrap().self_signed(&pair).unwrap();
    let (certificate, private_key) =
        (pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", &pair.serialize_der()));
    let stored = || {
        let key = CertificateKey::from_pem(&certificate, &private_key.clone().into());
        Arc::new(Stored(key.unwrap()))
    };
    let refused = cause(world.directory_with_proof(stored()).group_name(&id(1)).await);
    assert!(refused.to_string().contains("register the certificate"), "{refused}");
    world.register_certificate(&certificate).await;
    assert_eq!(world.directory_with_proof(stored()).group_name(&id(1)).await, Ok(None));
}
