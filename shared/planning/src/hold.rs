//! Holds: bulk revocations that wait for an operator, and what makes a revocation bulk.

use crate::access::AccountAssignment;
use crate::desired::DesiredUser;
use crate::plan::{Change, Plan};
use crate::record::{PrincipalKind, Record, UserRecord};
use crate::scope::OutOfScope;
use crate::{EntraObjectId, GroupId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// So few revocations are everyday work, whatever their share.
const EVERYDAY: u64 = 25;
/// More than this are bulk, however large the organisation: an operator can look at them in one sitting.
const MOST: u64 = 250;
/// In between, one in so many of what is managed.
const SHARE: u64 = 10;
/// A group of more members than this is not emptied by one change without a person's word.
const SMALL_GROUP: usize = 5;

/// How many revocations are not bulk where so much is managed.
pub fn most_at_once(managed: u64) -> u64 {
    (managed / SHARE).clamp(EVERYDAY, MOST)
}

/// True if losing so many of so many at once is bulk.
pub fn is_bulk(lost: u64, managed: u64) -> bool {
    lost > most_at_once(managed)
}

/// True if a group that is still assigned loses everybody, and they are many.
pub fn empties_group(lost: usize, left: usize) -> bool {
    left == 0 && lost > SMALL_GROUP
}

/// Names a hold: what led to it, and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(String);

/// What a hold came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum HoldCause {
    /// A poll showed that many assignments are gone, or none at all.
    Assignments,
    /// A group lost many members, or its own assignment.
    Group {
        /// The group.
        group: EntraObjectId,
    },
    /// Many people lost memberships one by one within ten minutes.
    Breaker,
    /// A change of rules, accounts or permission sets takes many account assignments away.
    Access,
    /// A group's name calls for access that it did not have by the name it was known by.
    Name {
        /// The group.
        group: EntraObjectId,
    },
}

/// A hold that is not decided yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its name.
    pub id: HoldId,
    /// What it came from.
    pub cause: HoldCause,
    /// Since when.
    pub since: Timestamp,
}

/// One principal of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose revocation waits.
    pub principal: EntraObjectId,
    /// User or group.
    pub kind: PrincipalKind,
    /// The memberships that would go; none if it is the assignment to the application.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupId>,
    /// The account assignments of a group that would go, or come.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub access: BTreeSet<AccountAssignment>,
    /// An operator approved it, and the next poll carries it out. Only for assignments: what concerns
    /// memberships leaves the hold when it is approved.
    #[serde(default)]
    pub approved: bool,
}

/// What the guard rail and operators say about revocations of one user's memberships, or about changes of one group's
/// account assignments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HoldMarks {
    /// Not to be revoked before an operator approves it.
    pub held: BTreeSet<GroupId>,
    /// Approved: to be revoked if Entra ID still says so, and not counted as bulk again.
    pub approved: BTreeSet<GroupId>,
    /// Account assignments that are neither taken away nor made before an operator approves that.
    pub held_access: BTreeSet<AccountAssignment>,
    /// Approved: to be taken away, or made, if the rules still say so.
    pub approved_access: BTreeSet<AccountAssignment>,
}

impl HoldId {
    /// The name of a hold that begins now.
    pub fn new(cause: &HoldCause, now: Timestamp) -> Self {
        let second = now.as_second();
        Self(match cause {
            HoldCause::Assignments => format!("assignments-{second}"),
            HoldCause::Group { group } => format!("group-{:.8}-{second}", group.as_str()),
            HoldCause::Breaker => format!("breaker-{second}"),
            HoldCause::Access => format!("access-{second}"),
            HoldCause::Name { group } => format!("name-{:.8}-{second}", group.as_str()),
        })
    }

    /// The name as an operator types it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for HoldId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HoldCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HoldCause::Assignments => f.write_str("many assignments to the enterprise application are gone"),
            HoldCause::Group { group } => write!(f, "group {group} lost many members, or its assignment"),
            HoldCause::Access => f.write_str("many account assignments would go"),
            HoldCause::Name { group } => write!(f, "group {group} took a name that calls for more access"),
            HoldCause::Breaker => f.write_str("many people lost memberships within ten minutes"),
        }
    }
}

