//! Reads the members that requests have in common.

use crate::iam_identity_center::answer::{Failure, ResourceType};
use serde_json::{Map, Value};

/// Pages have at most, and by default, this many items.
const LARGEST_PAGE: u64 = 100;

/// The body of a request.
pub(super) struct Request(Map<String, Value>);

impl Request {
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(mut members)) => {
                // An absent member may be sent as null.
                members.retain(|_, value| !value.is_null());
                Ok(Self(members))
            }
            _ => Err(Failure::Serialization("the body is no JSON object".to_owned())),
        }
    }

    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Failure::Serialization(format!("{name} is no string"))),
        }
    }

    pub fn required(&self, name: &str) -> Result<&Value, Failure> {
        self.get(name).ok_or_else(|| Failure::invalid(name, "Member must not be null"))
    }

    /// The id of a user, group or membership; an ARN is taken for the id at its end.
    pub fn id(&self, name: &str) -> Result<String, Failure> {
        id(name, self.required(name)?)
    }

    /// `MemberId`: a union whose only member is `UserId`.
    pub fn member_id(&self) -> Result<String, Failure> {
        match self.required("MemberId")?.as_object() {
            Some(union) if union.len() == 1 && union.contains_key("UserId") => {
                id("memberId.userId", &union["UserId"])
            }
            _ => Err(Failure::invalid("memberId", "Member must have exactly the member UserId")),
        }
    }

    pub fn check_store(&self, id: &str) -> Result<(), Failure> {
        let given = self.required("IdentityStoreId")?.as_str().unwrap_or_default();
        let given = given.rsplit('/').next().unwrap_or(given);
        let hex = given.strip_prefix("d-").is_some_and(|digits| {
            digits.len() == 10 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        });
        if !hex && !is_uuid(given) {
            return Err(Failure::invalid(
                "identityStoreId",
                "Member must satisfy regular expression pattern",
            ));
        }
        if given == id { Ok(()) } else { Err(Failure::missing(ResourceType::IdentityStore, &given)) }
    }

    /// An outdated revision is a conflict; none is none.
    pub fn check_revision(&self, revision: u64) -> Result<(), Failure> {
        let Some(given) = self.text("Revision")? else { return Ok(()) };
        if given.is_empty() || given.len() > 64 || !given.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Failure::invalid(
                "revision",
                "Member must satisfy regular expression pattern: [0-9]+",
            ));
        }
        if given == revision.to_string() { Ok(()) } else { Err(Failure::concurrent()) }
    }

    pub fn page_size(&self) -> Result<usize, Failure> {
        let size = match self.get("MaxResults") {
            None => LARGEST_PAGE,
            Some(value) => value.as_u64().unwrap_or(0),
        };
        if (1..=LARGEST_PAGE).contains(&size) {
            Ok(size as usize)
        } else {
            Err(Failure::invalid("maxResults", "Member must be between 1 and 100"))
        }
    }
}

/// Reads an id.
pub(super) fn id(name: &str, value: &Value) -> Result<String, Failure> {
    let text = value.as_str().unwrap_or_default();
    let bare = match text.strip_prefix("arn:aws:identitystore:::") {
        Some(rest) => rest.split_once('/').map_or("", |(_, id)| id),
        None => text,
    };
    let uuid = match bare.split_once('-') {
        Some((prefix, rest)) if prefix.len() == 10 => rest,
        _ => bare,
    };
    if is_uuid(uuid) {
        Ok(bare.to_owned())
    } else {
        Err(Failure::invalid(name, "Member must satisfy regular expression pattern of ResourceId"))
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
