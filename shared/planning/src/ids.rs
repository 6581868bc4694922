//! Identifiers as types: what names an Entra object can never be passed for what names an AWS one.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An identifier that is not of the form its service documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: expected {expected}")]
pub struct InvalidId {
    what: &'static str,
    expected: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The identifier as its service writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    };
}

text_id! {
    /// The object id of a user, group or servicePrincipal in Entra ID: a GUID, kept in lower case.
    EntraObjectId
}
text_id! {
    /// A user of the identity store: a UUID, usually after `<10 hex digits>-`.
    UserId
}
text_id! {
    /// A group of the identity store: a UUID, usually after `<10 hex digits>-`.
    GroupId
}
text_id! {
    /// A group membership of the identity store, needed to delete it.
    MembershipId
}

impl EntraObjectId {
    /// Reads a GUID with hyphens; upper case becomes lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let is_guid = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        if is_guid {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(InvalidId { what: "Entra object id", expected: "a GUID with hyphens" })
        }
    }
}

macro_rules! aws_id {
    ($name:ident, $what:literal) => {
        impl $name {
            /// Takes the identifier as AWS gave it; only its length and characters are checked
            /// (newer models also allow an ARN of at most 100 characters).
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-:/".contains(&byte);
                if !text.is_empty() && text.len() <= 100 && text.bytes().all(legal) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { what: $what, expected: "an identity store id or ARN" })
                }
            }
        }
    };
}

aws_id!(UserId, "UserId");
aws_id!(GroupId, "GroupId");
aws_id!(MembershipId, "MembershipId");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entra_object_id_is_one_value_however_it_is_written() {
        let upper = EntraObjectId::parse("F0A5993B-5C2D-49CC-BB2F-8CB0060FEF8E").unwrap();
        let lower = EntraObjectId::parse("f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e").unwrap();
        assert_eq!(upper, lower);
    }

    #[test]
    fn what_is_no_guid_is_no_entra_object_id() {
        for text in ["", "me", "f0a5993b5c2d49ccbb2f8cb0060fef8e", "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8/"] {
            assert!(EntraObjectId::parse(text).is_err(), "{text:?} was taken for a GUID");
        }
    }

    #[test]
    fn an_aws_id_survives_serialisation() {
        let id = UserId::parse("906769a0b1-5b7a3ff2-9a10-4d51-b3a8-1c2f0f3d6a77").unwrap();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<UserId>(&json).unwrap(), id);
    }
}
