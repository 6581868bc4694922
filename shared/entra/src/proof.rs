//! How an app registration proves at the login who it is.

use async_trait::async_trait;
use engine::ports::CallError;
use jiff::Timestamp;
use planning::EntraObjectId;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded::Serializer;

/// What says that an assertion is a JWT (RFC 7523, section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A proof, for one token request.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The app registration's client secret.
    ClientSecret(SecretString),
    /// A JWT that is signed with the key of a certificate of the app registration (certificate-credentials).
    Certificate(SecretString),
    /// A JWT of somebody else, whom a federated identity credential of the app registration trusts.
    Federated(SecretString),
}

/// For whom a proof is made, where, and when.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The application (client) id.
    pub client_id: &'a EntraObjectId,
    /// The address that it is sent to.
    pub token_url: &'a str,
    /// The present.
    pub now: Timestamp,
}

/// Makes proofs.
#[async_trait]
pub trait ProofSource: Send + Sync {
    /// A proof that is good now. It is asked for with every token request: what it is made from may have been rotated.
    ///
    /// # Errors
    /// When there is none; the error says what to do.
    async fn proof(&self, occasion: Occasion<'_>) -> Result<Proof, CallError>;
}

/// A proof that is always the same one.
#[async_trait]
impl ProofSource for Proof {
    async fn proof(&self, _: Occasion<'_>) -> Result<Proof, CallError> {
        Ok(self.clone())
    }
}

impl Proof {
    /// Adds the proof to a token request.
    pub(crate) fn append(&self, form: &mut Serializer<'_, String>) {
        match self {
            Self::ClientSecret(secret) => {
                form.append_pair("client_secret", secret.expose_secret());
            }
            Self::Certificate(assertion) | Self::Federated(assertion) => {
                form.append_pair("client_assertion_type", JWT_BEARER);
                form.append_pair("client_assertion", assertion.expose_secret());
            }
        }
    }
}
