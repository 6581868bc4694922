//! An X.509 certificate that was read: what the services show of it, and whether it vouches for a signature.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use std::sync::Arc;
use x509_parser::oid_registry::{OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// IAM's least key (IAM User Guide: 1,024 bits).
pub(crate) const SMALLEST_KEY: usize = 1_024;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A certificate with an RSA key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    der: Arc<[u8]>,
    /// In decimal digits.
    pub serial: String,
    /// `CN=...`.
    pub subject: String,
    /// `CN=...`.
    pub issuer: String,
    /// In the words of Java, as the console shows it: `SHA256withRSA`.
    pub signature_algorithm: String,
    /// 3 for all that is made today.
    pub version: u32,
    /// Valid from then on.
    pub not_before: Timestamp,
    /// Valid up to and including then.
    pub not_after: Timestamp,
    /// The size of the key.
    pub bits: usize,
    /// SubjectPublicKeyInfo in DER.
    pub public_key_info: Vec<u8>,
    /// RSAPublicKey in DER.
    public_key: Vec<u8>,
}

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// Says why it is no certificate, or not one with an RSA key.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| "it is no X.509 certificate")?;
        if !rest.is_empty() {
            return Err("something follows the certificate".to_owned());
        }
        read.extensions_map().map_err(|_| "it has an extension twice")?;
        let key = read.public_key();
        let bits = match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => rsa.key_size(),
            _ => return Err("its key is no RSA key".to_owned()),
        };
        let validity = read.validity();
        let time = |seconds: i64| {
            Timestamp::from_second(seconds).map_err(|_| "its validity is out of range".to_owned())
        };
        Ok(Self {
            der: der.into(),
            serial: read.tbs_certificate.serial.to_string(),
            subject: read.subject().to_string(),
            issuer: read.issuer().to_string(),
            signature_algorithm: algorithm_name(&read),
            version: read.version().0 + 1,
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
            bits,
            public_key_info: key.raw.to_vec(),
            public_key: key.subject_public_key.data.to_vec(),
        })
    }

    /// Reads one certificate in PEM: no chain, and nothing around it.
    ///
    /// # Errors
    /// Says why it is none.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.starts_with(BEGIN) || !text.ends_with(END) || text.matches(BEGIN).count() != 1 {
            return Err("it is not exactly one certificate in PEM".to_owned());
        }
        let (_, pem) = parse_x509_pem(text.as_bytes()).map_err(|_| "it is no PEM")?;
        Self::from_der(&pem.contents)
    }

    /// Reads base64 as it stands in XML, with or without white space.
    ///
    /// # Errors
    /// Says why it is no certificate.
    pub fn from_base64(text: &str) -> Result<Self, String> {
        let text: String = text.split_whitespace().collect();
        Self::from_der(&STANDARD.decode(text).map_err(|_| "it is no base64")?)
    }

    /// DER in base64, on one line.
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// PEM, with a line end after the last line.
    pub fn pem(&self) -> String {
        let text = self.base64();
        let lines =
            text.as_bytes().chunks(64).map(String::from_utf8_lossy).fold(String::new(), |mut all, line| {
                all.push_str(&line);
                all.push('\n');
                all
            });
        format!("{BEGIN}\n{lines}{END}\n")
    }

    /// SHA-1 of the DER, in upper-case hexadecimal digits: what Entra ID calls the thumbprint.
    pub fn thumbprint(&self) -> String {
        self.sha1().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// The same in base64: what Graph calls customKeyIdentifier.
    pub fn custom_key_identifier(&self) -> String {
        STANDARD.encode(self.sha1())
    }

    /// True at a time within its validity.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        // A certificate is good for the whole of its last second.
        self.not_before <= now && now.as_second() <= self.not_after.as_second()
    }

    /// True if the certificate's key made this signature (RSASSA-PKCS1-v1_5, SHA-256, 2,048 bits or more).
    pub fn vouches_for(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public_key);
        key.verify(message, signature).is_ok()
    }

    /// SHA-256 of the DER in base64url: what tokens call `x5t#S256`.
    pub fn sha256_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.der))
    }

    /// True if the certificate's key made this signature (RSASSA-PSS, SHA-256, 2,048 bits or more).
    pub fn vouches_for_pss(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &self.public_key);
        key.verify(message, signature).is_ok()
    }

    fn sha1(&self) -> Vec<u8> {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref().to_vec()
    }
}

fn algorithm_name(read: &X509Certificate<'_>) -> String {
    let oid = &read.signature_algorithm.algorithm;
    if *oid == OID_PKCS1_SHA256WITHRSA {
        "SHA256withRSA".to_owned()
    } else if *oid == OID_PKCS1_SHA1WITHRSA {
        "SHA1withRSA".to_owned()
    } else {
        oid.to_id_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::nth_key;
    use super::*;

    fn certificate(number: u32) -> Certificate {
        let valid = ("2026-01-01T00:00:00Z".parse().unwrap(), "2029-01-01T00:00:00Z".parse().unwrap());
        nth_key("test", number).unwrap().certify("Contoso", 7, valid).unwrap()
    }

    #[test]
    fn what_was_made_reads_as_it_was_meant() {
        let made = certificate(0);
        assert_eq!((made.subject.as_str(), made.issuer.as_str()), ("CN=Contoso", "CN=Contoso"));
        assert_eq!((made.bits, made.version, made.signature_algorithm.as_str()), (2_048, 3, "SHA256withRSA"));
        assert_eq!(Certificate::from_pem(&made.pem()).unwrap(), made);
        assert_eq!(Certificate::from_base64(&made.base64()).unwrap(), made);
        assert!(made.pem().len() < 2_500, "it does not fit into Identity Center");
    }

    #[test]
    fn a_certificate_vouches_for_its_own_key_only() {
        let signature = nth_key("test", 0).unwrap().sign(b"message").unwrap();
        assert!(certificate(0).vouches_for(b"message", &signature));
        assert!(!certificate(0).vouches_for(b"massage", &signature));
        assert!(!certificate(1).vouches_for(b"message", &signature));
    }

    #[test]
    fn chains_keys_and_scraps_are_no_certificate() {
        let pem = certificate(0).pem();
        let cut = pem.replacen("MII", "", 1);
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for text in [
            "",
            "text",
            &format!("{pem}{pem}"),
            &format!("{pem}{key}"),
            &cut,
            key,
            pem.trim_end_matches("-\n"),
        ] {
            assert!(Certificate::from_pem(text).is_err(), "taken: {text}");
        }
    }

    #[test]
    fn it_is_valid_from_its_first_to_its_last_second() {
        let made = certificate(0);
        let at = |text: &str| made.is_valid(text.parse().unwrap());
        assert!(at("2026-01-01T00:00:00Z") && at("2029-01-01T00:00:00.5Z"));
        assert!(!at("2025-12-31T23:59:59.9Z") && !at("2029-01-01T00:00:01Z"));
    }
}
