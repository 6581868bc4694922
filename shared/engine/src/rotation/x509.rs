//! Certificates as they stand on the wire: DER, base64 and PEM.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use planning::rotation::{Sha1Thumbprint, Sha256Fingerprint};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Characters in a line of PEM (RFC 7468).
const LINE: usize = 64;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A text or bytes that are no certificate. What stood there is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no X.509 certificate")]
pub struct NoCertificate;

/// A certificate that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCertificate {
    /// Over the DER.
    pub sha256: Sha256Fingerprint,
    /// Over the DER.
    pub sha1: Sha1Thumbprint,
    /// Not valid before.
    pub not_before: Timestamp,
    /// Not valid after.
    pub not_after: Timestamp,
    /// With a line end after the last line.
    pub pem: String,
}

impl ReadCertificate {
    /// Reads DER, with nothing behind it.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_der(der: &[u8]) -> Result<Self, NoCertificate> {
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| NoCertificate)?;
        if !rest.is_empty() {
            return Err(NoCertificate);
        }
        let time = |seconds| Timestamp::from_second(seconds).map_err(|_| NoCertificate);
        Ok(Self {
            sha256: Sha256Fingerprint::new(Sha256::digest(der).into()),
            sha1: Sha1Thumbprint::new(Sha1::digest(der).into()),
            not_before: time(read.validity().not_before.timestamp())?,
            not_after: time(read.validity().not_after.timestamp())?,
            pem: pem(der),
        })
    }

    /// Reads base64 as it stands in XML and JSON, with or without white space.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_base64(text: &str) -> Result<Self, NoCertificate> {
        let text: String = text.split_whitespace().collect();
        Self::from_der(&STANDARD.decode(text).map_err(|_| NoCertificate)?)
    }

    /// Reads exactly one certificate in PEM.
    ///
    /// # Errors
    /// When it is none, or more follows.
    pub fn from_pem(text: &str) -> Result<Self, NoCertificate> {
        let (rest, read) = parse_x509_pem(text.trim().as_bytes()).map_err(|_| NoCertificate)?;
        if !rest.iter().all(u8::is_ascii_whitespace) || read.label != "CERTIFICATE" {
            return Err(NoCertificate);
        }
        Self::from_der(&read.contents)
    }

    /// DER in base64, on one line.
    pub fn base64(&self) -> String {
        self.pem.lines().filter(|line| !line.starts_with("-----")).collect()
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(LINE).map(String::from_utf8_lossy);
    let body: String = lines.flat_map(|line| [line.into_owned(), "\n".to_owned()]).collect();
    format!("{BEGIN}\n{body}{END}\n")
}
