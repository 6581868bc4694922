//! What an operator's command works with where the environment is silent: what the functions of a stack run with, and a token of
//! Microsoft Graph that a sign-in gave. A function never has any of it.

use crate::configuration::environment;
use crate::functions::Functions;
use crate::operator::OperatorError;
use engine::ports::CallError;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// The sweep's variables are an operator's; these stand beside them, and only other functions have them.
const ALSO: [(&str, &str); 2] = [("subscriptions", "WEBHOOK_URL"), ("webhook", "LIFECYCLE_QUEUE_URL")];

/// Where an operator's token or the functions' secret may go on the word of a deployed function: whoever can change its variables
/// must not be able to have them sent elsewhere (national cloud deployments of Microsoft Graph and Entra ID).
const CLOUDS: [(&str, &[&str]); 2] = [
    (
        "GRAPH_ENDPOINT",
        &[
            "graph.microsoft.com",
            "graph.microsoft.us",
            "dod-graph.microsoft.us",
            "microsoftgraph.chinacloudapi.cn",
        ],
    ),
    (
        "LOGIN_ENDPOINT",
        &[
            "login.microsoftonline.com",
            "login.microsoftonline.us",
            "login.partner.microsoftonline.cn",
            "login.chinacloudapi.cn",
        ],
    ),
];

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
    /// Credentials would go to somebody else than Microsoft.
    #[error(
        "{name} of the stack's functions leads to {address}, which is none of Microsoft's clouds: find out who changed it; if it \
         is meant, set {name} yourself"
    )]
    Elsewhere {
        /// The variable.
        name: &'static str,
        /// Its value.
        address: String,
    },
}

/// From now on variables that the environment does not have are those of this stack's functions.
///
/// # Errors
/// When no Region is set, a function of the stack cannot be looked up, or it names another place than Microsoft's for credentials.
pub async fn take_variables(stack: &str) -> Result<(), DeploymentError> {
    let functions = Functions::connect().await?;
    let mut taken = functions.variables(&format!("{stack}-sweep")).await?;
    // Credentials and Region are the operator's own.
    taken.retain(|name, _| !name.starts_with("AWS_"));
    for (function, name) in ALSO {
        let variable = functions.variables(&format!("{stack}-{function}")).await?.remove(name);
        taken.extend(variable.map(|value| (name.to_owned(), value)));
    }
    check_clouds(&taken, |name| environment(name).is_some())?;
    given_mut(|given| given.extend(taken));
    Ok(())
}

/// What the operator's own environment says needs no check.
fn check_clouds(
    taken: &BTreeMap<String, String>,
    is_own: impl Fn(&str) -> bool,
) -> Result<(), DeploymentError> {
    for (name, hosts) in CLOUDS {
        let Some(address) = taken.get(name).filter(|_| !is_own(name)) else { continue };
        let host = address.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        if !host.is_some_and(|host| hosts.contains(&host)) {
            return Err(DeploymentError::Elsewhere { name, address: address.clone() });
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, address: &str, is_own: bool) -> Result<(), String> {
        let taken = BTreeMap::from([(name.to_owned(), address.to_owned())]);
        check_clouds(&taken, |_| is_own).map_err(|error| error.to_string())
    }

    #[test]
    fn a_changed_function_cannot_have_credentials_sent_to_somebody_else() {
        for address in [
            "https://graph.microsoft.com.evil.example/v1.0",
            "https://graph.microsoft.com@evil.example/v1.0",
            "https://evil.example/graph.microsoft.com",
            "http://graph.microsoft.com/v1.0",
            "https://login.microsoftonline.com/v1.0",
        ] {
            let told = check("GRAPH_ENDPOINT", address, false).unwrap_err();
            assert!(told.contains(address) && told.contains("set GRAPH_ENDPOINT yourself"), "{told}");
        }
        assert!(check("LOGIN_ENDPOINT", "https://evil.example", false).is_err());
    }

    #[test]
    fn microsofts_clouds_and_what_the_operator_says_are_taken() {
        for (name, address) in [
            ("GRAPH_ENDPOINT", "https://graph.microsoft.us/v1.0"),
            ("LOGIN_ENDPOINT", "https://login.microsoftonline.com"),
            ("LEDGER_TABLE", "ledger"),
        ] {
            assert_eq!(check(name, address, false), Ok(()));
        }
        assert_eq!(check("GRAPH_ENDPOINT", "http://127.0.0.1:7400/graph/v1.0", true), Ok(()));
    }
}
