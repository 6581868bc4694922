//! What a refusal of the login means, by its AADSTS number: the description may quote names.

use crate::answer::plain;
use crate::proof::Proof;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::ports::Cause;
use http::StatusCode;
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::time::Duration;

/// How long to wait before a login that did not answer is asked again, time after time.
const UNANSWERED: &[Duration] = &[Duration::from_millis(400), Duration::from_millis(800)];
/// The same for a federated identity credential that is not found. A new one takes minutes to reach every part of the login,
/// and is found and not found by turns until then (federatedidentitycredential): most such refusals are over after
/// seconds, and a function must not wait for minutes.
const NOT_FOUND_YET: &[Duration] = &[
    Duration::from_millis(500),
    Duration::from_millis(1_000),
    Duration::from_millis(2_000),
    Duration::from_millis(4_000),
];
/// The longest claim that is shown.
const LONGEST: usize = 300;

/// A token request that was not granted.
pub(crate) struct LoginRefusal {
    /// What it means.
    pub cause: Cause,
    /// The pauses before it is worth while to ask again.
    pub pauses: &'static [Duration],
    /// Whoever asks within the next half minute gets the same answer.
    pub lasts: bool,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
}

impl LoginRefusal {
    /// There was no answer of use.
    pub(crate) fn unanswered(detail: &str) -> Self {
        Self { cause: Cause::Unanswered { detail: detail.to_owned() }, pauses: UNANSWERED, lasts: false }
    }

    /// What the login answered with in place of a token.
    pub(crate) fn read(
        status: StatusCode,
        retry_after: Option<Duration>,
        body: &[u8],
        proof: &Proof,
    ) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let number = body.error_codes.first().copied().unwrap_or(0);
        let federated = matches!(proof, Proof::Federated(_));
        if federated && matches!(number, 70_021 | 700_211..=700_213 | 7_002_138) {
            let cause = Cause::Denied { remedy: unmatched(proof) };
            return Self { cause, pauses: NOT_FOUND_YET, lasts: true };
        }
        if let Some(remedy) = remedy(number, federated) {
            return Self::last(Cause::Denied { remedy: remedy.to_owned() });
        }
        if status.as_u16() == 429 {
            let retry_after = retry_after.and_then(|after| SignedDuration::try_from(after).ok());
            return Self::last(Cause::Throttled { retry_after });
        }
        if status.is_server_error() {
            return Self::unanswered(&format!("HTTP {}", status.as_u16()));
        }
        let error = plain(&body.error);
        let remedy = format!(
            "the login refuses with {error} AADSTS{number}: look the number up at \
             https://login.microsoftonline.com/error"
        );
        Self::last(Cause::Denied { remedy })
    }

    fn last(cause: Cause) -> Self {
        Self { cause, pauses: &[], lasts: false }
    }
}

fn remedy(number: u32, federated: bool) -> Option<&'static str> {
    Some(match number {
        7_000_215 => {
            "the client secret is wrong: store the secret's value (not its id) in ENTRA_CREDENTIAL_SECRET"
        }
        7_000_222 => {
            "the client secret has expired: make a new one in the app registration and store its value in \
             ENTRA_CREDENTIAL_SECRET"
        }
        700_016 => "the tenant does not know the app registration: check ENTRA_CLIENT_ID and ENTRA_TENANT_ID",
        90_002 => "there is no such tenant: check ENTRA_TENANT_ID",
        53_003 => "a conditional access policy blocks the app registration: exempt it",
        700_027 => {
            "the app registration ENTRA_CLIENT_ID does not hold the certificate in ENTRA_CREDENTIAL_SECRET, or it has \
             expired, or the private key belongs to another one: register the certificate under Certificates & secrets, \
             and store it with its own key"
        }
        700_024 if federated => {
            "the login finds AWS's token too old or too new: it is tried again with a fresh one by itself"
        }
        700_024 => "the login finds the assertion too old or too new: correct this machine's clock",
        700_023 => {
            "the assertion is for another login: check that LOGIN_ENDPOINT is that of ENTRA_TENANT_ID's cloud"
        }
        50_166 => {
            "Entra ID could not read the keys of AWS's token issuer: see whether its address (`aws iam \
             get-outbound-web-identity-federation-info`) stands in the federated identity credential without a change"
        }
        _ => return None,
    })
}

