//! What the ledger remembers of a principal: the only proof that something in Identity Center is ours.

use crate::access::AccessRecord;
use crate::attributes::UserAttributes;
use crate::digest::Digest;
use crate::hold::HoldMarks;
use crate::{EntraObjectId, GroupId, MembershipId, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The two kinds of principals that are mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PrincipalKind::User => "user",
            PrincipalKind::Group => "group",
        })
    }
}

/// How far a principal has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Standing {
    /// Known, but nothing of it stands in Identity Center (yet): skipped, or disabled before it was created.
    #[default]
    Waiting,
    /// It stands in Identity Center.
    Mirrored,
    /// Its access is gone, its object stands until the grace period is over: a tombstone.
    Revoked {
        /// When the access was taken away.
        since: Timestamp,
    },
}

/// Written before a create call, so that an object whose creation was never answered is known as ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreationIntent {
    /// The name under which the object is being created; it was free when this was written.
    pub name: String,
    /// Everything that the call sends.
    pub content: Digest,
}

/// A principal's item in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<P> {
    /// Whose record.
    pub id: EntraObjectId,
    /// Counts the handler's writes; 0 if there was none. A write names the version that it replaces.
    pub version: u64,
    /// Assigned to the servicePrincipal itself. Written by the sweep alone, read by the handlers.
    pub assigned: bool,
    /// A call's outcome is unknown, or a handling failed: the digest proves nothing, look at both sides.
    pub dirty: bool,
    /// What the guard rail and operators say about revocations of a user's memberships. Written beside the
    /// handler's writes, like `assigned`.
    pub marks: HoldMarks,
    /// What is remembered of this kind of principal.
    pub principal: P,
}

impl<P: Default> Record<P> {
    /// A record that is not in the ledger yet.
    pub fn unknown(id: EntraObjectId) -> Self {
        Self {
            id,
            version: 0,
            assigned: false,
            dirty: false,
            marks: HoldMarks::default(),
            principal: P::default(),
        }
    }
}

/// What is remembered of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// How far the user has come.
    pub standing: Standing,
    /// The user's object in the identity store, created or adopted by us.
    pub user_id: Option<UserId>,
    /// A creation that was begun and not yet answered.
    pub creating: Option<CreationIntent>,
    /// The attributes that were last applied in full; `None` if something of them was refused.
    pub attributes: Option<Digest>,
    /// The memberships that we wrote.
    pub memberships: BTreeMap<GroupId, MembershipId>,
    /// Memberships that are being written; what of them exists is ours.
    pub granting: BTreeSet<GroupId>,
}

/// What is remembered of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// How far the group has come.
    pub standing: Standing,
    /// The group's object in the identity store, created or adopted by us.
    pub group_id: Option<GroupId>,
    /// A creation that was begun and not yet answered.
    pub creating: Option<CreationIntent>,
    /// The name in Entra ID when it was last read; a delta answer without a name means this one.
    pub entra_name: Option<String>,
    /// The name that was last applied; `None` if it was refused.
    pub name: Option<String>,
    /// Where the next delta query of this group goes on (Graph's `@odata.deltaLink`).
    pub delta_link: Option<String>,
    /// When Graph last gave a link: its life is limited.
    #[serde(default)]
    pub delta_link_made_at: Option<Timestamp>,
    /// With nested groups flattened: the assigned groups above this one when it was last read.
    pub assigned_ancestors: BTreeSet<EntraObjectId>,
    /// Its account assignments.
    #[serde(default)]
    pub access: AccessRecord,
}

impl Standing {
    /// True for a tombstone.
    pub fn is_tombstone(self) -> bool {
        matches!(self, Standing::Revoked { .. })
    }

    /// True for a tombstone whose grace period is over.
    pub fn is_past_grace(self, now: Timestamp, grace: SignedDuration) -> bool {
        matches!(self, Standing::Revoked { since } if now.duration_since(since) >= grace)
    }
}

impl CreationIntent {
    /// The intent to create this user.
    pub fn user(attributes: &UserAttributes) -> Option<Self> {
        let name = attributes.get(crate::attributes::UserAttribute::UserName)?.to_owned();
        Some(Self { name, content: Digest::of(attributes) })
    }

    /// The intent to create a group of this name.
    pub fn group(name: &str) -> Self {
        Self { name: name.to_owned(), content: Digest::of(&name) }
    }
}
