//! RSA key pairs, and the self-signed certificates in which their public halves are published.

use super::Certificate;
use jiff::Timestamp;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SerialNumber,
};
use rcgen::{PublicKeyData, SigningKey as _};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;
use time::OffsetDateTime;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The keys made so far, by purpose and number.
static KEYS: Mutex<BTreeMap<(&'static str, u32), Arc<SigningKey>>> = Mutex::new(BTreeMap::new());

/// An RSA key pair of 2,048 bits that signs with RSASSA-PKCS1-v1_5 and SHA-256.
pub(crate) struct SigningKey(KeyPair);

/// A key or a certificate could not be made.
#[derive(Debug, Error)]
#[error("the key or its certificate could not be made: {0}")]
pub(crate) struct KeyError(String);

/// The key of this number for a purpose. It is made when it is first asked for, which takes about a tenth of a
/// second, and kept for as long as the process lives: every sandbox in a process has the same keys, so that a
/// thousand simulated histories make a handful of them. Each process has its own: equal seeds give equal ids and
/// serial numbers, but not equal thumbprints. No key is ever written anywhere.
///
/// # Errors
/// When the random source fails.
pub(crate) fn nth_key(purpose: &'static str, number: u32) -> Result<Arc<SigningKey>, KeyError> {
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = keys.get(&(purpose, number)) {
        return Ok(key.clone());
    }
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(failed)?;
    let key = Arc::new(SigningKey(pair));
    keys.insert((purpose, number), key.clone());
    Ok(key)
}

impl SigningKey {
    /// The self-signed certificate of this key. Its times have whole seconds.
    ///
    /// # Errors
    /// When a time does not fit into a certificate.
    pub fn certify(
        &self,
        common_name: &str,
        serial: u128,
        valid: (Timestamp, Timestamp),
    ) -> Result<Certificate, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        // DER numbers have a sign, and a serial number is positive.
        let serial = (serial >> 1) | (1 << 126);
        params.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
        params.not_before = moment(valid.0)?;
        params.not_after = moment(valid.1)?;
        let made = params.self_signed(&self.0).map_err(failed)?;
        Certificate::from_der(made.der()).map_err(KeyError)
    }

    /// The modulus and the exponent of the public key, without leading zeros.
    ///
    /// # Errors
    /// Never, unless the key is none of RSA.
    pub fn public_numbers(&self) -> Result<(Vec<u8>, Vec<u8>), KeyError> {
        let info = self.0.subject_public_key_info();
        let (_, info) = SubjectPublicKeyInfo::from_der(&info).map_err(failed)?;
        let Ok(PublicKey::RSA(key)) = info.parsed() else {
            return Err(KeyError("it is no RSA key".to_owned()));
        };
        let number = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        Ok((number(key.modulus), number(key.exponent)))
    }

    /// Signs a message.
    ///
    /// # Errors
    /// When the random source fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.sign(message).map_err(failed)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey of {} bytes", self.0.der_bytes().len())
    }
}

fn moment(time: Timestamp) -> Result<OffsetDateTime, KeyError> {
    OffsetDateTime::from_unix_timestamp(time.as_second()).map_err(failed)
}

fn failed(error: impl ToString) -> KeyError {
    KeyError(error.to_string())
}
