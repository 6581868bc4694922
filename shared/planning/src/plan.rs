//! A plan: the ordered changes that lead from actual to desired state, and what is skipped, with reasons.

use crate::attributes::{UserAttribute, UserAttributes};
use crate::digest::Digest;
use crate::skipped::Skipped;
use crate::{EntraObjectId, GroupId, MembershipId, UserId};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// One write to Identity Center. The order of the variants is the order of application: access is taken
/// away before any is given, and a plan that stops half way leaves too little access, never too much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// Take a user of ours out of a group.
    RevokeMembership {
        /// The user.
        user: UserId,
        /// The group.
        group: GroupId,
        /// The membership, if it is known; else it has to be looked up.
        membership: Option<MembershipId>,
    },
    /// Give a tombstone of ours another user name and e-mail, because a living object needs them.
    RetireUser {
        /// The tombstone's object.
        user: UserId,
        /// Whose tombstone it is.
        owner: EntraObjectId,
    },
    /// Give a tombstone of ours another group name, because a living object needs it.
    RetireGroup {
        /// The tombstone's object.
        group: GroupId,
        /// Whose tombstone it is.
        owner: EntraObjectId,
    },
    /// Create the user.
    CreateUser {
        /// With these attributes.
        attributes: UserAttributes,
    },
    /// Change attributes of a user in place.
    UpdateUser {
        /// The user.
        user: UserId,
        /// Everything that the user should have then.
        attributes: UserAttributes,
        /// What of it differs.
        changed: BTreeSet<UserAttribute>,
        /// The revision that was read, where AWS gives one.
        revision: Option<String>,
    },
    /// Create the group.
    CreateGroup {
        /// With this name.
        name: String,
    },
    /// Rename a group in place.
    RenameGroup {
        /// The group.
        group: GroupId,
        /// The new name.
        name: String,
        /// The revision that was read, where AWS gives one.
        revision: Option<String>,
    },
    /// Delete a tombstone's user, its grace period being over.
    DeleteUser {
        /// The user.
        user: UserId,
        /// The revision that was read, where AWS gives one.
        revision: Option<String>,
    },
    /// Delete a tombstone's group, its grace period being over.
    DeleteGroup {
        /// The group.
        group: GroupId,
        /// The revision that was read, where AWS gives one.
        revision: Option<String>,
    },
    /// Put the plan's user into a group.
    GrantMembership {
        /// The group.
        group: GroupId,
    },
}

/// What a change does to access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Takes access away.
    Revoke,
    /// Leaves access as it is.
    Update,
    /// Gives access.
    Grant,
}

impl Change {
    /// What the change does to access.
    pub fn kind(&self) -> ChangeKind {
        match self {
            Change::RevokeMembership { .. } => ChangeKind::Revoke,
            Change::GrantMembership { .. } => ChangeKind::Grant,
            _ => ChangeKind::Update,
        }
    }

    /// A short name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Change::RevokeMembership { .. } => "revoke_membership",
            Change::RetireUser { .. } => "retire_user",
            Change::RetireGroup { .. } => "retire_group",
            Change::CreateUser { .. } => "create_user",
            Change::UpdateUser { .. } => "update_user",
            Change::CreateGroup { .. } => "create_group",
            Change::RenameGroup { .. } => "rename_group",
            Change::DeleteUser { .. } => "delete_user",
            Change::DeleteGroup { .. } => "delete_group",
            Change::GrantMembership { .. } => "grant_membership",
        }
    }
}

impl fmt::Display for Change {
    /// Names objects by id: what is printed may be logged, and logs hold no personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::RevokeMembership { group, .. } => write!(f, "- membership in group {group}"),
            Change::RetireUser { owner, .. } => write!(f, "~ user of {owner}: step aside"),
            Change::RetireGroup { owner, .. } => write!(f, "~ group of {owner}: step aside"),
            Change::CreateUser { .. } => f.write_str("+ user"),
            Change::UpdateUser { changed, .. } => {
                let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
                write!(f, "~ user: {}", changed.join(", "))
            }
            Change::CreateGroup { .. } => f.write_str("+ group"),
            Change::RenameGroup { .. } => f.write_str("~ group: name"),
            Change::DeleteUser { .. } => f.write_str("- user"),
            Change::DeleteGroup { .. } => f.write_str("- group"),
            Change::GrantMembership { group } => write!(f, "+ membership in group {group}"),
        }
    }
}

/// The changes of one principal. It cannot be applied before the guard rail has approved it.
#[must_use = "a plan does nothing until it is approved and applied"]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Whose plan.
    pub principal: EntraObjectId,
    /// What to do, in this order.
    pub changes: Vec<Change>,
    /// What is not done.
    pub skipped: Vec<Skipped>,
    /// Memberships that Entra ID no longer calls for and that stay until an operator decides.
    pub held: BTreeSet<GroupId>,
    /// Principals of ours that hold a name this one needs and are themselves on their way to another:
    /// look at them, then at this one again.
    pub waits_for: BTreeSet<EntraObjectId>,
}

impl Plan {
    /// A plan that does nothing.
    pub fn empty(principal: EntraObjectId) -> Self {
        Self {
            principal,
            changes: Vec::new(),
            skipped: Vec::new(),
            held: BTreeSet::new(),
            waits_for: BTreeSet::new(),
        }
    }

    /// True if applying the plan reaches desired state: nothing essential is skipped or waits.
    pub fn is_complete(&self) -> bool {
        self.waits_for.is_empty()
            && !self.skipped.iter().any(|skipped| matches!(skipped, Skipped::Principal { .. }))
    }

    /// Identifies what the plan does, for logs and reviews.
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.principal)?;
        for change in &self.changes {
            writeln!(f, "  {change}")?;
        }
        for skipped in &self.skipped {
            writeln!(f, "  {skipped}")?;
        }
        for group in &self.held {
            writeln!(f, "  held: membership in group {group}, until an operator decides")?;
        }
        for owner in &self.waits_for {
            writeln!(f, "  waits until {owner} has taken its new name")?;
        }
        Ok(())
    }
}
