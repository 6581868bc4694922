//! What the login makes of a client assertion: a token of somebody whom a federated identity credential trusts
//! (workload identity federation), or one that a certificate of the app registration signed (certificate-credentials).
//! There is no allowance for clocks that differ: Entra ID has one of five minutes.

use super::federated_credentials::FederatedCredential;
use super::login::Refusal;
use crate::jwt::{Jwt, key_of};
use crate::x509::Certificate;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use jiff::Timestamp;
use serde_json::Value;

/// `client_assertion_type`.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Seconds from `nbf` to `exp` of an assertion by certificate (Microsoft advises five to ten minutes; longer ones are not
/// refused there, as far as is known).
const LONGEST_LIFE: i64 = 600;
const LEARN: &str = "https://learn.microsoft.com/entra/";

/// Where the keys of issuers are read: the key set that an issuer's address leads to.
pub type KeySets<'a> = dyn Fn(&str) -> Option<Value> + 'a;

/// What an assertion is held against.
pub(super) struct Registration<'a> {
    pub client_id: &'a str,
    pub federated: &'a [FederatedCredential],
    pub certificates: &'a [Certificate],
    /// The address of the token endpoint, as the caller sees it.
    pub token_url: &'a str,
    pub key_sets: &'a KeySets<'a>,
}

impl Registration<'_> {
    /// Refuses what does not prove that the registration's own software calls.
    pub fn check(&self, assertion: &str, now: Timestamp) -> Result<(), Refusal> {
        let jwt = Jwt::read(assertion).ok_or_else(malformed)?;
        let is_own = jwt.header.get("x5t#S256").is_some() || jwt.header.get("x5t").is_some();
        if is_own { self.check_own(&jwt, now) } else { self.check_federated(&jwt, now) }
    }

    fn check_federated(&self, jwt: &Jwt, now: Timestamp) -> Result<(), Refusal> {
        let claim = |name: &str| Jwt::text(&jwt.claims, name);
        let (issuer, subject) = (claim("iss"), claim("sub"));
        if issuer.is_empty() || subject.is_empty() {
            return Err(malformed());
        }
        self.check_match(jwt, issuer, subject)?;
        let keys = (self.key_sets)(issuer).ok_or_else(|| {
            Refusal::new(400, "invalid_request", 50_166, "Request to External OIDC endpoint failed.")
        })?;
        let header = |name: &str| Jwt::text(&jwt.header, name);
        let key = key_of(&keys, header("kid")).filter(|_| header("alg") == "RS256");
        let signed = key.is_some_and(|(n, e)| {
            let key = RsaPublicKeyComponents { n, e };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, jwt.message.as_bytes(), &jwt.signature).is_ok()
        });
        if !signed {
            let text = "Assertion failed signature validation. [Reason - The key was not found.]";
            return Err(Refusal::new(401, "invalid_client", 50_013, text));
        }
        check_time(&jwt.claims, now)
    }

    /// Issuer, subject and audience must be those of one credential, letter by letter.
    fn check_match(&self, jwt: &Jwt, issuer: &str, subject: &str) -> Result<(), Refusal> {
        let advice = format!(
            "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. \
             {LEARN}workload-id/workload-identity-federation"
        );
        let unmatched = |code, what: &str, value: &str| {
            let text = format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. {advice}"
            );
            Err(Refusal::new(401, "invalid_client", code, &text))
        };
        let audience = match &jwt.claims["aud"] {
            Value::String(one) => one.as_str(),
            _ => "",
        };
        if self.federated.is_empty() {
            let text = format!(
                "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. \
                 Assertion Subject: '{subject}'. Assertion Audience: '{audience}'. \
                 {LEARN}workload-id/workload-identity-federation"
            );
            return Err(Refusal::new(401, "invalid_client", 70_021, &text));
        }
        let mut of_issuer = self.federated.iter().filter(|held| held.issuer == issuer).peekable();
        if of_issuer.peek().is_none() {
            return unmatched(700_211, "issuer", issuer);
        }
        match of_issuer.find(|held| held.subject == subject) {
            None => unmatched(700_213, "subject", subject),
            Some(held) if held.audience != audience => unmatched(700_212, "audience", audience),
            Some(_) => Ok(()),
        }
    }

    fn check_own(&self, jwt: &Jwt, now: Timestamp) -> Result<(), Refusal> {
        let thumbprint = Jwt::text(&jwt.header, "x5t#S256");
        let refused = |reason: &str| {
            let text = format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. \
                 [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}', Please visit the Azure Portal, \
                 Graph Explorer or directly use MS Graph to see configured keys for app Id '{}'.]",
                self.client_id
            );
            Refusal::new(401, "invalid_client", 700_027, &text)
        };
        let held = self.certificates.iter().find(|held| held.sha256_base64url() == thumbprint);
        let held = held.ok_or_else(|| refused("The key was not found."))?;
        if !held.is_valid(now) {
            return Err(refused("The key used is expired."));
        }
        let is_pss = Jwt::text(&jwt.header, "alg") == "PS256";
        if !is_pss || !held.vouches_for_pss(jwt.message.as_bytes(), &jwt.signature) {
            let text = "Client assertion contains an invalid signature. [Reason - The provided signature value did not \
                        match the expected signature value.]";
            return Err(Refusal::new(401, "invalid_client", 700_027, text));
        }
        self.check_own_claims(&jwt.claims, now)
    }

    fn check_own_claims(&self, claims: &Value, now: Timestamp) -> Result<(), Refusal> {
        let review =
            format!("Review the documentation at {LEARN}identity-platform/certificate-credentials .");
        let claim = |name: &str| Jwt::text(claims, name);
        if claim("aud") != self.token_url {
            let text = format!("Client assertion audience claim does not match Realm issuer. {review}");
            return Err(Refusal::new(401, "invalid_client", 700_023, &text));
        }
        let is_client = |name: &str| claim(name).eq_ignore_ascii_case(self.client_id);
        if !is_client("iss") || !is_client("sub") {
            let text = format!(
                "Client assertion application identifier doesn't match 'client_id' parameter. {review}"
            );
            return Err(Refusal::new(401, "invalid_client", 700_021, &text));
        }
        let (start, end) = (claims["nbf"].as_i64(), claims["exp"].as_i64());
        if claim("jti").is_empty() || start.is_none() {
            return Err(malformed());
        }
        if start.zip(end).is_none_or(|(start, end)| end - start > LONGEST_LIFE) {
            return Err(out_of_time(claims, now));
        }
        check_time(claims, now)
    }
}

/// `exp` must be there; `nbf` and `iat`, where they are, must have passed.
fn check_time(claims: &Value, now: Timestamp) -> Result<(), Refusal> {
    let time = |name: &str| claims[name].as_i64();
    let begun = |name: &str| time(name).is_none_or(|start| start <= now.as_second());
    let over = time("exp").is_none_or(|end| end <= now.as_second());
    if over || !begun("nbf") || !begun("iat") { Err(out_of_time(claims, now)) } else { Ok(()) }
}

fn out_of_time(claims: &Value, now: Timestamp) -> Refusal {
    let shown = |name: &str| {
        let time = claims[name].as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
    };
    let text = format!(
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {}, expiry time \
         of assertion {}. Review the documentation at {LEARN}identity-platform/certificate-credentials .",
        shown("nbf"),
        shown("exp")
    );
    Refusal::new(401, "invalid_client", 700_024, &text)
}

fn malformed() -> Refusal {
    Refusal::new(400, "invalid_request", 50_027, "JWT token is invalid or malformed.")
}
