//! What an operator's command works with where the environment is silent: what the functions of a stack run with, and a token of
//! Microsoft Graph that a sign-in gave. A function never has any of it.

use crate::functions::Functions;
use crate::operator::OperatorError;
use engine::ports::CallError;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// The sweep's variables are an operator's; these stand beside them, and only other functions have them.
const ALSO: [(&str, &str); 2] = [("subscriptions", "WEBHOOK_URL"), ("webhook", "LIFECYCLE_QUEUE_URL")];

static GIVEN: RwLock<BTreeMap<String, String>> = RwLock::new(BTreeMap::new());

/// Why a stack's variables are not known.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// Lambda cannot be reached from here.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// Lambda refuses, or knows no such function.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// From now on variables that the environment does not have are those of this stack's functions.
///
/// # Errors
/// When no Region is set, or a function of the stack cannot be looked up.
pub async fn take_variables(stack: &str) -> Result<(), DeploymentError> {
    let functions = Functions::connect().await?;
    let mut taken = functions.variables(&format!("{stack}-sweep")).await?;
    // Credentials and Region are the operator's own.
    taken.retain(|name, _| !name.starts_with("AWS_"));
    for (function, name) in ALSO {
        let variable = functions.variables(&format!("{stack}-{function}")).await?.remove(name);
        taken.extend(variable.map(|value| (name.to_owned(), value)));
    }
    given_mut(|given| given.extend(taken));
    Ok(())
}

/// From now on this is the operator's token, unless the environment holds one.
pub fn take_token(token: &SecretString) {
    given_mut(|given| {
        given.insert("GRAPH_ACCESS_TOKEN".to_owned(), token.expose_secret().to_owned());
    });
}

/// What was taken under this name.
pub(crate) fn variable(name: &str) -> Option<String> {
    GIVEN.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

fn given_mut(change: impl FnOnce(&mut BTreeMap<String, String>)) {
    change(&mut GIVEN.write().unwrap_or_else(PoisonError::into_inner));
}
