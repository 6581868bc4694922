//! What a call is answered with, and every way it can fail.

use serde_json::{Map, Value, json};
use thiserror::Error;

/// An answer in AWS JSON 1.1, not yet on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsResponse {
    /// The HTTP status.
    pub status: u16,
    /// The error's name, for the header `x-amzn-ErrorType`; `None` if the call succeeded.
    pub error_type: Option<String>,
    /// The body; of an error it repeats the name as `__type`.
    pub body: Value,
}

/// Why a write conflicts (`ConflictExceptionReason` of the API model).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConflictReason {
    UniquenessConstraintViolation,
    ConcurrentModification,
}

/// What was not found (`ResourceType` of the API model; the last three are the console API's, whose errors have no model).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResourceType {
    User,
    Group,
    GroupMembership,
    IdentityStore,
    Directory,
    ExternalIdp,
    Certificate,
}

impl ResourceType {
    fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Group => "GROUP",
            Self::GroupMembership => "GROUP_MEMBERSHIP",
            Self::IdentityStore => "IDENTITY_STORE",
            Self::Directory => "DIRECTORY",
            Self::ExternalIdp => "EXTERNAL_IDP",
            Self::Certificate => "CERTIFICATE",
        }
    }
}

/// A call that fails. Values of requests never stand in messages: they may be names and addresses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Failure {
    /// The request breaks a rule.
    #[error("{0}")]
    Validation(String),
    /// The body is not what the operation's shape says.
    #[error("{0}")]
    Serialization(String),
    /// A write that contradicts what stands there.
    #[error("{message}")]
    Conflict { message: &'static str, reason: ConflictReason },
    /// `id` is what was asked for, if it was asked for by id.
    #[error("{} not found.", .kind.name())]
    NotFound { kind: ResourceType, id: Option<String> },
    /// More users or groups than the quota.
    #[error("The quota of the identity store is exceeded")]
    QuotaExceeded,
    /// More calls than the quota.
    #[error("Rate exceeded")]
    Throttled { retry_after_seconds: i64 },
    /// No such API or operation.
    #[error("the operation is unknown")]
    UnknownOperation,
}

impl Failure {
    /// One broken rule, in the words of AWS.
    pub fn invalid(path: &str, rule: &str) -> Self {
        Self::broken(&[broken(path, rule)])
    }

    /// Several broken rules, each put by [`broken`].
    pub fn broken(rules: &[String]) -> Self {
        let errors = if rules.len() == 1 { "error" } else { "errors" };
        Self::Validation(format!("{} validation {errors} detected: {}", rules.len(), rules.join("; ")))
    }

    /// A unique value, or a membership, that is there already.
    pub fn taken(message: &'static str) -> Self {
        Self::Conflict { message, reason: ConflictReason::UniquenessConstraintViolation }
    }

    /// Somebody changed the object since the caller read it.
    pub fn concurrent() -> Self {
        let message = "The resource was changed meanwhile";
        Self::Conflict { message, reason: ConflictReason::ConcurrentModification }
    }

    /// An object that was asked for by its id does not exist.
    pub fn missing(kind: ResourceType, id: &impl ToString) -> Self {
        Self::NotFound { kind, id: Some(id.to_string()) }
    }

    /// All failures are HTTP 400 in AWS JSON, except internal ones (API model).
    pub fn response(self, request_id: &str) -> AwsResponse {
        let mut body = Map::new();
        body.insert("__type".to_owned(), json!(self.name()));
        body.insert("Message".to_owned(), json!(self.to_string()));
        body.insert("RequestId".to_owned(), json!(request_id));
        for (member, value) in self.details() {
            body.insert(member.to_owned(), value);
        }
        AwsResponse { status: 400, error_type: Some(self.name().to_owned()), body: Value::Object(body) }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Validation(_) => "ValidationException",
            Self::Serialization(_) => "SerializationException",
            Self::Conflict { .. } => "ConflictException",
            Self::NotFound { .. } => "ResourceNotFoundException",
            Self::QuotaExceeded => "ServiceQuotaExceededException",
            Self::Throttled { .. } => "ThrottlingException",
            Self::UnknownOperation => "UnknownOperationException",
        }
    }

    fn details(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Conflict { reason, .. } => vec![("Reason", json!(reason_name(*reason)))],
            Self::NotFound { kind, id } => [("ResourceType", json!(kind.name()))]
                .into_iter()
                .chain(id.as_ref().map(|id| ("ResourceId", json!(id))))
                .collect(),
            Self::Throttled { retry_after_seconds } => {
                vec![("RetryAfterSeconds", json!(retry_after_seconds))]
            }
            _ => Vec::new(),
        }
    }
}

/// One broken rule, for [`Failure::broken`].
pub(super) fn broken(path: &str, rule: &str) -> String {
    format!("Value at '{path}' failed to satisfy constraint: {rule}")
}

fn reason_name(reason: ConflictReason) -> &'static str {
    match reason {
        ConflictReason::UniquenessConstraintViolation => "UNIQUENESS_CONSTRAINT_VIOLATION",
        ConflictReason::ConcurrentModification => "CONCURRENT_MODIFICATION",
    }
}
