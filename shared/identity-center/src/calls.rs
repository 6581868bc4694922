//! One call to the API: its name and object for errors, and what its answer comes to.

use crate::failure;
use crate::operations::Operation;
use aws_sdk_identitystore::Error;
use aws_sdk_identitystore::config::http::HttpResponse;
use aws_sdk_identitystore::error::{BuildError, SdkError};
use engine::ports::{CallError, Cause};
use planning::ids::InvalidId;
use std::error::Error as StdError;

/// A call that is about to be made.
pub(crate) struct Call {
    operation: Operation,
    object: String,
}

impl Call {
    /// `object` stands in errors: an id, or words; never a name or an address.
    pub fn new(operation: Operation, object: impl ToString) -> Self {
        Self { operation, object: object.to_string() }
    }

    /// The answer, or why there is none.
    pub fn answered<T, E>(&self, answer: Result<T, SdkError<E, HttpResponse>>) -> Result<T, CallError>
    where
        E: Into<Error> + StdError + Send + Sync + 'static,
    {
        answer.map_err(|error| self.failed(failure::cause(&self.operation, error)))
    }

    /// The answer, `None` if what was asked for does not exist, or why there is none.
    pub fn found<T, E>(&self, answer: Result<T, SdkError<E, HttpResponse>>) -> Result<Option<T>, CallError>
    where
        E: Into<Error> + StdError + Send + Sync + 'static,
    {
        match self.answered(answer) {
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

    /// The answer lacks what it must have.
    pub fn lacks(&self, missing: &str) -> CallError {
        let missing = format!("{missing}; if this persists, open a case with AWS support");
        self.failed(Cause::Incomplete { missing })
    }

    fn failed(&self, cause: Cause) -> CallError {
        CallError::new(self.operation.name, &self.object, cause)
    }
}
