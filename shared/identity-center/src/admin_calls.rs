//! One call to sso-admin or AWS Organizations: its budget, its name and object for errors, and what its answer comes
//! to. AWS's messages are dropped.

use crate::failure::{CREDENTIAL_CODES, chain, denied, plain, unanswered};
use crate::pages::Asked;
use aws_sdk_ssoadmin::config::http::HttpResponse;
use aws_sdk_ssoadmin::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssoadmin::operation::RequestId;
use engine::budget::{Budget, RunsShort};
use engine::ports::{CallError, Cause};
use planning::ids::InvalidId;
use std::error::Error as StdError;
use std::sync::Arc;

/// How often a read is made that AWS refuses because there are too many, the first time included.
const ATTEMPTS: u32 = 3;
/// What AWS says when too many changes are under way, whatever the rate of calls is.
const TOO_MANY_UNDER_WAY: &str = "requests processing";

/// A call that is about to be made.
pub(crate) struct AdminCall {
    /// The API operation.
    name: &'static str,
    /// The IAM action that it needs.
    action: String,
    object: String,
    budget: Arc<Budget>,
    attempts: u32,
}

impl AdminCall {
    /// A read. `service` is the prefix of its IAM action; `object` stands in errors: an id, or words.
    pub fn read(service: &str, name: &'static str, object: impl ToString, budget: Arc<Budget>) -> Self {
        let action = format!("{service}:{name}");
        Self { name, action, object: object.to_string(), budget, attempts: ATTEMPTS }
    }

    /// A write: one that is refused because there are too many is left to the caller.
    pub fn write(service: &str, name: &'static str, object: impl ToString, budget: Arc<Budget>) -> Self {
        Self { attempts: 1, ..Self::read(service, name, object, budget) }
    }

    /// Sends the request when its budget allows: the answer, or why there is none.
    pub async fn answered<T, E, F>(&self, send: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let mut attempt = 1;
        loop {
            if let Err(RunsShort { retry_after }) = self.budget.take(1.0).await {
                return Err(self.failed(Cause::Throttled { retry_after: Some(retry_after) }));
            }
            let error = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let too_many_under_way =
                error.as_service_error().and_then(ProvideErrorMetadata::message).is_some_and(is_full);
            let cause = self.cause(error);
            if matches!(cause, Cause::Throttled { .. }) && !too_many_under_way {
                self.budget.throttled(None);
                if attempt < self.attempts {
                    attempt += 1;
                    continue;
                }
            }
            return Err(self.failed(cause));
        }
    }

    /// The answer, `None` if what was asked for does not exist, or why there is none.
    pub async fn found<T, E, F>(&self, send: impl Fn() -> F) -> Result<Option<T>, CallError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match self.answered(send).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.cause == Cause::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An id in an answer that must have one.
    pub fn id<Id: std::str::FromStr<Err = InvalidId>>(&self, text: Option<&str>) -> Result<Id, CallError> {
        let text = text.ok_or_else(|| self.lacks("an id"))?;
        text.parse().map_err(|why: InvalidId| self.lacks(&why.to_string()))
    }

    /// The call failed for this reason.
    pub fn failed(&self, cause: Cause) -> CallError {
        CallError::new(self.name, &self.object, cause)
    }

    fn cause<E>(&self, error: SdkError<E, HttpResponse>) -> Cause
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                let id = context.raw().request_id().map(plain).unwrap_or_else(|| "unknown".to_owned());
                self.service_cause(context.err().code().map(plain), status, id)
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

    fn service_cause(&self, code: Option<String>, status: u16, request_id: String) -> Cause {
        let Some(code) = code else {
            return unanswered(format!("HTTP {status} without an error code"));
        };
        match code.as_str() {
            _ if status == 429 => Cause::Throttled { retry_after: None },
            "ThrottlingException" | "TooManyRequestsException" => Cause::Throttled { retry_after: None },
            "ConflictException" | "ConcurrentModificationException" => Cause::Conflict,
            "ResourceNotFoundException" | "ParentNotFoundException" => Cause::NotFound,
            "AccessDeniedException" => denied(&format!("grant {} to the function's role", self.action)),
            "AWSOrganizationsNotInUseException" => denied(
                "this account is in no organization: run entra-mirror in the management account, or in the \
                 delegated administrator of IAM Identity Center",
            ),
            "ServiceQuotaExceededException" => Cause::Refused {
                code: "ServiceQuotaExceededException: a quota of IAM Identity Center is reached, such as groups for one \
                       permission set and account"
                    .to_owned(),
                request_id,
            },
            _ if CREDENTIAL_CODES.contains(&code.as_str()) => denied(&format!(
                "AWS does not accept the function's credentials ({code}): check its role, Region and clock"
            )),
            _ if (400..500).contains(&status) && !code.starts_with("RequestTimeout") => {
                Cause::Refused { code, request_id }
            }
            _ => unanswered(format!("HTTP {status}, {code}, request id {request_id}")),
        }
    }
}

impl Asked for AdminCall {
    fn lacks(&self, missing: &str) -> CallError {
        let missing = format!("{missing}; if this persists, open a case with AWS support");
        self.failed(Cause::Incomplete { missing })
    }
}

fn is_full(message: &str) -> bool {
    message.contains(TOO_MANY_UNDER_WAY)
}
