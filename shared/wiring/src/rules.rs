//! The rules, as they stand in SSM Parameter Store.

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use engine::access::ports::RulesReader;
use engine::ports::{CallError, Cause};
use planning::rules::{Document, Fault, Rules};

const OPERATION: &str = "ssm:GetParameter";

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

    /// The document's text.
    ///
    /// # Errors
    /// When there is no such parameter, or it cannot be read.
    pub async fn text(&self) -> Result<String, CallError> {
        let answer = self.client.get_parameter().name(&self.name).with_decryption(true).send().await;
        let answer = answer.map_err(|error| self.failed(cause(&error)))?;
        let value = answer.parameter.and_then(|parameter| parameter.value);
        value.ok_or_else(|| {
            let missing = "the parameter has no value: store the rules in it".to_owned();
            self.failed(Cause::Incomplete { missing })
        })
    }

    fn failed(&self, cause: Cause) -> CallError {
        CallError::new(OPERATION, format!("parameter {}", self.name), cause)
    }
}

#[async_trait]
impl RulesReader for RulesParameter {
    async fn rules(&self) -> Result<Rules, CallError> {
        Document::read(&self.text().await?).into_rules().map_err(|faults| self.failed(faulty(&faults)))
    }
}

/// Where the first fault is. Its text may quote names out of the rules, and stays out of logs.
fn faulty(faults: &[Fault]) -> Cause {
    let place = faults.first().map_or_else(String::new, |fault| format!(" at {}", fault.at));
    let missing = format!(
        "the rules have {} errors, the first{place}; nobody's access changes before they are corrected: look at them \
         with `entra-mirror rules check`, and store what it passes",
        faults.len()
    );
    Cause::Incomplete { missing }
}

fn cause(error: &SdkError<GetParameterError>) -> Cause {
    let Some(refusal) = error.as_service_error() else {
        return Cause::Unanswered { detail: "Parameter Store gave no usable answer".to_owned() };
    };
    match refusal.code() {
        Some("ThrottlingException") => Cause::Throttled { retry_after: None },
        Some("ParameterNotFound") => Cause::Denied {
            remedy: "there is no such parameter: store the rules under the name of RULES_PARAMETER"
                .to_owned(),
        },
        Some("AccessDeniedException") => Cause::Denied {
            remedy: "grant ssm:GetParameter on the parameter of RULES_PARAMETER to the function's role, and \
                     kms:Decrypt if it is encrypted with a key of its own"
                .to_owned(),
        },
        code => Cause::Unanswered { detail: format!("Parameter Store: {}", code.unwrap_or("no error code")) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_by_its_place_and_not_by_names() {
        let faults = Document::read("[[grant]]\ngroup = \"Secret Project\"\npermission = 1\n").into_rules();
        let text = faulty(&faults.unwrap_err()).to_string();
        assert!(text.contains("errors, the first at ") && !text.contains("Secret"), "{text}");
    }
}
