//! JSON Web Tokens in their compact form (RFC 7515, RFC 7519), and JSON Web Keys of RSA (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A token that was taken apart. Nothing of it is proven yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Jwt {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// What is signed.
    pub message: String,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Jwt {
    /// Takes a token apart; `None` if it has not three parts, or they are not what they should be.
    pub fn read(text: &str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let object = |part: &str| {
            let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            value.is_object().then_some(value)
        };
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            message: message.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// A claim or a member of the header that is text; empty if it is none.
    pub fn text<'a>(part: &'a Value, name: &str) -> &'a str {
        part[name].as_str().unwrap_or_default()
    }
}

/// Makes a token. `sign` signs what is to be signed.
///
/// # Errors
/// What `sign` says.
pub(crate) fn signed<E>(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<String, E> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes())?);
    Ok(format!("{message}.{signature}"))
}

/// A public RSA key as a JSON Web Key for RS256.
pub(crate) fn rsa_key(id: &str, modulus: &[u8], exponent: &[u8]) -> Value {
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": number(modulus), "e": number(exponent)})
}

/// The modulus and the exponent of the key with this id in a set.
pub(crate) fn key_of(set: &Value, id: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let key = set["keys"].as_array()?.iter().find(|key| key["kid"] == id && key["kty"] == "RSA")?;
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?).ok();
    Some((number("n")?, number("e")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_read_again() {
        let (header, claims) = (json!({"alg": "RS256"}), json!({"sub": "somebody"}));
        let token = signed(&header, &claims, |message| Ok::<_, ()>(message.to_vec())).unwrap();
        let read = Jwt::read(&token).unwrap();
        assert_eq!((&read.header, &read.claims), (&header, &claims));
        assert_eq!(read.signature, read.message.as_bytes());
    }

    #[test]
    fn scraps_are_no_token() {
        for text in ["", "a.b", "e30.e30", "e30.e30.!", "W10.e30.AA", "e30.e30=.AA"] {
            assert_eq!(Jwt::read(text), None, "{text}");
        }
        assert!(Jwt::read("e30.e30.AA").is_some());
    }
}
