//! What an SDK error means to a caller. AWS's messages are dropped: they may quote what was sent.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use engine::ports::{CallError, Cause};
use std::error::Error as StdError;

/// Codes that ask to come back later (DynamoDB and SQS API references, "Common Errors"; the last three stand
/// in the reasons of a cancelled transaction).
const THROTTLING_CODES: [&str; 11] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "Throttling",
    "ThrottlingException",
    "OverLimit",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "TransactionConflict",
];

/// Codes that mean that the role lacks a permission.
const PERMISSION_CODES: [&str; 3] = ["AccessDenied", "AccessDeniedException", "NotAuthorized"];

/// Codes that mean missing, wrong or expired credentials (AWS "Common Errors").
const CREDENTIAL_CODES: [&str; 8] = [
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "OptInRequired",
    "RequestExpired",
    "UnrecognizedClientException",
];

/// Codes that mean that the table or queue is not there.
const MISSING_CODES: [&str; 4] = [
    "ResourceNotFoundException",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "InvalidAddress",
];

/// Codes that mean that a message was received again, or deleted, since its receipt was given out.
const VOID_RECEIPT_CODES: [&str; 2] = ["MessageNotInflight", "ReceiptHandleIsInvalid"];

/// One API operation, and what to tell a person about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// Its name.
    pub name: &'static str,
    /// The IAM actions that it needs.
    pub actions: &'static str,
    /// What they are needed on, with the variable that names it.
    pub resource: &'static str,
}

impl Operation {
    /// An error of this operation on one object.
    pub fn failed(&self, object: impl ToString, cause: Cause) -> CallError {
        CallError::new(self.name, object, cause)
    }

    /// The error that the SDK reports.
    pub fn error<E>(&self, object: impl ToString, error: &SdkError<E, HttpResponse>) -> CallError
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        self.failed(object, self.cause(error))
    }

    /// True if the write's condition did not hold.
    pub fn is_condition<E: ProvideErrorMetadata>(&self, error: &SdkError<E, HttpResponse>) -> bool {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        code == Some("ConditionalCheckFailedException")
    }

    /// Why the call failed.
    pub fn cause<E>(&self, error: &SdkError<E, HttpResponse>) -> Cause
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("no error code");
                let status = context.raw().status().as_u16();
                let request_id = error.request_id().map_or_else(|| "unknown".to_owned(), plain);
                self.cause_of(code, &format!("HTTP {status}, request id {request_id}"))
            }
            SdkError::ResponseError(context) => {
                unanswered(format!("HTTP {} with an unreadable body", context.raw().status().as_u16()))
            }
            SdkError::TimeoutError(_) => unanswered("timed out".to_owned()),
            unsent => unanswered(chain(unsent)),
        }
    }

    /// What a code of the service means; `detail` is for a support case.
    pub fn cause_of(&self, code: &str, detail: &str) -> Cause {
        let Self { actions, resource, .. } = self;
        if THROTTLING_CODES.contains(&code) {
            Cause::Throttled { retry_after: None }
        } else if PERMISSION_CODES.contains(&code) {
            denied(format!("grant {actions} on {resource} to the function's role"))
        } else if CREDENTIAL_CODES.contains(&code) {
            let code = plain(code);
            denied(format!(
                "AWS does not accept the credentials ({code}): check the function's role and Region"
            ))
        } else if MISSING_CODES.contains(&code) {
            denied(format!("{resource} is not in this account and Region: correct the variable"))
        } else if VOID_RECEIPT_CODES.contains(&code) {
            Cause::NotFound
        } else {
            unanswered(format!("{}, {detail}", plain(code)))
        }
    }
}

fn denied(remedy: String) -> Cause {
    Cause::Denied { remedy }
}

fn unanswered(detail: String) -> Cause {
    Cause::Unanswered { detail }
}

/// A code or id without anything that could be content.
fn plain(text: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    if !text.is_empty() && text.len() <= 80 && text.chars().all(legal) {
        text.to_owned()
    } else {
        "unreadable".to_owned()
    }
}

/// What went wrong on our side of the wire: connections, credentials, configuration. No answer is in it.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATE: Operation = Operation {
        name: "UpdateItem",
        actions: "dynamodb:UpdateItem",
        resource: "the ledger's table (LEDGER_TABLE)",
    };

    #[test]
    fn a_busy_service_is_no_failure() {
        for code in THROTTLING_CODES {
            assert_eq!(UPDATE.cause_of(code, ""), Cause::Throttled { retry_after: None }, "{code}");
        }
    }

    #[test]
    fn who_is_denied_learns_the_action_and_the_variable() {
        let text = UPDATE.failed("x", UPDATE.cause_of("AccessDeniedException", "")).to_string();
        for part in ["UpdateItem x", "grant dynamodb:UpdateItem", "LEDGER_TABLE", "the function's role"] {
            assert!(text.contains(part), "{part:?} is missing: {text}");
        }
    }

    #[test]
    fn an_unknown_code_may_have_taken_effect() {
        let cause = UPDATE.cause_of("InternalServerError", "HTTP 500, request id A1");
        let detail = "InternalServerError, HTTP 500, request id A1".to_owned();
        assert_eq!(cause, Cause::Unanswered { detail });
        let text = UPDATE.cause_of("ada@example.com", "").to_string();
        assert!(!text.contains("ada@") && !text.contains("example"), "an answer's text is shown: {text}");
    }
}
