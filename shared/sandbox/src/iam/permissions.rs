//! Who calls, and what they may do.

use super::{Accounts, IamFailure, id_part};
use jiff::Timestamp;

/// Whose credentials signed a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account that the call goes to.
    pub account: String,
    /// The ARN of the user, or of the session of a role.
    pub arn: String,
    pub(super) user_id: String,
    /// `None` for the home account's own.
    pub(super) role: Option<String>,
    /// When the session of the role ends.
    pub(super) expires: Option<Timestamp>,
    of_home: bool,
}

impl Caller {
    /// True if the caller is of the home account, who may call Identity Center: a role of a member account may not.
    pub fn is_home(&self) -> bool {
        self.of_home
    }

    /// Who it is in the eyes of other services: the role itself, not its session.
    pub(super) fn subject(&self) -> String {
        match &self.role {
            Some(role) => format!("arn:aws:iam::{}:role/{role}", self.account),
            None => self.arn.clone(),
        }
    }

    pub(super) fn denied(&self, action: &str, resource: &str) -> IamFailure {
        let message = format!(
            "User: {} is not authorized to perform: {action} on resource: {resource} because no identity-based \
             policy allows the {action} action",
            self.arn
        );
        IamFailure::new(403, "AccessDenied", message)
    }
}

impl Accounts {
    /// The home account's own.
    fn home(&self) -> Caller {
        let account = self.settings.home.clone();
        let arn = format!("arn:aws:iam::{account}:user/sandbox");
        let user_id = format!("AIDA{}", id_part(0, &[&account]));
        Caller { account, arn, user_id, role: None, expires: None, of_home: true }
    }

    /// Whose credentials these are: a session's by its access key, which needs its token and must not have
    /// expired; all others are the home account's. Answers the session's secret, too.
    ///
    /// # Errors
    /// The session is unknown or has expired, or the token is another one.
    pub fn caller(
        &self,
        access_key: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(Caller, Option<&str>), IamFailure> {
        if !access_key.starts_with("ASIA") {
            return Ok((self.home(), None));
        }
        let session = self.sessions.get(access_key).filter(|session| token == Some(&session.token));
        let invalid = || {
            IamFailure::new(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            )
        };
        let session = session.ok_or_else(invalid)?;
        if session.expires <= now {
            let message = "The security token included in the request is expired";
            return Err(IamFailure::new(403, "ExpiredToken", message));
        }
        let (account, role, name) = (&session.account, &session.role, &session.name);
        let caller = Caller {
            account: account.clone(),
            arn: format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"),
            user_id: format!("{}:{name}", role_id(account, role)),
            role: Some(role.clone()),
            expires: Some(session.expires),
            of_home: *account == self.settings.home,
        };
        Ok((caller, Some(&session.secret)))
    }

    /// Refuses what the caller's policy does not allow: a role may do what it names on the providers that it
    /// names, the home account's own everything in their account.
    pub(super) fn authorise(&self, caller: &Caller, action: &str, arn: &str) -> Result<(), IamFailure> {
        let (account, name) = provider_of(arn).unwrap_or_default();
        let allowed = match &caller.role {
            None => arn == "*" || account == caller.account,
            Some(role) => {
                let named = self.accounts.get(&caller.account).and_then(|account| account.roles.get(role));
                let named = named.is_some_and(|role| role.saml_providers.iter().any(|known| known == name));
                named
                    && account == caller.account
                    && matches!(action, "iam:GetSAMLProvider" | "iam:UpdateSAMLProvider")
            }
        };
        if allowed { Ok(()) } else { Err(caller.denied(action, arn)) }
    }
}

/// The account and the name in `arn:aws:iam::{account}:saml-provider/{name}`.
pub(super) fn provider_of(arn: &str) -> Option<(&str, &str)> {
    resource_of(arn, "saml-provider")
}

/// The account and the name in `arn:aws:iam::{account}:{kind}/{name}`.
pub(super) fn resource_of<'a>(arn: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    let (account, resource) = arn.strip_prefix("arn:aws:iam::")?.split_once(':')?;
    let name = resource.strip_prefix(kind)?.strip_prefix('/')?;
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !name.is_empty()).then_some((account, name))
}

/// The unique id of a role.
pub(super) fn role_id(account: &str, role: &str) -> String {
    format!("AROA{}", id_part(0, &[account, role]))
}
