//! STS: roles of other accounts, and who one is.

use super::permissions::{resource_of, role_id};
use super::{Accounts, Caller, IamFailure, QueryCall, Session, id_part, seconds};
use crate::xml::escaped;
use jiff::{SignedDuration, Timestamp};

/// Seconds of a session, and the number given unasked (STS API Reference).
const DURATION: (i64, i64) = (900, 43_200);
const DEFAULT_DURATION: i64 = 3_600;

/// The credentials of a session.
#[derive(Debug, Clone)]
pub struct SessionKeys {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
    /// `AWS_SESSION_TOKEN`.
    pub token: String,
}

impl Accounts {
    /// Credentials that reach the role's account. Only the home account's own may assume roles: chains are refused.
    pub(super) fn assume_role(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        call.only(&["RoleArn", "RoleSessionName", "DurationSeconds"])?;
        let arn = call.text("RoleArn", (20, 2_048), |c| !c.is_control())?;
        let name =
            call.text("RoleSessionName", (2, 64), |c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))?;
        let duration = call.duration(DEFAULT_DURATION, DURATION)?;
        let named = resource_of(arn, "role");
        let (account, role) =
            named.ok_or_else(|| IamFailure::validation("RoleArn", "it is no ARN of a role"))?;
        let exists = self.accounts.get(account).is_some_and(|account| account.roles.contains_key(role));
        // Who may not assume a role is not told whether it exists.
        if caller.role.is_some() || !exists {
            return Err(caller.denied("sts:AssumeRole", arn));
        }
        let expires = now + SignedDuration::from_secs(duration);
        let keys = self.open_session(account, role, name, now, expires);
        let assumed = format!(
            "<AssumedRoleUser><AssumedRoleId>{}:{}</AssumedRoleId><Arn>arn:aws:sts::{account}:assumed-role/{}/{}</Arn>\
             </AssumedRoleUser>",
            role_id(account, role),
            escaped(name),
            escaped(role),
            escaped(name),
        );
        Ok(format!(
            "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
             <SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials>{assumed}",
            keys.access_key,
            keys.secret,
            keys.token,
            seconds(expires),
        ))
    }

    /// The session that Lambda opens of a function's role; the role is named by its ARN.
    ///
    /// # Errors
    /// Says what there is not.
    pub fn session_of_function(
        &mut self,
        role: &str,
        duration: SignedDuration,
        now: Timestamp,
    ) -> Result<SessionKeys, String> {
        let (account, name) =
            resource_of(role, "role").ok_or_else(|| format!("{role} is no ARN of a role"))?;
        if !self.accounts.get(account).is_some_and(|account| account.roles.contains_key(name)) {
            return Err(format!("there is no {role}: seed it"));
        }
        Ok(self.open_session(account, name, "function", now, now + duration))
    }

    fn open_session(
        &mut self,
        account: &str,
        role: &str,
        name: &str,
        now: Timestamp,
        expires: Timestamp,
    ) -> SessionKeys {
        let random = self.ids.number();
        let key = format!("ASIA{}", id_part(random, &["access key"]));
        let secret: String = (0..3).map(|_| id_part(self.ids.number(), &["secret"])).collect();
        let token: String = (0..8).map(|_| id_part(self.ids.number(), &["token"])).collect();
        let secret = secret[..40].to_owned();
        let session = Session {
            secret: secret.clone(),
            token: token.clone(),
            account: account.to_owned(),
            role: role.to_owned(),
            name: name.to_owned(),
            expires,
        };
        self.sessions.retain(|_, session| session.expires + SignedDuration::from_hours(24) > now);
        self.sessions.insert(key.clone(), session);
        SessionKeys { access_key: key, secret, token }
    }
}

/// Needs no permission.
pub(super) fn caller_identity(caller: &Caller, call: &QueryCall) -> Result<String, IamFailure> {
    call.only(&[])?;
    Ok(format!(
        "<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>",
        escaped(&caller.arn),
        escaped(&caller.user_id),
        caller.account
    ))
}
