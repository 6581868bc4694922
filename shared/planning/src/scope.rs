//! Who is in scope: assigned to the enterprise application, directly or as a member of an assigned group.

use crate::EntraObjectId;
use crate::mapping::EntraUser;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What a complete read of one user in Entra ID came to. An incomplete read is an error, never one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserReading {
    /// The user exists.
    Present {
        /// The attributes.
        user: Box<EntraUser>,
        /// Every group of which the user is a member: direct ones, or with nested groups flattened all.
        groups: BTreeSet<EntraObjectId>,
    },
    /// The user is not there; two reads agree.
    Gone(Gone),
}

/// How something is gone from Entra ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// In `directory/deletedItems`: it can be restored for 30 days, with its id.
    SoftDeleted,
    /// Neither there nor in `directory/deletedItems`.
    Deleted,
}

/// Why a principal should have no access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutOfScope {
    /// `accountEnabled` is false.
    Disabled,
    /// Deleted in Entra ID.
    Gone(Gone),
    /// Neither assigned nor a member of an assigned group.
    NotAssigned,
}

impl fmt::Display for OutOfScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OutOfScope::Disabled => "disabled in Entra ID",
            OutOfScope::Gone(Gone::SoftDeleted) => "deleted in Entra ID, can be restored",
            OutOfScope::Gone(Gone::Deleted) => "deleted in Entra ID",
            OutOfScope::NotAssigned => "no longer assigned to the enterprise application",
        })
    }
}

/// Why the user is out of scope; `None` if the user is in scope.
pub fn of_user(
    reading: &UserReading,
    assigned_directly: bool,
    assigned_groups: &BTreeSet<EntraObjectId>,
) -> Option<OutOfScope> {
    match reading {
        UserReading::Gone(gone) => Some(OutOfScope::Gone(*gone)),
        UserReading::Present { user, .. } if !user.account_enabled => Some(OutOfScope::Disabled),
        UserReading::Present { groups, .. } => {
            let assigned = assigned_directly || !groups.is_disjoint(assigned_groups);
            (!assigned).then_some(OutOfScope::NotAssigned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::{group_id, user};

    fn present(enabled: bool, groups: &[u8]) -> UserReading {
        let mut ada = user("ada@example.com");
        ada.account_enabled = enabled;
        UserReading::Present { user: Box::new(ada), groups: groups.iter().map(|n| group_id(*n)).collect() }
    }

    #[test]
    fn a_member_of_an_assigned_group_is_in_scope() {
        let assigned = BTreeSet::from([group_id(1)]);
        assert_eq!(of_user(&present(true, &[1, 2]), false, &assigned), None);
        assert_eq!(of_user(&present(true, &[2]), false, &assigned), Some(OutOfScope::NotAssigned));
    }

    #[test]
    fn a_disabled_user_is_out_of_scope_however_assigned() {
        let assigned = BTreeSet::from([group_id(1)]);
        assert_eq!(of_user(&present(false, &[1]), true, &assigned), Some(OutOfScope::Disabled));
    }

    #[test]
    fn an_assignment_of_ones_own_needs_no_group() {
        assert_eq!(of_user(&present(true, &[]), true, &BTreeSet::new()), None);
    }
}
