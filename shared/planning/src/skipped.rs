//! What is not done, and why: a skipped thing is part of the plan, never silently missing.

use crate::attributes::UserAttribute;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why something that Entra ID says is not done in Identity Center. Every reason ends once its cause does:
/// the principal is looked at again at the next notification and in every full sweep.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum SkipReason {
    /// Entra ID has no value, and no documented fallback, for what AWS demands.
    Missing {
        /// The attribute that has no value.
        attribute: UserAttribute,
    },
    /// A character that the identity store refuses.
    IllegalCharacter {
        /// The attribute that holds it.
        attribute: UserAttribute,
    },
    /// More characters than the identity store takes.
    TooLong {
        /// The attribute that is too long.
        attribute: UserAttribute,
        /// The most characters that AWS takes.
        longest: usize,
    },
    /// `Administrator` and `AWSAdministrators` cannot be used.
    ReservedName,
    /// A user of this user name exists in Identity Center and is not ours.
    UserAwaitsAdoption,
    /// A group of this name exists in Identity Center and is not ours.
    GroupAwaitsAdoption,
    /// Another user, ours or not, holds the e-mail address.
    EmailTaken,
    /// Another user of ours holds the user name.
    UserNameTaken,
    /// Another group of ours holds the name.
    GroupNameTaken,
    /// The group's name is missing, too long, or holds a character that the identity store refuses.
    GroupNameRefused,
    /// AWS refused the change for a reason that planning does not know.
    RefusedByAws {
        /// The API operation that was refused.
        operation: String,
    },
}

impl SkipReason {
    /// A short name for metrics: few values, nothing personal.
    pub fn metric_name(&self) -> &'static str {
        match self {
            SkipReason::Missing { .. } => "missing",
            SkipReason::IllegalCharacter { .. } => "illegal_character",
            SkipReason::TooLong { .. } => "too_long",
            SkipReason::ReservedName => "reserved_name",
            SkipReason::UserAwaitsAdoption => "user_awaits_adoption",
            SkipReason::GroupAwaitsAdoption => "group_awaits_adoption",
            SkipReason::EmailTaken => "email_taken",
            SkipReason::UserNameTaken => "user_name_taken",
            SkipReason::GroupNameTaken => "group_name_taken",
            SkipReason::GroupNameRefused => "group_name_refused",
            SkipReason::RefusedByAws { .. } => "refused_by_aws",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::Missing { attribute } => {
                write!(f, "no {attribute}: give the user one in Entra ID")
            }
            SkipReason::IllegalCharacter { attribute } => write!(
                f,
                "the {attribute} holds a character that AWS refuses (a control or formatting character, \
                 or white space in a user name): correct it in Entra ID"
            ),
            SkipReason::TooLong { attribute, longest } => {
                write!(f, "the {attribute} has more than {longest} characters: shorten it in Entra ID")
            }
            SkipReason::ReservedName => {
                f.write_str("AWS reserves the names Administrator and AWSAdministrators: choose another in Entra ID")
            }
            SkipReason::UserAwaitsAdoption => f.write_str(
                "a user of this user name exists in Identity Center and is not ours: it waits for adoption \
                 (adopt it, or delete or rename it in Identity Center)",
            ),
            SkipReason::GroupAwaitsAdoption => f.write_str(
                "a group of this name exists in Identity Center and is not ours: it waits for adoption \
                 (adopt it, or delete or rename it in Identity Center)",
            ),
            SkipReason::EmailTaken => f.write_str(
                "another user in Identity Center has this e-mail address: give one of the two another address",
            ),
            SkipReason::UserNameTaken => f.write_str(
                "another mirrored user already has this user name: make the user names differ in Entra ID",
            ),
            SkipReason::GroupNameTaken => f.write_str(
                "another mirrored group already has this name: rename one of the two in Entra ID",
            ),
            SkipReason::GroupNameRefused => f.write_str(
                "the group's name is empty, reserved, longer than 1024 characters or holds a character that \
                 AWS refuses: rename the group in Entra ID",
            ),
            SkipReason::RefusedByAws { operation } => write!(
                f,
                "AWS refused {operation}: look up the request id of the log line with AWS support, \
                 or correct the object in Entra ID"
            ),
        }
    }
}

/// Something that stays undone, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "skipped")]
pub enum Skipped {
    /// The user or group itself.
    Principal {
        /// Why.
        #[serde(flatten)]
        why: SkipReason,
    },
    /// One optional attribute; the rest of the user is mirrored.
    Attribute {
        /// Which.
        attribute: UserAttribute,
        /// Why.
        #[serde(flatten)]
        why: SkipReason,
    },
}

impl Skipped {
    /// The reason.
    pub fn why(&self) -> &SkipReason {
        match self {
            Skipped::Principal { why } | Skipped::Attribute { why, .. } => why,
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skipped::Principal { why } => write!(f, "skipped: {why}"),
            Skipped::Attribute { attribute, why } => write!(f, "left out {attribute}: {why}"),
        }
    }
}
