//! Client secrets of app registrations (application-addpassword).

use super::{Entry, Registry};
use crate::entra::Tenant;
use crate::entra::answer::{GraphAnswer, GraphError};
use crate::entra::membership_checks::refuse_others;
use crate::entra::query::GraphRequest;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::{Value, json};

/// How long a secret is good if nothing is said (application-addpassword).
const YEARS: i64 = 2;

/// A client secret.
#[derive(Debug, Clone)]
pub(super) struct Password {
    /// The application's object id.
    pub application: String,
    key_id: String,
    secret: String,
    name: Value,
    start: Timestamp,
    end: Timestamp,
}

impl Registry {
    /// `passwordCredentials`, without the secrets.
    pub(super) fn password_credentials(&self, application: &str) -> Value {
        let held = self.passwords.iter().filter(|password| password.application == application);
        held.map(|password| password.shown(Value::Null)).collect()
    }

    /// Which of an application's secrets this is; `Err(true)` if it has expired, `Err(false)` if it is none.
    pub(super) fn knows_secret(&self, application: &str, secret: &str, now: Timestamp) -> Result<(), bool> {
        let mut held = self.passwords.iter().filter(|password| password.application == application);
        match held.find(|password| password.secret == secret) {
            Some(password) if password.end <= now => Err(true),
            Some(_) => Ok(()),
            None => Err(false),
        }
    }
}

impl Password {
    fn shown(&self, secret: Value) -> Value {
        let hint: String = self.secret.chars().take(3).collect();
        json!({
            "customKeyIdentifier": null,
            "displayName": self.name,
            "endDateTime": self.end.to_string(),
            "hint": hint,
            "keyId": self.key_id,
            "secretText": secret,
            "startDateTime": self.start.to_string(),
        })
    }
}

impl Tenant {
    /// `POST addPassword`: the only answer that ever shows the secret. Each call makes another one.
    pub(super) fn add_password(
        &mut self,
        entry: &Entry,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        refuse_others(&request.body, &["passwordCredential"])?;
        let asked = &request.body["passwordCredential"];
        refuse_others(asked, &["displayName", "startDateTime", "endDateTime"])?;
        let later = now.to_zoned_datetime(TimeZone::UTC).checked_add(YEARS.years());
        let wrong = || GraphError::bad_request("Invalid value specified for property 'endDateTime'.");
        let end = match &asked["endDateTime"] {
            Value::Null => later.map_err(|_| wrong())?.timestamp(),
            given => given.as_str().and_then(|text| text.parse().ok()).ok_or_else(wrong)?,
        };
        if end <= now {
            return Err(wrong());
        }
        let password = Password {
            application: entry.id.clone(),
            key_id: self.ids.uuid().to_string(),
            secret: format!("{}~{}", self.ids.uuid().simple(), self.ids.uuid().simple()),
            name: asked["displayName"].clone(),
            start: now,
            end,
        };
        let mut shown = password.shown(json!(password.secret));
        shown["@odata.context"] =
            json!(format!("{}/$metadata#microsoft.graph.passwordCredential", request.base));
        self.registry.passwords.push(password);
        Ok(GraphAnswer::ok(shown))
    }
}