/// The memberships that stay for now although Entra ID no longer calls for them. Nothing of a user who is
/// disabled or deleted in Entra ID is ever held.
pub fn kept(record: &Record<UserRecord>, desired: &DesiredUser) -> BTreeSet<GroupId> {
    let wanted = match desired {
        DesiredUser::Absent(OutOfScope::NotAssigned) => None,
        DesiredUser::Absent(_) => return BTreeSet::new(),
        DesiredUser::Present { groups, .. } => Some(groups),
    };
    let user = &record.principal;
    let is_ours = |group: &GroupId| user.memberships.contains_key(group) || user.granting.contains(group);
    let is_wanted = |group: &GroupId| wanted.is_some_and(|wanted| wanted.contains(group));
    let held = record.marks.held.iter();
    held.filter(|group| is_ours(group) && !is_wanted(group)).cloned().collect()
}

/// The memberships that the plan takes away and that count as bulk if there are many of them: not those
/// of someone disabled or deleted, nor what an operator approved.
pub fn counted(record: &Record<UserRecord>, desired: &DesiredUser, plan: &Plan) -> BTreeSet<GroupId> {
    if matches!(desired, DesiredUser::Absent(why) if *why != OutOfScope::NotAssigned) {
        return BTreeSet::new();
    }
    let revoked = plan.changes.iter().filter_map(|change| match change {
        Change::RevokeMembership { group, .. } => Some(group),
        _ => None,
    });
    revoked.filter(|group| !record.marks.approved.contains(*group)).cloned().collect()
}

/// The marks that have nothing left to say: the membership is gone, or Entra ID calls for it again.
pub fn spent(record: &Record<UserRecord>, desired: &DesiredUser) -> BTreeSet<GroupId> {
    let user = &record.principal;
    let wanted =
        |group: &GroupId| matches!(desired, DesiredUser::Present { groups, .. } if groups.contains(group));
    let open = |group: &&GroupId| {
        (user.memberships.contains_key(*group) || user.granting.contains(*group)) && !wanted(group)
    };
    let marks = record.marks.held.union(&record.marks.approved);
    marks.filter(|group| !open(group)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MembershipId;
    use crate::desired::tests::entra_id;
    use crate::scope::Gone;

    fn group(number: u8) -> GroupId {
        GroupId::parse(&format!("g-{number}")).unwrap()
    }

    fn held_in(groups: &[u8]) -> Record<UserRecord> {
        let mut record = Record::<UserRecord>::unknown(entra_id(1));
        for number in groups {
            let membership = MembershipId::parse(&format!("m-{number}")).unwrap();
            record.principal.memberships.insert(group(*number), membership);
            record.marks.held.insert(group(*number));
        }
        record
    }

    #[test]
    fn twenty_five_are_everyday_work_and_two_hundred_and_fifty_one_never_are() {
        assert!(!is_bulk(25, 30) && is_bulk(26, 30));
        assert!(!is_bulk(100, 1_000) && is_bulk(101, 1_000));
        assert!(!is_bulk(250, 100_000) && is_bulk(251, 100_000));
    }

    #[test]
    fn a_group_of_six_is_not_emptied_without_a_word_and_one_of_five_is() {
        assert!(empties_group(6, 0) && !empties_group(5, 0) && !empties_group(6, 1));
    }

    #[test]
    fn a_held_membership_stays_until_it_is_called_for_again() {
        let record = held_in(&[1, 2]);
        let present = DesiredUser::Present {
            attributes: Ok(Default::default()),
            left_out: vec![],
            groups: BTreeSet::from([group(1)]),
        };
        assert_eq!(kept(&record, &present), BTreeSet::from([group(2)]));
        assert_eq!(spent(&record, &present), BTreeSet::from([group(1)]));
    }

    #[test]
    fn nothing_of_someone_disabled_or_deleted_is_held() {
        for why in [OutOfScope::Disabled, OutOfScope::Gone(Gone::Deleted)] {
            assert!(kept(&held_in(&[1]), &DesiredUser::Absent(why)).is_empty(), "{why}");
        }
        assert!(!kept(&held_in(&[1]), &DesiredUser::Absent(OutOfScope::NotAssigned)).is_empty());
    }

    #[test]
    fn what_an_operator_approved_is_not_counted_again() {
        let mut record = held_in(&[1, 2]);
        record.marks.held.clear();
        record.marks.approved = BTreeSet::from([group(1)]);
        let absent = DesiredUser::Absent(OutOfScope::NotAssigned);
        let user = crate::UserId::parse("u-1").unwrap();
        let revoke =
            |number| Change::RevokeMembership { user: user.clone(), group: group(number), membership: None };
        let plan = Plan { changes: vec![revoke(1), revoke(2)], ..Plan::empty(entra_id(1)) };
        assert_eq!(counted(&record, &absent, &plan), BTreeSet::from([group(2)]));
        assert!(counted(&record, &DesiredUser::Absent(OutOfScope::Disabled), &plan).is_empty());
    }
}
