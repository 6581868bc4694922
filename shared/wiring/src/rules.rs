//! The rules, as they stand in SSM Parameter Store.

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use engine::access::ports::RulesReader;
use engine::ports::{CallError, Cause};

const GET: &str = "ssm:GetParameter";
const PUT: &str = "ssm:PutParameter";

/// Bytes that a parameter of the larger tier holds.
const MOST_BYTES: usize = 8 * 1_024;

/// A parameter that holds the document of grants.
#[derive(Debug, Clone)]
pub struct RulesParameter {
    client: Client,
    name: String,
}

impl RulesParameter {
    /// The parameter of this name (`RULES_PARAMETER`).
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// The parameter's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The document's text; `None` if there is no such parameter.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn text_if_any(&self) -> Result<Option<String>, CallError> {
        let answer = self.client.get_parameter().name(&self.name).with_decryption(true).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if is_refusal(&error, "ParameterNotFound") => return Ok(None),
            Err(error) => return Err(self.failed(GET, cause(&error, GET))),
        };
        let value = answer.parameter.and_then(|parameter| parameter.value);
        let missing =
            || Cause::Incomplete { missing: "the parameter has no value: store the rules in it".to_owned() };
        value.map(Some).ok_or_else(|| self.failed(GET, missing()))
    }

    /// Stores a document. A parameter that exists keeps its type, so that an encrypted one stays encrypted.
    ///
    /// # Errors
    /// When the document is too large for a parameter, or Parameter Store refuses it.
    pub async fn store(&self, text: &str) -> Result<(), CallError> {
        if text.len() > MOST_BYTES {
            let remedy = format!(
                "the rules have {} bytes, and a parameter holds {MOST_BYTES}: say more of them by naming convention",
                text.len()
            );
            return Err(self.failed(PUT, Cause::Denied { remedy }));
        }
        let is_new = self.text_if_any().await?.is_none();
        let request = self.client.put_parameter().name(&self.name).value(text);
        let request = request.tier(ParameterTier::IntelligentTiering).overwrite(!is_new);
        let request = request.set_type(is_new.then_some(ParameterType::String));
        request.send().await.map(|_| ()).map_err(|error| self.failed(PUT, cause(&error, PUT)))
    }

    fn failed(&self, operation: &'static str, cause: Cause) -> CallError {
        CallError::new(operation, format!("parameter {}", self.name), cause)
    }
}

#[async_trait]
impl RulesReader for RulesParameter {
    async fn text(&self) -> Result<String, CallError> {
        let missing = || Cause::Denied {
            remedy: "there is no such parameter: store the rules in it with `entra-mirror rules push FILE`"
                .to_owned(),
        };
        self.text_if_any().await?.ok_or_else(|| self.failed(GET, missing()))
    }
}

/// Rules that are played through. Whether any are in use does not matter.
pub(crate) struct GivenRules(pub(crate) String);

#[async_trait]
impl RulesReader for GivenRules {
    async fn text(&self) -> Result<String, CallError> {
        Ok(self.0.clone())
    }
}

fn is_refusal<E: ProvideErrorMetadata>(error: &SdkError<E>, code: &str) -> bool {
    error.as_service_error().is_some_and(|refusal| refusal.code() == Some(code))
}

fn cause<E: ProvideErrorMetadata>(error: &SdkError<E>, operation: &str) -> Cause {
    let Some(refusal) = error.as_service_error() else {
        return Cause::Unanswered { detail: "Parameter Store gave no usable answer".to_owned() };
    };
    match refusal.code() {
        Some("ThrottlingException" | "TooManyUpdates") => Cause::Throttled { retry_after: None },
        Some("AccessDeniedException") => Cause::Denied {
            remedy: format!(
                "grant {operation} on the parameter of RULES_PARAMETER to these credentials, and the use of its key if \
                 it is encrypted with one of its own"
            ),
        },
        Some("ParameterAlreadyExists") => Cause::Denied {
            remedy: "somebody stored rules at the same time: look at both, and push again".to_owned(),
        },
        code => Cause::Unanswered { detail: format!("Parameter Store: {}", code.unwrap_or("no error code")) },
    }
}
