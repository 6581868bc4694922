//! A proof by certificate: a JWT that its key signs (certificate-credentials: PS256 and `x5t#S256`).

use crate::proof::{Occasion, Proof};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

/// Seconds for which an assertion is good: it is used at once, and Microsoft advises five to ten minutes.
const LIFE: i64 = 300;
/// Bits; Entra ID takes no smaller key.
const LEAST_BITS: usize = 2_048;

/// Why a certificate cannot sign in. What stood there is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// The certificate's text.
    #[error(
        "`certificate` is not one certificate in PEM: store what begins with -----BEGIN CERTIFICATE-----"
    )]
    Certificate,
    /// The key's text.
    #[error(
        "`private_key` is no unencrypted RSA key in PEM: store what begins with -----BEGIN PRIVATE KEY----- \
         (`openssl pkcs8 -topk8 -nocrypt` makes it from another form)"
    )]
    Key,
    /// The key's length.
    #[error("`private_key` is shorter than 2,048 bits: make a longer one, and register its certificate")]
    Short,
    /// The signature.
    #[error("the key does not sign: make another one, and register its certificate")]
    Unusable,
}

/// A certificate of an app registration with its key.
pub struct CertificateKey {
    /// `x5t#S256`.
    thumbprint: String,
    key: RsaKeyPair,
}

impl CertificateKey {
    /// Reads both, in PEM.
    ///
    /// # Errors
    /// Says which of them is of no use.
    pub fn from_pem(certificate: &str, private_key: &SecretString) -> Result<Self, CertificateFault> {
        let mut certificates = CertificateDer::pem_slice_iter(certificate.as_bytes());
        let (Some(Ok(certificate)), None) = (certificates.next(), certificates.next()) else {
            return Err(CertificateFault::Certificate);
        };
        let key = match PrivateKeyDer::from_pem_slice(private_key.expose_secret().as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(key)) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            Ok(PrivateKeyDer::Pkcs1(key)) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(CertificateFault::Key),
        };
        let key = key.map_err(|_| CertificateFault::Key)?;
        if key.public_modulus_len() * 8 < LEAST_BITS {
            return Err(CertificateFault::Short);
        }
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate));
        Ok(Self { thumbprint, key })
    }

    /// A proof for one token request.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn proof(&self, occasion: Occasion<'_>) -> Result<Proof, CertificateFault> {
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let now = occasion.now.as_second();
        let client = occasion.client_id.as_str();
        let claims = json!({
            "aud": occasion.token_url,
            "iss": client,
            "sub": client,
            "jti": Uuid::new_v4().to_string(),
            "iat": now,
            "nbf": now,
            "exp": now + LIFE,
        });
        let message = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let signed = self.key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature);
        signed.map_err(|_| CertificateFault::Unusable)?;
        Ok(Proof::Certificate(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)).into()))
    }
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_or_no_key_is_named_and_not_shown() {
        let key = |text: &str| SecretString::from(text.to_owned());
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let wrong = [
            ("", "", CertificateFault::Certificate),
            ("hunter2", "hunter2", CertificateFault::Certificate),
            (&pem.repeat(2), "", CertificateFault::Certificate),
            (pem, "hunter2", CertificateFault::Key),
            (pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", CertificateFault::Key),
        ];
        for (certificate, private_key, expected) in wrong {
            let fault = CertificateKey::from_pem(certificate, &key(private_key)).err();
            assert_eq!(fault, Some(expected));
            assert!(fault.is_some_and(|fault| !fault.to_string().contains("hunter2")));
        }
    }
}
