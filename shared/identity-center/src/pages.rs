//! Following a list to its end. The SDK's paginator takes a repeated token for the end; here it is an error,
//! since a list that is cut short looks like revocations.

use engine::ports::CallError;
use std::collections::BTreeSet;

/// A call whose answer may lack something.
pub(crate) trait Asked {
    /// The answer lacks what it must have.
    fn lacks(&self, missing: &str) -> CallError;
}

/// Where the reading of a list stands.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    read: BTreeSet<Option<String>>,
    ahead: Option<String>,
    ended: bool,
}

impl Pages {
    /// The token of the page to read (the first page has none), `None` after the last one.
    pub fn to_read(&self) -> Option<Option<String>> {
        (!self.ended).then(|| self.ahead.clone())
    }

    /// Notes that the page was read, and the token that its answer held.
    ///
    /// # Errors
    /// The token was handed out before: the list would never end.
    pub fn turn(&mut self, call: &impl Asked, next_token: Option<&str>) -> Result<(), CallError> {
        self.read.insert(self.ahead.take());
        self.ahead = next_token.filter(|token| !token.is_empty()).map(str::to_owned);
        self.ended = self.ahead.is_none();
        if !self.ended && self.read.contains(&self.ahead) {
            return Err(call.lacks("the next page: its NextToken leads back to a page already read"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::Call;
    use crate::operations;
    use engine::budget::Budget;
    use engine::ports::Cause;
    use std::sync::Arc;

    fn call() -> Call {
        Call::new(operations::MEMBERS_OF_GROUP, "g", Arc::new(Budget::new("ListGroupMemberships", 20.0)))
    }

    #[test]
    fn an_empty_token_ends_a_list() {
        let call = call();
        let mut pages = Pages::default();
        assert_eq!(pages.to_read(), Some(None));
        pages.turn(&call, Some("two")).unwrap();
        assert_eq!(pages.to_read(), Some(Some("two".to_owned())));
        pages.turn(&call, Some("")).unwrap();
        assert_eq!(pages.to_read(), None);
    }

    #[test]
    fn a_token_that_leads_back_is_no_end() {
        let call = call();
        let mut pages = Pages::default();
        for token in ["two", "three"] {
            pages.turn(&call, Some(token)).unwrap();
        }
        let error = pages.turn(&call, Some("two")).unwrap_err();
        assert!(matches!(error.cause, Cause::Incomplete { .. }), "{error}");
    }
}
