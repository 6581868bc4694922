//! What an error of IAM means. AWS's messages are dropped.

use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_iam::operation::RequestId;
use engine::ports::Cause;
use std::error::Error as StdError;

/// Why a call failed; `action` is what it needs.
pub(super) fn cause<E>(action: &str, error: &SdkError<E, HttpResponse>) -> Cause
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let SdkError::ServiceError(context) = error else {
        return match error {
            SdkError::TimeoutError(_) => unanswered("timed out".to_owned()),
            SdkError::ResponseError(_) => unanswered("an unreadable answer".to_owned()),
            // No answer is in it; a role that cannot be assumed stands here, too.
            unsent => unanswered(DisplayErrorContext(unsent).to_string().chars().take(300).collect()),
        };
    };
    let status = context.raw().status().as_u16();
    match context.err().code().unwrap_or_default() {
        "NoSuchEntity" | "NoSuchEntityException" => {
            Cause::Denied { remedy: "there is no such SAML provider: correct SAML_PROVIDERS".to_owned() }
        }
        "AccessDenied" | "AccessDeniedException" => Cause::Denied {
            remedy: format!(
                "grant {action} on this provider to the function's role, or to SAML_PROVIDER_ROLE there"
            ),
        },
        "Throttling" | "ThrottlingException" => Cause::Throttled { retry_after: None },
        "ConcurrentModification" | "ConcurrentModificationException" => Cause::Concurrent,
        _ if status >= 500 => unanswered(format!("HTTP {status}")),
        code => Cause::Refused {
            code: plain(code),
            request_id: error.request_id().map_or_else(|| "unknown".to_owned(), plain),
        },
    }
}

fn unanswered(detail: String) -> Cause {
    Cause::Unanswered { detail }
}

/// A code or id without anything that could be content.
fn plain(text: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_plain = !text.is_empty() && text.len() <= 80 && text.chars().all(legal);
    if is_plain { text.to_owned() } else { "unreadable".to_owned() }
}
