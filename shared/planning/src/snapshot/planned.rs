//! What a plan of everything shows: changes by what they do to access, each with its reason.

use crate::EntraObjectId;
use crate::attributes::{UserAttribute, UserAttributes};
use crate::plan::ChangeKind;
use crate::record::PrincipalKind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An object with the name that people know it by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Named {
    /// Its object id in Entra ID; of what is not ours, its id in Identity Center.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A permission set in an account, by their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NamedAssignment {
    /// ARN and name.
    pub permission_set: Named,
    /// Account id and name.
    pub account: Named,
}

/// An attribute that is changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttributeChange {
    /// Which.
    pub attribute: UserAttribute,
    /// What it is.
    pub before: Option<String>,
    /// What it will be.
    pub after: Option<String>,
}

/// One change, without what differs from one reading to the next (revisions, ids of memberships): a change that is
/// read anew later is equal to itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum PlannedChange {
    /// Takes a permission set in an account away.
    RevokeAssignment {
        /// Which.
        assignment: NamedAssignment,
    },
    /// Takes somebody out of a group.
    RevokeMembership {
        /// The group; where a group is planned, the user.
        of: Named,
    },
    /// Gives a tombstone another name, because a living object needs its own.
    StepAside {
        /// Whose tombstone it is.
        tombstone: EntraObjectId,
    },
    /// Creates a user.
    CreateUser {
        /// With these attributes.
        attributes: UserAttributes,
    },
    /// Changes attributes in place.
    UpdateUser {
        /// Which, in plan order.
        attributes: Vec<AttributeChange>,
    },
    /// Creates a group.
    CreateGroup,
    /// Renames a group in place.
    RenameGroup {
        /// The name that it has.
        before: String,
        /// The name that it gets.
        after: String,
    },
    /// Deletes the tombstone of a user.
    DeleteUser,
    /// Deletes the tombstone of a group.
    DeleteGroup,
    /// Puts somebody into a group.
    GrantMembership {
        /// The group.
        of: Named,
    },
    /// Gives a permission set in an account.
    GrantAssignment {
        /// Which.
        assignment: NamedAssignment,
    },
}

impl PlannedChange {
    /// What the change does to access.
    pub fn kind(&self) -> ChangeKind {
        match self {
            PlannedChange::RevokeAssignment { .. } | PlannedChange::RevokeMembership { .. } => {
                ChangeKind::Revoke
            }
            PlannedChange::GrantMembership { .. } | PlannedChange::GrantAssignment { .. } => {
                ChangeKind::Grant
            }
            _ => ChangeKind::Update,
        }
    }

    /// The account that the change is about.
    pub fn account(&self) -> Option<&Named> {
        match self {
            PlannedChange::RevokeAssignment { assignment }
            | PlannedChange::GrantAssignment { assignment } => Some(&assignment.account),
            _ => None,
        }
    }
}

/// What is to be done about one user or group, and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalPlan {
    /// Its object id in Entra ID, with its name there, or the last one that is known.
    pub principal: Named,
    /// User or group.
    pub kind: PrincipalKind,
    /// What is done, in this order, each with its reason.
    pub changes: Vec<(PlannedChange, String)>,
    /// What is not done, each with its reason and what to do about it.
    pub skipped: Vec<String>,
    /// What waits for an operator.
    pub held: Vec<String>,
}

impl PrincipalPlan {
    pub(super) fn empty(principal: &EntraObjectId, name: impl Into<String>, kind: PrincipalKind) -> Self {
        Self {
            principal: Named::of(principal, name),
            kind,
            changes: Vec::new(),
            skipped: Vec::new(),
            held: Vec::new(),
        }
    }

    /// True if there is nothing to say.
    pub fn is_silent(&self) -> bool {
        self.changes.is_empty() && self.skipped.is_empty() && self.held.is_empty()
    }
}

impl Named {
    pub(super) fn of(id: impl fmt::Display, name: impl Into<String>) -> Self {
        Self { id: id.to_string(), name: name.into() }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { f.write_str(&self.id) } else { f.write_str(&self.name) }
    }
}

impl fmt::Display for NamedAssignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in account {} ({})", self.permission_set, self.account, self.account.id)
    }
}

impl fmt::Display for AttributeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |value: &Option<String>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
        };
        write!(f, "{} {} -> {}", self.attribute, quoted(&self.before), quoted(&self.after))
    }
}

impl fmt::Display for PlannedChange {
    /// For an operator's eyes: it names people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlannedChange::RevokeAssignment { assignment } => write!(f, "- {assignment}"),
            PlannedChange::RevokeMembership { of } => write!(f, "- membership: {of}"),
            PlannedChange::StepAside { tombstone } => {
                write!(f, "~ the tombstone of {tombstone} steps aside")
            }
            PlannedChange::CreateUser { .. } => f.write_str("+ user"),
            PlannedChange::UpdateUser { attributes } => {
                let changes: Vec<String> = attributes.iter().map(ToString::to_string).collect();
                write!(f, "~ {}", changes.join(", "))
            }
            PlannedChange::CreateGroup => f.write_str("+ group"),
            PlannedChange::RenameGroup { before, after } => write!(f, "~ name {before:?} -> {after:?}"),
            PlannedChange::DeleteUser => f.write_str("x user: deleted"),
            PlannedChange::DeleteGroup => f.write_str("x group: deleted"),
            PlannedChange::GrantMembership { of } => write!(f, "+ membership: {of}"),
            PlannedChange::GrantAssignment { assignment } => write!(f, "+ {assignment}"),
        }
    }
}
