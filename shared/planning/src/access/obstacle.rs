//! What stands in the way of an account assignment, and what to do about it.

use super::AccountAssignment;
use crate::ids::AccountId;
use crate::organization::AccountState;
use serde::Serialize;
use std::fmt;

/// Why an assignment that the rules call for is not made, or one that should go is left. The texts hold names
/// out of rules and groups: they are for an operator's eyes, and logs take [`Obstacle::metric_name`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "obstacle")]
pub enum Obstacle {
    /// The organization has no account of this id or name.
    NoSuchAccount {
        /// Id or name.
        account: String,
    },
    /// Several accounts bear this name.
    AmbiguousAccount {
        /// The name.
        account: String,
    },
    /// The organization has no such unit.
    NoSuchUnit {
        /// Its id.
        unit: String,
    },
    /// The instance has no permission set of this name.
    NoSuchPermissionSet {
        /// The name.
        permission_set: String,
    },
    /// It is not known what the grant excepts, so that nothing that it gives is certain.
    ExceptionUnknown {
        /// The entry of `except`.
        entry: String,
    },
    /// Nobody can use the account.
    AccountNotActive {
        /// What it is instead.
        state: AccountState,
    },
    /// The rule does not say that it may lead to the management account.
    ManagementAccountNotAllowed,
    /// Only the management account itself may change who has access to it.
    NotFromDelegatedAdministrator,
    /// The account is not in the organization any more, and Identity Center cannot reach it.
    NotInOrganization {
        /// The account.
        account: AccountId,
    },
    /// As many groups as AWS allows have this permission set in this account.
    TooManyGroups,
}

/// An assignment that is not made, or not taken away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SkippedAssignment {
    /// Which, where that much is known.
    pub assignment: Option<AccountAssignment>,
    /// Why.
    #[serde(flatten)]
    pub why: Obstacle,
}

impl Obstacle {
    /// True if it is not known whether the assignment is meant: it is then neither made nor taken away.
    pub(super) fn is_doubt(&self) -> bool {
        matches!(self, Obstacle::AmbiguousAccount { .. } | Obstacle::ExceptionUnknown { .. })
    }

    /// A short name for logs and metrics.
    pub fn metric_name(&self) -> &'static str {
        match self {
            Obstacle::NoSuchAccount { .. } => "no_such_account",
            Obstacle::AmbiguousAccount { .. } => "ambiguous_account",
            Obstacle::NoSuchUnit { .. } => "no_such_unit",
            Obstacle::NoSuchPermissionSet { .. } => "no_such_permission_set",
            Obstacle::ExceptionUnknown { .. } => "exception_unknown",
            Obstacle::AccountNotActive { .. } => "account_not_active",
            Obstacle::ManagementAccountNotAllowed => "management_account_not_allowed",
            Obstacle::NotFromDelegatedAdministrator => "not_from_delegated_administrator",
            Obstacle::NotInOrganization { .. } => "not_in_organization",
            Obstacle::TooManyGroups => "too_many_groups",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::NoSuchAccount { account } => {
                write!(f, "there is no account `{account}`: correct the rule or the group's name")
            }
            Obstacle::AmbiguousAccount { account } => {
                write!(f, "several accounts bear the name `{account}`: name the account by its id")
            }
            Obstacle::NoSuchUnit { unit } => {
                write!(f, "there is no organizational unit `{unit}`: correct the rule")
            }
            Obstacle::NoSuchPermissionSet { permission_set } => write!(
                f,
                "there is no permission set `{permission_set}`: correct the rule or the group's name, or create it"
            ),
            Obstacle::ExceptionUnknown { entry } => write!(
                f,
                "the rule excepts `{entry}`, which does not exist: correct it; until then nothing that it gives \
                 is changed"
            ),
            Obstacle::AccountNotActive { state } => {
                write!(f, "the account is {state}: it is looked at again once it is active")
            }
            Obstacle::ManagementAccountNotAllowed => f.write_str(
                "this is the management account: write `allow_management_account = true` if it is meant",
            ),
            Obstacle::NotFromDelegatedAdministrator => f.write_str(
                "only the management account may change access to itself: make this assignment there by hand, or \
                 run entra-mirror there",
            ),
            Obstacle::NotInOrganization { account } => {
                write!(f, "account {account} is not in the organization: Identity Center cannot reach it")
            }
            Obstacle::TooManyGroups => write!(
                f,
                "{} groups have this permission set in this account, and AWS allows no more: put people into \
                 fewer groups, or give others a copy of the permission set",
                super::MOST_GROUPS
            ),
        }
    }
}

impl fmt::Display for SkippedAssignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.assignment {
            Some(assignment) => write!(f, "skipped {assignment}: {}", self.why),
            None => write!(f, "skipped: {}", self.why),
        }
    }
}
