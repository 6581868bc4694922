//! Being throttled is no failure for who has time: it asks again.

use crate::ports::{CallError, Cause};
use crate::sweep::ports::Pace;
use jiff::SignedDuration;
use planning::EntraObjectId;
use std::collections::{BTreeMap, BTreeSet};

/// How often one call is asked again. With the waits that the services ask for, these are minutes.
const ATTEMPTS: usize = 60;

/// The wait where a service names none.
const REST: SignedDuration = SignedDuration::from_secs(1);

/// Asks until the service has time.
pub(crate) async fn patiently<T, F>(pace: &dyn Pace, call: impl Fn() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    for _ in 1..ATTEMPTS {
        match call().await {
            Err(CallError { cause: Cause::Throttled { retry_after }, .. }) => {
                pace.rest(retry_after.unwrap_or(REST)).await;
            }
            answer => return answer,
        }
    }
    call().await
}

/// Asks about many objects, and about those that the service had no time for again.
///
/// # Errors
/// Any of the answers is missing or an error.
pub(crate) async fn ask_of_all<T, F>(
    pace: &dyn Pace,
    mut open: BTreeSet<EntraObjectId>,
    ask: impl Fn(BTreeSet<EntraObjectId>) -> F,
) -> Result<BTreeMap<EntraObjectId, T>, CallError>
where
    F: Future<Output = BTreeMap<EntraObjectId, Result<T, CallError>>>,
{
    let mut answered = BTreeMap::new();
    for _ in 0..ATTEMPTS {
        if open.is_empty() {
            break;
        }
        let mut rest = SignedDuration::ZERO;
        for (id, answer) in ask(open.clone()).await {
            match answer {
                Ok(answer) => {
                    open.remove(&id);
                    answered.insert(id, answer);
                }
                Err(CallError { cause: Cause::Throttled { retry_after }, .. }) => {
                    rest = rest.max(retry_after.unwrap_or(REST));
                }
                Err(error) => return Err(error),
            }
        }
        if !rest.is_zero() {
            pace.rest(rest).await;
        }
    }
    match open.first() {
        None => Ok(answered),
        Some(id) => {
            let missing = "Graph has not answered for this object; ask again later".to_owned();
            Err(CallError::new("POST /$batch", id, Cause::Incomplete { missing }))
        }
    }
}
