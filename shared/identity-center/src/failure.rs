//! What an SDK error means to a caller. AWS's messages are dropped: they may quote names and addresses.

use crate::operations::Operation;
use aws_sdk_identitystore::Error;
use aws_sdk_identitystore::config::http::HttpResponse;
use aws_sdk_identitystore::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_identitystore::operation::RequestId;
use aws_sdk_identitystore::types::error::{
    AccessDeniedException, ConflictException, ResourceNotFoundException, ThrottlingException,
    ValidationException,
};
use aws_sdk_identitystore::types::{AccessDeniedExceptionReason, ConflictExceptionReason, ResourceType};
use engine::ports::Cause;
use jiff::SignedDuration;
use std::error::Error as StdError;

/// Codes of the AWS front end that mean missing, wrong or expired credentials (AWS "Common Errors").
pub(crate) const CREDENTIAL_CODES: [&str; 11] = [
    "AccessDenied",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "UnrecognizedClientException",
];

/// Why the call failed.
pub(crate) fn cause<E>(operation: &Operation, error: SdkError<E, HttpResponse>) -> Cause
where
    E: Into<Error> + StdError + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            service_cause(operation, &context.into_err().into(), status)
        }
        SdkError::TimeoutError(_) => unanswered("timed out".to_owned()),
        SdkError::ResponseError(context) => {
            let status = context.raw().status().as_u16();
            unanswered(format!("HTTP {status} with an unreadable body"))
        }
        unsent @ (SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_)) => {
            unanswered(chain(&unsent))
        }
        _ => unanswered("unknown failure".to_owned()),
    }
}

fn service_cause(operation: &Operation, error: &Error, status: u16) -> Cause {
    match error {
        Error::AccessDeniedException(denied) => access_denied(operation, denied),
        Error::ConflictException(conflict) => conflict_cause(conflict),
        Error::ResourceNotFoundException(missing) => not_found(operation, missing),
        Error::ThrottlingException(throttled) => throttled_cause(throttled),
        Error::ValidationException(invalid) => invalid_cause(invalid),
        Error::ServiceQuotaExceededException(exceeded) => Cause::Refused {
            code: "ServiceQuotaExceededException: raise the quota of users or groups of Identity Center \
                   in Service Quotas"
                .to_owned(),
            request_id: request_id(error, exceeded.request_id()),
        },
        Error::InternalServerException(internal) => {
            unanswered(format!("HTTP {status}, request id {}", request_id(error, internal.request_id())))
        }
        other => unmodelled(other, status),
    }
}

fn throttled_cause(throttled: &ThrottlingException) -> Cause {
    let seconds = i64::from(throttled.retry_after_seconds());
    Cause::Throttled { retry_after: (seconds > 0).then(|| SignedDuration::from_secs(seconds)) }
}

/// Without a reason it is uniqueness: older answers have none, nor has the one for an existing membership.
fn conflict_cause(conflict: &ConflictException) -> Cause {
    match conflict.reason() {
        Some(ConflictExceptionReason::ConcurrentModification) => Cause::Concurrent,
        _ => Cause::Conflict,
    }
}

fn not_found(operation: &Operation, missing: &ResourceNotFoundException) -> Cause {
    if missing.reason().is_some() {
        return denied(
            "the customer managed KMS key of Identity Center was not found: restore it, or correct \
             Identity Center's encryption settings",
        );
    }
    match missing.resource_type() {
        None => Cause::NotFound,
        Some(kind) if operation.can_lack.contains(&kind.as_str()) => Cause::NotFound,
        Some(ResourceType::IdentityStore) => denied(
            "there is no such identity store in this account and Region: check IDENTITY_STORE_ID and the \
             Region, which must be Identity Center's primary one",
        ),
        Some(_) => Cause::Incomplete {
            missing: "AWS says that something else than the object was not found; look up the call in \
                      CloudTrail"
                .to_owned(),
        },
    }
}

fn invalid_cause(invalid: &ValidationException) -> Cause {
    match invalid.reason() {
        // Every reason that the model knows is about the key (KMS_DISABLED, KMS_INVALID_STATE, ...).
        Some(reason) if reason.as_str().starts_with("KMS_") => denied(&format!(
            "the customer managed KMS key of Identity Center cannot be used ({}): correct the key",
            plain(reason.as_str())
        )),
        _ => Cause::Refused {
            code: "ValidationException".to_owned(),
            request_id: request_id(&Error::ValidationException(invalid.clone()), invalid.request_id()),
        },
    }
}

fn access_denied(operation: &Operation, error: &AccessDeniedException) -> Cause {
    match error.reason() {
        Some(AccessDeniedExceptionReason::KmsAccessDenied) => denied(
            "grant kms:Decrypt on the customer managed KMS key of Identity Center to the mirror's role, \
             and allow it in the key's policy",
        ),
        _ => denied(&format!("grant {} to the mirror's role", operation.permissions())),
    }
}

/// An answer that the model does not describe: the AWS front end refused the call, or something between us
/// and AWS answered.
fn unmodelled(error: &Error, status: u16) -> Cause {
    let code = error.code().map(plain);
    match code {
        _ if status == 429 => Cause::Throttled { retry_after: None },
        Some(code) if CREDENTIAL_CODES.contains(&code.as_str()) => denied(&format!(
            "AWS does not accept the mirror's credentials ({code}): check the function's role, Region and \
             clock"
        )),
        Some(code) if (400..500).contains(&status) && !code.starts_with("RequestTimeout") => {
            Cause::Refused { code, request_id: request_id(error, None) }
        }
        Some(code) => unanswered(format!("HTTP {status}, {code}")),
        None => unanswered(format!("HTTP {status} without an error code")),
    }
}

pub(crate) fn denied(remedy: &str) -> Cause {
    Cause::Denied { remedy: remedy.to_owned() }
}

pub(crate) fn unanswered(detail: String) -> Cause {
    Cause::Unanswered { detail }
}

/// The request id of the header, else that of the body.
fn request_id(error: &Error, in_body: Option<&str>) -> String {
    RequestId::request_id(error).or(in_body).map_or_else(|| "unknown".to_owned(), plain)
}

/// A code or id without anything that could be content.
pub(crate) fn plain(text: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !text.is_empty() && text.len() <= 80 && text.chars().all(legal) {
        text.to_owned()
    } else {
        "unreadable".to_owned()
    }
}

/// What went wrong on our side of the wire: connections, credentials, configuration. No answer is in it.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    texts.join(": ")
}
