//! Findings: whom a sweep has looked at, and why.

use crate::record::PrincipalKind;
use crate::{EntraObjectId, GroupId, UserId};

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// A call's outcome was unknown, or a handling failed.
    Dirty,
    /// Something was begun and not finished, or skipped: its cause may be gone by now.
    Unsettled,
    /// In scope by Entra ID, and not mirrored.
    NotMirrored,
    /// Mirrored, and out of scope by Entra ID: disabled, gone, or in no assigned group any more.
    OutOfScope,
    /// Entra ID has other attributes, or another name, than were last applied.
    ChangedInEntra,
    /// Entra ID calls for a membership that we did not write.
    MembershipWanted,
    /// We wrote a membership that Entra ID does not call for.
    MembershipUnwanted,
    /// The delta link is missing or about to expire.
    DeltaLinkOld,
    /// A tombstone's grace period is over.
    GraceOver,
    /// Drift: the object is not in Identity Center any more.
    ObjectMissing,
    /// Drift: the object's attributes, or its name, are not those that we wrote.
    ObjectChanged,
    /// Drift: a membership that we wrote is missing, or was made anew by somebody else.
    MembershipMissing,
    /// Drift: Identity Center has a membership that Entra ID calls for and that we did not write.
    MembershipUnknown,
    /// Drift: somebody else wrote a membership of a managed group that Entra ID does not call for.
    MembershipForeign,
}

impl Difference {
    /// Every difference.
    pub const ALL: [Difference; 14] = {
        use Difference::*;
        [
            Dirty,
            Unsettled,
            NotMirrored,
            OutOfScope,
            ChangedInEntra,
            MembershipWanted,
            MembershipUnwanted,
            DeltaLinkOld,
            GraceOver,
            ObjectMissing,
            ObjectChanged,
            MembershipMissing,
            MembershipUnknown,
            MembershipForeign,
        ]
    };

    /// Identity Center is not as the ledger says: it has to be looked at, too.
    pub fn is_drift(self) -> bool {
        use Difference::*;
        matches!(
            self,
            ObjectMissing | ObjectChanged | MembershipMissing | MembershipUnknown | MembershipForeign
        )
    }

    /// Somebody may have access that Entra ID does not give.
    pub fn revokes(self) -> bool {
        use Difference::*;
        matches!(self, Dirty | OutOfScope | MembershipUnwanted | MembershipForeign)
    }

    /// A short name for metrics.
    pub fn metric_name(self) -> &'static str {
        use Difference::*;
        match self {
            Dirty => "dirty",
            Unsettled => "unsettled",
            NotMirrored => "not_mirrored",
            OutOfScope => "out_of_scope",
            ChangedInEntra => "changed_in_entra",
            MembershipWanted => "membership_wanted",
            MembershipUnwanted => "membership_unwanted",
            DeltaLinkOld => "delta_link_old",
            GraceOver => "grace_over",
            ObjectMissing => "object_missing",
            ObjectChanged => "object_changed",
            MembershipMissing => "membership_missing",
            MembershipUnknown => "membership_unknown",
            MembershipForeign => "membership_foreign",
        }
    }
}

/// A principal to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// User or group.
    pub kind: PrincipalKind,
    /// Which.
    pub id: EntraObjectId,
    /// Why.
    pub difference: Difference,
}

impl Finding {
    /// About a user.
    pub fn user(id: &EntraObjectId, difference: Difference) -> Self {
        Self { kind: PrincipalKind::User, id: id.clone(), difference }
    }

    /// About a group.
    pub fn group(id: &EntraObjectId, difference: Difference) -> Self {
        Self { kind: PrincipalKind::Group, id: id.clone(), difference }
    }
}

/// A member of a managed group whom neither Entra ID nor the ledger knows there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignMember {
    /// Whose group.
    pub group: EntraObjectId,
    /// The group's object.
    pub group_id: GroupId,
    /// The member.
    pub user: UserId,
    /// Whose object the member is, if it is ours.
    pub owner: Option<EntraObjectId>,
}

/// A list that cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{operation} shows nothing at all where the ledger knows {known}: nothing is concluded from that. \
     Check that IDENTITY_STORE_ID, ENTRA_SERVICE_PRINCIPAL_ID and the Region are those that the ledger's table \
     was filled with; if everything was deleted on purpose, delete the table, too"
)]
pub struct NothingListed {
    /// The API operation.
    pub operation: &'static str,
    /// How many objects the ledger knows.
    pub known: usize,
}
