//! The secretless proof: a token of AWS that says which role calls, and that a federated identity credential in Entra ID
//! trusts (IAM outbound identity federation).

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use aws_sdk_sts::error::ProvideErrorMetadata;
use engine::ports::{CallError, Cause};
use entra::{Occasion, Proof, ProofSource};

/// Whom the token is for: what Entra ID expects in every cloud (federatedidentitycredential, `audiences`).
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// Entra ID takes no other algorithm.
const ALGORITHM: &str = "RS256";
/// Seconds: it is exchanged at once, and then again if a credential is not found yet. template.yaml allows no more.
const DURATION: i32 = 300;

/// Tokens of AWS STS, from the endpoint of the Region: the global one gives none.
#[derive(Debug, Clone)]
pub struct WebIdentity(Client);

impl WebIdentity {
    /// Of whoever these credentials are.
    pub fn new(aws: &SdkConfig) -> Self {
        Self(Client::new(aws))
    }
}

#[async_trait]
impl ProofSource for WebIdentity {
    async fn proof(&self, _: Occasion<'_>) -> Result<Proof, CallError> {
        let request = self.0.get_web_identity_token().audience(AUDIENCE).signing_algorithm(ALGORITHM);
        let answer = request.duration_seconds(DURATION).send().await;
        let answer = answer.map_err(|error| failed(cause(error.code())))?;
        let token = answer.web_identity_token.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| {
            failed(Cause::Incomplete {
                missing: "the answer holds no token; it is tried again by itself".to_owned(),
            })
        })?;
        Ok(Proof::Federated(token.into()))
    }
}

fn failed(cause: Cause) -> CallError {
    CallError::new("sts:GetWebIdentityToken", AUDIENCE, cause)
}

fn cause(code: Option<&str>) -> Cause {
    let denied = |remedy: &str| Cause::Denied { remedy: remedy.to_owned() };
    match code {
        Some("OutboundWebIdentityFederationDisabledException") => denied(
            "outbound identity federation is off in this AWS account: turn it on, once, with `aws iam \
             enable-outbound-web-identity-federation`; or name a secret in ENTRA_CREDENTIAL_SECRET",
        ),
        Some("AccessDenied" | "AccessDeniedException") => denied(
            "the role needs sts:GetWebIdentityToken for the audience api://AzureADTokenExchange, RS256 and 300 seconds, \
             as template.yaml grants it, and no service control policy may forbid it",
        ),
        Some("InvalidAction") => denied(
            "this endpoint of STS gives no web identity tokens: set AWS_REGION, and no global endpoint of STS",
        ),
        Some("Throttling" | "ThrottlingException" | "RequestLimitExceeded") => {
            Cause::Throttled { retry_after: None }
        }
        code => Cause::Unanswered { detail: code.unwrap_or("no answer").to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_without_federation_learns_how_to_turn_it_on() {
        let told = cause(Some("OutboundWebIdentityFederationDisabledException")).to_string();
        assert!(told.contains("enable-outbound-web-identity-federation"), "{told}");
    }

    #[test]
    fn who_is_throttled_comes_again_and_who_is_denied_learns_why() {
        assert!(matches!(cause(Some("Throttling")), Cause::Throttled { .. }));
        assert!(cause(Some("AccessDenied")).to_string().contains("sts:GetWebIdentityToken"));
        assert!(matches!(cause(None), Cause::Unanswered { .. }));
    }
}
