//! One call to the API: its budget, its name and object for errors, and what its answer comes to.

use crate::failure;
use crate::operations::Operation;
use crate::pages::Asked;
use aws_sdk_identitystore::Error;
use aws_sdk_identitystore::config::http::HttpResponse;
use aws_sdk_identitystore::error::{BuildError, SdkError};
use engine::budget::{Budget, RunsShort};
use engine::ports::{CallError, Cause};
use planning::ids::InvalidId;
use std::error::Error as StdError;
use std::sync::Arc;

/// How often a call is made that AWS refuses because there are too many, the first time included. Each time
/// it waits for its budget, which knows what AWS asked for; what takes too long is left to the caller.
const ATTEMPTS: u32 = 3;

/// A call that is about to be made.
pub(crate) struct Call {
    operation: Operation,
    object: String,
    budget: Arc<Budget>,
}

impl Call {
    /// `object` stands in errors: an id, or words; never a name or an address.
    pub fn new(operation: Operation, object: impl ToString, budget: Arc<Budget>) -> Self {
        Self { operation, object: object.to_string(), budget }
    }

    /// Sends the request when its budget allows: the answer, or why there is none.
    pub async fn answered<T, E, F>(&self, send: impl Fn() -> F) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: Into<Error> + StdError + Send + Sync + 'static,
    {
        let mut attempt = 1;
        loop {
            if let Err(RunsShort { retry_after }) = self.budget.take(1.0).await {
                return Err(self.failed(Cause::Throttled { retry_after: Some(retry_after) }));
            }
            let cause = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => failure::cause(&self.operation, error),
            };
            if let Cause::Throttled { retry_after } = &cause {
                self.budget.throttled(*retry_after);
                if attempt < ATTEMPTS {
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
        E: Into<Error> + StdError + Send + Sync + 'static,
    {
        match self.answered(send).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.cause == Cause::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A part of the request, or why it could not be built.
    pub fn built<T>(&self, part: Result<T, BuildError>) -> Result<T, CallError> {
        let detail = |why: BuildError| format!("the request was not built: {why}");
        part.map_err(|why| self.failed(Cause::Unanswered { detail: detail(why) }))
    }

    /// An id in an answer. The SDK fills a missing required string with `""`, which is no id.
    pub fn id<Id: std::str::FromStr<Err = InvalidId>>(&self, text: &str) -> Result<Id, CallError> {
        text.parse().map_err(|why: InvalidId| self.lacks(&why.to_string()))
    }

    fn failed(&self, cause: Cause) -> CallError {
        CallError::new(self.operation.name, &self.object, cause)
    }
}

impl Asked for Call {
    fn lacks(&self, missing: &str) -> CallError {
        let missing = format!("{missing}; if this persists, open a case with AWS support");
        self.failed(Cause::Incomplete { missing })
    }
}
