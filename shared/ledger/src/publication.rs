//! Publishes certificates in a secret of Secrets Manager, where other tools read them: AWSCURRENT is in force, AWSPENDING
//! comes next. A version is named by what it holds, so that writing it twice makes one.

use crate::failure::Operation;
use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use engine::ports::{CallError, Cause};
use engine::rotation::ports::{CertificateState, Publication, PublishedCertificate};
use uuid::Uuid;

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const SECRET: &str = "the secret of the certificates (CERTIFICATE_SECRET)";
const GET: Operation = Operation {
    name: "secretsmanager:GetSecretValue",
    actions: "secretsmanager:GetSecretValue",
    resource: SECRET,
};
const PUT: Operation = Operation {
    name: "secretsmanager:PutSecretValue",
    actions: "secretsmanager:PutSecretValue",
    resource: SECRET,
};
const MOVE: Operation = Operation {
    name: "secretsmanager:UpdateSecretVersionStage",
    actions: "secretsmanager:UpdateSecretVersionStage",
    resource: SECRET,
};

/// The secret.
#[derive(Debug, Clone)]
pub struct SecretPublication {
    client: Client,
    secret: String,
}

/// A version that carries a stage.
struct Staged {
    version: String,
    text: String,
}

/// A version that is to be.
struct Wanted {
    version: String,
    text: String,
}

impl SecretPublication {
    /// The secret of this name or ARN.
    pub fn new(client: Client, secret: String) -> Self {
        Self { client, secret }
    }

    /// The version of a stage, by that stage alone: versions come and go.
    async fn read(&self, stage: &str) -> Result<Option<Staged>, CallError> {
        let request = self.client.get_secret_value().secret_id(&self.secret).version_stage(stage);
        match request.send().await {
            Ok(answer) => Ok(answer
                .version_id
                .zip(answer.secret_string)
                .map(|(version, text)| Staged { version, text })),
            // Also where the secret exists and has no version of this stage; a missing secret shows at the first write.
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(GET.error(&self.secret, &error)),
        }
    }

    /// Gives a version the stage, taking it from the one that has it: if that is another by now, nothing happens.
    async fn ensure(&self, stage: &str, held: Option<&Staged>, wanted: &Wanted) -> Result<(), CallError> {
        if held.is_some_and(|held| held.text == wanted.text) {
            return Ok(());
        }
        let put = self.client.put_secret_value().secret_id(&self.secret).secret_string(&wanted.text);
        // The first version of a secret is current whatever is said. Any other gets the stage below.
        let put = put.client_request_token(&wanted.version).version_stages(PENDING);
        put.send().await.map_err(|error| PUT.error(&self.secret, &error))?;
        let from = self.read(stage).await?.map(|held| held.version);
        if from.as_deref() == Some(wanted.version.as_str()) {
            return Ok(());
        }
        if from.as_deref() != held.map(|held| held.version.as_str()) && stage == CURRENT {
            return Err(MOVE.failed(&self.secret, Cause::Concurrent));
        }
        self.move_stage(stage, from, Some(wanted.version.clone())).await
    }

    async fn move_stage(
        &self,
        stage: &str,
        from: Option<String>,
        to: Option<String>,
    ) -> Result<(), CallError> {
        let request = self.client.update_secret_version_stage().secret_id(&self.secret).version_stage(stage);
        let moved = request.set_remove_from_version_id(from).set_move_to_version_id(to).send().await;
        moved.map(|_| ()).map_err(|error| match &error {
            // The stage is somebody else's by now.
            SdkError::ServiceError(context) if context.err().code() == Some("InvalidParameterException") => {
                MOVE.failed(&self.secret, Cause::Concurrent)
            }
            _ => MOVE.error(&self.secret, &error),
        })
    }
}

#[async_trait]
impl Publication for SecretPublication {
    async fn publish(
        &self,
        in_force: &PublishedCertificate,
        staged: Option<&PublishedCertificate>,
    ) -> Result<(), CallError> {
        let (current, pending) = (self.read(CURRENT).await?, self.read(PENDING).await?);
        let in_force = wanted(in_force)?;
        let is_current = current.as_ref().is_some_and(|current| current.text == in_force.text);
        self.ensure(CURRENT, current.as_ref(), &in_force).await?;
        // On its way to being current a version was pending for a moment.
        let pending = if is_current { pending } else { self.read(PENDING).await? };
        match (staged.map(wanted).transpose()?, pending) {
            (Some(staged), pending) => self.ensure(PENDING, pending.as_ref(), &staged).await,
            (None, Some(pending)) => self.move_stage(PENDING, Some(pending.version), None).await,
            (None, None) => Ok(()),
        }
    }
}

/// The version that holds a certificate in a state.
fn wanted(certificate: &PublishedCertificate) -> Result<Wanted, CallError> {
    let text = serde_json::to_string(certificate).map_err(|error| {
        let detail = format!("the certificate was not encoded: {error}");
        CallError::new("encode", certificate.sha256, Cause::Unanswered { detail })
    })?;
    let state = match certificate.state {
        CertificateState::InForce => "in force",
        CertificateState::Staged => "staged",
    };
    // By the whole text: what is published of a certificate may change with a later version of this program.
    let version = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{state} {text}").as_bytes()).to_string();
    Ok(Wanted { version, text })
}
