//! The operator's sign-in to Entra ID with a code.

use entra::SCOPES;
use secrecy::SecretString;
use wiring::operator;
use wiring::setup::{EntraSide, access_token};

/// Any tenant that the operator belongs to.
const ANY_TENANT: &str = "organizations";
/// What a command reads with: the reader's permissions, delegated, and what shows the subscriptions that the reader made, and
/// Entra ID's own provisioning.
const READING: [&str; 6] = [
    "Application.Read.All",
    "Directory.Read.All",
    "Group.Read.All",
    "Subscription.Read.All",
    "Synchronization.Read.All",
    "User.Read.All",
];

/// How an operator signs in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SignInChoices<'a> {
    /// The tenant: its id, or a domain of it.
    pub tenant: Option<&'a str>,
    /// Another public client than Microsoft's.
    pub client: Option<&'a str>,
}

/// A token for setting up: the one that the operator brought, or that of a sign-in.
pub(crate) async fn to_set_up(entra: &EntraSide, choices: SignInChoices<'_>) -> anyhow::Result<SecretString> {
    let who = "as Privileged Role Administrator or, without consent, as Cloud Application Administrator";
    token(entra, choices, &SCOPES, who).await
}

/// A token for reading: the one that the operator brought, or that of a sign-in.
///
/// # Errors
/// When the operator does not sign in.
pub async fn to_read() -> anyhow::Result<SecretString> {
    let who = "as somebody who may read the directory, such as a Global Reader";
    token(&EntraSide::connect()?, SignInChoices::default(), &READING, who).await
}

/// What an operator has to do is told on standard error: standard output may be for a program.
async fn token(
    entra: &EntraSide,
    choices: SignInChoices<'_>,
    scopes: &[&str],
    who: &str,
) -> anyhow::Result<SecretString> {
    if let Some(token) = access_token() {
        return Ok(token);
    }
    let named = match choices.tenant {
        Some(tenant) => Some(tenant.to_owned()),
        None => operator::tenant()?.map(|tenant| tenant.to_string()),
    };
    let login = entra.login(named.as_deref().unwrap_or(ANY_TENANT), choices.client);
    let code = login.begin(scopes).await?;
    eprintln!("Sign in to Entra ID, {who}: open {} and type {}", code.verification_uri, code.user_code);
    Ok(login.redeem(&code).await?)
}