/// What to do about a token that no federated identity credential matches; issuer and subject name an account and a role, no person.
fn unmatched(proof: &Proof) -> String {
    let presented = match claims(proof) {
        Some(Claims { iss, sub }) => format!("issuer {}, subject {}", shown(&iss), shown(&sub)),
        None => "the account's token issuer, the ARN of the function's role as subject".to_owned(),
    };
    format!(
        "no federated identity credential of the app registration ENTRA_CLIENT_ID matches AWS's token: add one under \
         Certificates & secrets with {presented}, audience api://AzureADTokenExchange, letter by letter; a new one takes \
         some minutes to be found. A person signs in with `entra-mirror --sign-in` instead"
    )
}

fn claims(proof: &Proof) -> Option<Claims> {
    let Proof::Federated(token) = proof else { return None };
    let payload = token.expose_secret().split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn shown(claim: &str) -> &str {
    let legal = |c: char| c.is_ascii_graphic();
    if claim.len() <= LONGEST && claim.chars().all(legal) { claim } else { "(unreadable)" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Proof {
        Proof::ClientSecret("hunter2".to_owned().into())
    }

    fn token(claims: &str) -> Proof {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Proof::Federated(format!("{}.{}.signature", part("{}"), part(claims)).into())
    }

    fn read(status: u16, body: &str, proof: &Proof) -> LoginRefusal {
        LoginRefusal::read(StatusCode::from_u16(status).unwrap(), None, body.as_bytes(), proof)
    }

    fn refused(number: u32) -> String {
        format!("{{\"error\":\"invalid_client\",\"error_codes\":[{number}]}}")
    }

    #[test]
    fn a_refusal_says_what_to_do_and_quotes_nothing() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000222: ada@example.com","error_codes":[7000222]}"#;
        let cause = read(401, body, &secret()).cause.to_string();
        assert!(cause.contains("expired") && !cause.contains("ada"), "{cause}");
    }

    #[test]
    fn a_login_that_is_down_is_asked_again() {
        let refusal = read(502, "<html>", &secret());
        assert!(matches!(refusal.cause, Cause::Unanswered { .. }), "{}", refusal.cause);
        assert_eq!(refusal.pauses.len(), 2);
    }

    #[test]
    fn a_token_that_no_credential_matches_is_tried_again_and_named_by_issuer_and_subject() {
        let proof =
            token(r#"{"iss":"https://a.tokens.sts.global.api.aws","sub":"arn:aws:iam::1:role/Mirror"}"#);
        for number in [70_021, 700_211, 700_212, 700_213, 7_002_138] {
            let refusal = read(400, &refused(number), &proof);
            assert!(!refusal.pauses.is_empty() && refusal.lasts, "{number}");
            let told = refusal.cause.to_string();
            for part in
                ["https://a.tokens.sts.global.api.aws", "arn:aws:iam::1:role/Mirror", "ENTRA_CLIENT_ID"]
            {
                assert!(told.contains(part), "{part} is missing: {told}");
            }
        }
    }

    #[test]
    fn what_a_token_says_is_shown_only_if_it_can_be_nothing_else() {
        for claims in ["{\"iss\":\"a b\\n\",\"sub\":\"c\\u0000\"}", "{}", "no json"] {
            let told = read(400, &refused(700_213), &token(claims)).cause.to_string();
            assert!(!told.contains("a b") && !told.contains('\u{0}'), "{told}");
        }
    }

    #[test]
    fn a_refusal_that_stays_is_not_tried_again() {
        for number in [7_000_215, 700_016, 700_027, 700_024, 1] {
            assert!(read(400, &refused(number), &secret()).pauses.is_empty(), "{number}");
        }
    }
}
