//! What a request about a subscription may hold (subscription resource).

use super::answer::GraphError;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;
use url::Url;

/// The longest life of a subscription to directory resources.
const LONGEST: SignedDuration = SignedDuration::from_mins(41_760);
/// A shorter life is made this long.
const SHORTEST: SignedDuration = SignedDuration::from_mins(45);
/// Characters of clientState.
const LONGEST_CLIENT_STATE: usize = 128;

/// What `POST /subscriptions` takes.
pub(super) const MEMBERS: [&str; 8] = [
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
    "includeResourceData",
];

pub(super) fn refuse_others(body: &Value, known: &[&str]) -> Result<(), GraphError> {
    let body = body.as_object().ok_or_else(|| invalid("The body must be an object.".to_owned()))?;
    match body.keys().find(|name| !known.contains(&name.as_str()) && !name.starts_with("@odata.")) {
        None => Ok(()),
        Some(name) => Err(invalid(format!("'{name}' cannot be set here."))),
    }
}

pub(super) fn change_types(text: &str) -> Result<BTreeSet<String>, GraphError> {
    let types: BTreeSet<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    match types.iter().find(|name| !["updated", "deleted"].contains(&name.as_str())) {
        None => Ok(types),
        Some(wrong) => Err(invalid(format!("Invalid 'changeType' attribute: '{wrong}'."))),
    }
}

pub(super) fn tls_version(text: Option<String>) -> Result<String, GraphError> {
    let text = text.unwrap_or_else(|| "v1_2".to_owned());
    if ["v1_0", "v1_1", "v1_2", "v1_3"].contains(&text.as_str()) {
        Ok(text)
    } else {
        Err(invalid("latestSupportedTlsVersion must be v1_0, v1_1, v1_2 or v1_3.".to_owned()))
    }
}

/// `users`, `groups`, or one of them with what may follow, without slashes around it.
pub(super) fn path(text: &str) -> Result<String, GraphError> {
    let lower = text.to_ascii_lowercase();
    let trimmed = lower.trim_matches('/');
    let parts: Vec<&str> = trimmed.split('/').collect();
    match parts.as_slice() {
        ["users" | "groups"] | ["users" | "groups", _] | ["groups", _, "members" | "owners"] => {
            Ok(trimmed.to_owned())
        }
        _ => Err(invalid(format!("Resource '{text}' is not supported."))),
    }
}

/// https, or http on this machine: nothing else can be reached from here.
pub(super) fn address(name: &str, text: &str) -> Result<String, GraphError> {
    let url = Url::parse(text).map_err(|_| invalid(format!("'{name}' is not an absolute address.")))?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        Ok(text.to_owned())
    } else {
        Err(invalid(format!("'{name}' must use https.")))
    }
}

pub(super) fn client_state(text: Option<String>) -> Result<Option<String>, GraphError> {
    match text {
        Some(text) if text.chars().count() > LONGEST_CLIENT_STATE => {
            Err(invalid("clientState must have at most 128 characters.".to_owned()))
        }
        text => Ok(text),
    }
}

pub(super) fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, GraphError> {
    let expires: Timestamp =
        text.parse().map_err(|_| invalid("expirationDateTime is no date and time.".to_owned()))?;
    if expires <= now {
        return Err(invalid("expirationDateTime is in the past.".to_owned()));
    }
    if expires > now + LONGEST {
        return Err(invalid("Subscription expiration can only be 41760 minutes in the future.".to_owned()));
    }
    Ok(expires.max(now + SHORTEST))
}

pub(super) fn invalid(message: String) -> GraphError {
    GraphError::new(400, "InvalidRequest", message)
}
