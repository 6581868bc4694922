//! Fingerprints: what names a certificate. A prefix names none.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A text that is no fingerprint of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFingerprint {
    /// Something other than hexadecimal digits, with colons or spaces between them.
    #[error("a fingerprint holds hexadecimal digits only (colons and spaces may stand between them)")]
    NotHexadecimal,
    /// Too few digits or too many.
    #[error("this has {found} hexadecimal digits, a {kind} fingerprint has {expected}")]
    Length {
        /// `SHA-256` or `SHA-1`.
        kind: &'static str,
        /// Digits that such a fingerprint has.
        expected: usize,
        /// Digits that were typed.
        found: usize,
    },
}

macro_rules! fingerprint {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Takes the hash of a certificate's DER.
            pub const fn new(hash: [u8; $bytes]) -> Self {
                Self(hash)
            }

            /// Reads all digits of it, in either case; colons and spaces may stand between them.
            ///
            /// # Errors
            /// When digits are missing, or it is something else.
            pub fn parse(text: &str) -> Result<Self, InvalidFingerprint> {
                let digits = digits(text)?;
                let mut hash = [0; $bytes];
                if digits.len() != 2 * $bytes {
                    return Err(InvalidFingerprint::Length { kind: $kind, expected: 2 * $bytes, found: digits.len() });
                }
                for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
                    *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
                }
                Ok(Self(hash))
            }
        }

        impl fmt::Display for $name {
            /// All digits, in capitals, as Entra ID and AWS show them.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidFingerprint;
            fn try_from(text: String) -> Result<Self, InvalidFingerprint> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(fingerprint: $name) -> String {
                fingerprint.to_string()
            }
        }
    };
}

fingerprint! {
    /// SHA-256 over a certificate's DER. The only thing by which a certificate is recognised.
    Sha256Fingerprint, 32, "SHA-256"
}
fingerprint! {
    /// SHA-1 over a certificate's DER: how `preferredTokenSigningKeyThumbprint` names one. Nothing is proven by it.
    Sha1Thumbprint, 20, "SHA-1"
}

fn digits(text: &str) -> Result<Vec<u8>, InvalidFingerprint> {
    let typed = text.chars().filter(|sign| *sign != ':' && !sign.is_whitespace());
    let value = |sign: char| sign.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    typed.map(|sign| value(sign).ok_or(InvalidFingerprint::NotHexadecimal)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_one_value_however_it_is_written() {
        let plain = "a7".repeat(32);
        let spaced = vec!["A7"; 32].join(":");
        assert_eq!(Sha256Fingerprint::parse(&plain), Sha256Fingerprint::parse(&spaced));
        assert_eq!(Sha256Fingerprint::parse(&plain).unwrap().to_string(), plain.to_uppercase());
    }

    #[test]
    fn a_prefix_a_thumbprint_and_words_are_no_sha_256_fingerprint() {
        for text in ["", "a7", &"a7".repeat(20), &"a7".repeat(31), &"a7".repeat(33), &"g7".repeat(32)] {
            assert!(Sha256Fingerprint::parse(text).is_err(), "{text:?} was taken for a fingerprint");
        }
        let told = Sha256Fingerprint::parse(&"a7".repeat(20)).unwrap_err().to_string();
        assert_eq!(told, "this has 40 hexadecimal digits, a SHA-256 fingerprint has 64");
    }

    #[test]
    fn a_fingerprint_survives_serialisation() {
        let thumbprint = Sha1Thumbprint::new([7; 20]);
        let json = serde_json::to_string(&thumbprint).unwrap();
        assert_eq!(serde_json::from_str::<Sha1Thumbprint>(&json).unwrap(), thumbprint);
    }
}
