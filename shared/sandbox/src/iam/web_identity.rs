//! STS: tokens that tell another service which role calls (STS API Reference, GetWebIdentityToken).

use super::outbound_federation::issuer_key;
use super::{Accounts, Caller, IamFailure, QueryCall, seconds};
use crate::jwt;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

const ACTION: &str = "sts:GetWebIdentityToken";
/// Seconds of a token, and the number given unasked.
const DURATION: (i64, i64) = (60, 3_600);
const DEFAULT_DURATION: i64 = 300;
/// Audiences of a token, and characters of one.
const MOST_AUDIENCES: usize = 10;
const AUDIENCE: (usize, usize) = (1, 1_000);

/// What a role's policy lets it ask for: the condition keys `sts:IdentityTokenAudience`, `sts:SigningAlgorithm` and
/// `sts:DurationSeconds`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenGrant {
    audience: String,
    signing_algorithm: String,
    longest_seconds: i64,
}

struct Asked<'a> {
    audiences: Vec<&'a str>,
    algorithm: &'a str,
    duration: i64,
}

impl Accounts {
    pub(super) fn get_web_identity_token(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        let asked = Asked::read(call)?;
        self.authorise_token(caller, &asked)?;
        let account = self.accounts.get(&caller.account);
        let outbound = account.and_then(|account| account.outbound.as_ref());
        let outbound = outbound.filter(|outbound| outbound.is_enabled()).ok_or_else(|| {
            let message = "The outbound web identity federation feature is not enabled for this account.";
            IamFailure::new(403, "OutboundWebIdentityFederationDisabledException", message)
        })?;
        let expires = now + SignedDuration::from_secs(asked.duration);
        if caller.expires.is_some_and(|end| expires > end) {
            let message =
                "The requested token duration would extend the session beyond its original expiration time.";
            return Err(IamFailure::new(403, "SessionDurationEscalationException", message));
        }
        let header = json!({"alg": asked.algorithm, "typ": "JWT", "kid": outbound.key_id()});
        let claims = json!({
            "iss": outbound.issuer(),
            "sub": caller.subject(),
            "aud": asked.audience_claim(),
            "iat": now.as_second(),
            "exp": now.as_second() + asked.duration,
            "jti": self.ids.uuid().to_string(),
            "https://sts.amazonaws.com/": {"aws_account": caller.account},
        });
        let token = issuer_key().and_then(|key| jwt::signed(&header, &claims, |text| key.sign(text)));
        let token = token.map_err(|error| IamFailure::new(500, "InternalFailure", error.to_string()))?;
        Ok(format!(
            "<WebIdentityToken>{token}</WebIdentityToken><Expiration>{}</Expiration>",
            seconds(expires)
        ))
    }

    /// A role needs a permission for what it asks; the home account's own need none.
    fn authorise_token(&self, caller: &Caller, asked: &Asked<'_>) -> Result<(), IamFailure> {
        let Some(role) = &caller.role else { return Ok(()) };
        let role = self.accounts.get(&caller.account).and_then(|account| account.roles.get(role));
        let granted = role.and_then(|role| role.web_identity_tokens.as_ref()).is_some_and(|grant| {
            asked.audiences.iter().all(|audience| *audience == grant.audience)
                && asked.algorithm == grant.signing_algorithm
                && asked.duration <= grant.longest_seconds
        });
        if granted { Ok(()) } else { Err(caller.denied(ACTION, "*")) }
    }
}

impl<'a> Asked<'a> {
    fn read(call: &'a QueryCall) -> Result<Self, IamFailure> {
        let name = |number: usize| format!("Audience.member.{number}");
        let names: Vec<String> = (1..=MOST_AUDIENCES).map(name).collect();
        let known = names.iter().map(String::as_str).chain(["DurationSeconds", "SigningAlgorithm"]);
        call.only(&known.collect::<Vec<_>>())?;
        let given = names.iter().take_while(|name| call.parameters.contains_key(*name));
        let audiences: Result<Vec<&str>, IamFailure> =
            given.map(|name| call.text(name, AUDIENCE, |_| true)).collect();
        let audiences = audiences?;
        if audiences.is_empty() {
            return Err(IamFailure::validation("audience", "Member must not be null"));
        }
        let algorithm = call.text("SigningAlgorithm", (5, 5), |_| true)?;
        match algorithm {
            "RS256" => {}
            "ES384" => {
                return Err(IamFailure::validation("SigningAlgorithm", "the sandbox does not offer it"));
            }
            _ => return Err(IamFailure::validation("SigningAlgorithm", "Member must be RS256 or ES384")),
        }
        let duration = call.duration(DEFAULT_DURATION, DURATION)?;
        Ok(Self { audiences, algorithm, duration })
    }

    /// One audience is text, several are a list.
    fn audience_claim(&self) -> Value {
        match self.audiences[..] {
            [one] => json!(one),
            _ => json!(self.audiences),
        }
    }
}
