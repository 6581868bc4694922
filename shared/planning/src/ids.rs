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
    /// A subscription to Microsoft Graph's change notifications: a GUID, kept in lower case.
    SubscriptionId
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
text_id! {
    /// An AWS account: twelve digits.
    AccountId
}
text_id! {
    /// An organizational unit of AWS Organizations (`ou-…`), or the root above all of them (`r-…`).
    OrganizationalUnitId
}
text_id! {
    /// A permission set of IAM Identity Center.
    PermissionSetArn
}

text_id! {
    /// A request to create or delete an account assignment: a UUID.
    AssignmentRequestId
}

impl AssignmentRequestId {
    /// Reads what sso-admin calls `RequestId`; only its length and characters are checked.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId { what: "RequestId", expected: "a UUID" })
        }
    }
}

impl EntraObjectId {
    /// Reads a GUID with hyphens; upper case becomes lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        guid(text).map(Self).ok_or(InvalidId { what: "Entra object id", expected: "a GUID with hyphens" })
    }
}

impl SubscriptionId {
    /// Reads a GUID with hyphens; upper case becomes lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        guid(text).map(Self).ok_or(InvalidId { what: "subscription id", expected: "a GUID with hyphens" })
    }
}

/// A GUID with hyphens, in lower case.
fn guid(text: &str) -> Option<Box<str>> {
    let is_guid = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_guid.then(|| text.to_ascii_lowercase().into())
}

impl AccountId {
    /// Reads twelve digits.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId { what: "account id", expected: "twelve digits" })
        }
    }
}

impl OrganizationalUnitId {
    /// Reads `r-` with 4 to 32, or `ou-` with 4 to 32 and 8 to 32 small letters and digits (pattern of
    /// Organizations' `ParentId`).
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let legal = |part: &str, least: usize| {
            (least..=32).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let is_legal = match text.split('-').collect::<Vec<_>>()[..] {
            ["r", root] => legal(root, 4),
            ["ou", root, unit] => legal(root, 4) && legal(unit, 8),
            _ => false,
        };
        if is_legal {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId {
                what: "organizational unit",
                expected: "its id, such as ou-ab12-1a2b3c4d, or the root's, such as r-ab12",
            })
        }
    }
}

impl PermissionSetArn {
    /// Reads `arn:<partition>:sso:::permissionSet/<instance>/<permission set>` (pattern of sso-admin's
    /// `PermissionSetArn`).
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.split('/');
        let kind = parts.next().and_then(|start| start.strip_prefix("arn:aws"));
        let legal = |id: &str| {
            let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
            !id.is_empty() && id.bytes().all(is_legal)
        };
        let is_permission_set = kind.is_some_and(|kind| kind.ends_with(":sso:::permissionSet"))
            && parts.next().is_some_and(legal)
            && parts.next().is_some_and(legal)
            && parts.next().is_none();
        if is_permission_set && text.len() <= 1224 {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId { what: "PermissionSetArn", expected: "the ARN of a permission set" })
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

    #[test]
    fn what_is_no_account_unit_or_permission_set_is_not_taken_for_one() {
        assert!(AccountId::parse("012345678901").is_ok());
        for text in ["12345678901", "1234567890123", "12345678901a", ""] {
            assert!(AccountId::parse(text).is_err(), "{text:?} was taken for an account");
        }
        assert!(["r-ab12", "ou-ab12-workloads"].iter().all(|id| OrganizationalUnitId::parse(id).is_ok()));
        for text in ["ou-ab12", "ou-ab12-short", "ou-AB12-workloads", "r-", "ou-ab12-workloads-x"] {
            assert!(OrganizationalUnitId::parse(text).is_err(), "{text:?} was taken for a unit");
        }
        let arn = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
        assert!(PermissionSetArn::parse(arn).is_ok());
        for text in [&arn[..arn.len() - 20], "arn:aws:sso:::instance/ssoins-1234567890abcdef", ""] {
            assert!(PermissionSetArn::parse(text).is_err(), "{text:?} was taken for a permission set");
        }
    }
}
