//! Secrets, read from Secrets Manager. A version is always asked for by its stage.

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use engine::ports::{CallError, Cause};
use entra::ClientSecret;
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

/// The client secret of the Entra app registration: `{"client_secret": ".."}`.
#[derive(Debug)]
pub(crate) struct EntraSecret(pub(crate) Secret);

#[derive(Deserialize)]
struct EntraCredential {
    client_secret: SecretString,
}

#[async_trait]
impl ClientSecret for EntraSecret {
    async fn read(&self) -> Result<SecretString, CallError> {
        let text = self.0.current().await?;
        let credential: Result<EntraCredential, _> = serde_json::from_str(text.expose_secret());
        // serde's own message may quote the secret.
        credential.map(|credential| credential.client_secret).map_err(|_| {
            let missing = "the secret is not {\"client_secret\": \"..\"}: store it in this form".to_owned();
            self.0.error(Cause::Incomplete { missing })
        })
    }
}
