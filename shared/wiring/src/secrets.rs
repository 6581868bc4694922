//! Secrets, read from Secrets Manager. A version is always asked for by its stage.

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use engine::ports::{CallError, Cause};
use entra::{CertificateKey, Occasion, Proof, ProofSource};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// One secret.
#[derive(Debug, Clone)]
pub struct Secret {
    client: Client,
    id: String,
}

/// Which version of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// `AWSCURRENT`.
    Current,
    /// `AWSPREVIOUS`: the one before the last rotation.
    Previous,
}

impl Secret {
    /// The secret of this name or ARN.
    pub fn new(client: Client, id: String) -> Self {
        Self { client, id }
    }

    /// Reads a version; `None` if the secret has none of this stage.
    ///
    /// # Errors
    /// When Secrets Manager refuses or does not answer; the error names the secret and what to do.
    pub async fn read(&self, stage: Stage) -> Result<Option<SecretString>, CallError> {
        let stage = match stage {
            Stage::Current => "AWSCURRENT",
            Stage::Previous => "AWSPREVIOUS",
        };
        let answer = self.client.get_secret_value().secret_id(&self.id).version_stage(stage).send().await;
        match answer {
            Ok(answer) => Ok(answer.secret_string.map(SecretString::from)),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(self.error(cause(error.code()))),
        }
    }

    /// Reads the current version, which must exist.
    ///
    /// # Errors
    /// As [`Secret::read`], and when there is no current version.
    pub async fn current(&self) -> Result<SecretString, CallError> {
        self.read(Stage::Current).await?.ok_or_else(|| {
            let missing = "the secret does not exist or has no value: give it one".to_owned();
            self.error(Cause::Incomplete { missing })
        })
    }

    pub(crate) fn error(&self, cause: Cause) -> CallError {
        CallError::new("secretsmanager:GetSecretValue", &self.id, cause)
    }
}

fn cause(code: Option<&str>) -> Cause {
    match code {
        Some("AccessDeniedException" | "DecryptionFailure") => Cause::Denied {
            remedy: "the function's role needs secretsmanager:GetSecretValue on this secret, \
                     and kms:Decrypt on its key if it has one of its own"
                .to_owned(),
        },
        Some("ThrottlingException") => Cause::Throttled { retry_after: None },
        code => Cause::Unanswered { detail: code.unwrap_or("no answer").to_owned() },
    }
}

/// A credential of an Entra app registration: `{"client_secret": ".."}`, or `{"certificate": "..", "private_key": ".."}`
/// in PEM.
#[derive(Debug)]
pub(crate) struct EntraSecret(pub(crate) Secret);

#[derive(Deserialize)]
struct EntraCredential {
    client_secret: Option<SecretString>,
    certificate: Option<String>,
    private_key: Option<SecretString>,
}

#[async_trait]
impl ProofSource for EntraSecret {
    async fn proof(&self, occasion: Occasion<'_>) -> Result<Proof, CallError> {
        let text = self.0.current().await?;
        proof(text.expose_secret(), occasion).map_err(|missing| self.0.error(Cause::Incomplete { missing }))
    }
}

/// The proof that a secret's text makes. serde's own message may quote the secret.
fn proof(text: &str, occasion: Occasion<'_>) -> Result<Proof, String> {
    const FORM: &str = "the secret is neither {\"client_secret\": \"..\"} nor {\"certificate\": \"..\", \
                        \"private_key\": \"..\"}: store it in one of these forms";
    let stored: EntraCredential = serde_json::from_str(text).map_err(|_| FORM.to_owned())?;
    match (stored.client_secret, stored.certificate, stored.private_key) {
        (Some(secret), None, None) => Ok(Proof::ClientSecret(secret)),
        (None, Some(certificate), Some(key)) => {
            let key = CertificateKey::from_pem(&certificate, &key);
            key.and_then(|key| key.proof(occasion)).map_err(|fault| fault.to_string())
        }
        _ => Err(FORM.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use planning::EntraObjectId;

    fn read(text: &str) -> Result<Proof, String> {
        let client: EntraObjectId = "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e".parse().unwrap();
        let occasion =
            Occasion { client_id: &client, token_url: "https://login", now: Timestamp::UNIX_EPOCH };
        proof(text, occasion)
    }

    #[test]
    fn the_secret_says_whether_it_is_a_client_secret_or_a_certificate() {
        let secret = read(r#"{"client_secret":"hunter2"}"#);
        assert!(matches!(secret, Ok(Proof::ClientSecret(secret)) if secret.expose_secret() == "hunter2"));
        let told = read(r#"{"certificate":"hunter2","private_key":"hunter2"}"#).err().unwrap();
        assert!(told.contains("BEGIN CERTIFICATE"), "{told}");
    }

    #[test]
    fn what_says_neither_or_both_is_refused_and_not_shown() {
        for text in [
            "hunter2",
            "{}",
            r#"{"certificate":"hunter2"}"#,
            r#"{"client_secret":"hunter2","certificate":"hunter2","private_key":"hunter2"}"#,
        ] {
            let told = read(text).err().unwrap();
            assert!(told.contains("client_secret") && !told.contains("hunter2"), "{told}");
        }
    }
}
