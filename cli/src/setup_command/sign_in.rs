//! The operator's token for Graph: theirs, or one that a sign-in by device code gives.

use super::SetupOptions;
use entra::SCOPES;
use secrecy::SecretString;
use wiring::operator;
use wiring::setup::{EntraSide, access_token};

/// Any tenant that the operator belongs to.
const ANY_TENANT: &str = "organizations";

/// Gets a token. What an operator has to do for that is told on standard error: standard output may be for a program.
pub(super) async fn token(entra: &EntraSide, options: &SetupOptions) -> anyhow::Result<SecretString> {
    if let Some(token) = access_token() {
        return Ok(token);
    }
    let named = match &options.tenant {
        Some(tenant) => Some(tenant.clone()),
        None => operator::tenant()?.map(|tenant| tenant.to_string()),
    };
    let login = entra.login(named.as_deref().unwrap_or(ANY_TENANT), options.sign_in_client.as_deref());
    let code = login.begin(&SCOPES).await?;
    eprintln!(
        "Sign in to Entra ID, as Privileged Role Administrator or, without consent, as Cloud Application Administrator: \
         open {} and type {}",
        code.verification_uri, code.user_code
    );
    Ok(login.redeem(&code).await?)
}
