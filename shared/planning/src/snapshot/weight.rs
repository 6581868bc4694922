//! What the guard rail would say about so many revocations.

use super::AccessSide;
use super::planned::{Named, PlannedChange, PrincipalPlan};
use super::world::World;
use crate::record::Standing;
use crate::{EntraObjectId, GroupId, hold};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Something that a reviewer has to know before anything is applied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "warning")]
pub enum Warning {
    /// So many assignments to the enterprise application are gone that they will be held.
    AssignmentsLost {
        /// How many.
        lost: u64,
        /// Of how many.
        of: u64,
    },
    /// So many members would leave a group that they will be held.
    MembersLost {
        /// The group.
        group: Named,
        /// How many.
        lost: u64,
        /// How many stay.
        left: u64,
    },
    /// So many people would lose memberships that they will be held.
    PeopleLost {
        /// How many.
        lost: u64,
        /// Of how many.
        of: u64,
    },
    /// So many account assignments would go that they will be held.
    AccessLost {
        /// How many.
        lost: u64,
        /// Of how many.
        of: u64,
    },
    /// Members of a mirrored group whom neither Entra ID nor the ledger knows there.
    Foreign {
        /// The group.
        group: Named,
        /// Who.
        members: Vec<Named>,
    },
}

/// Weighs what everybody would lose.
pub(super) fn weigh(world: &World<'_>, lost: &BTreeMap<GroupId, u64>, people: u64) -> Vec<Warning> {
    let snapshot = world.snapshot;
    let mirrored = snapshot.ledger.users.iter();
    let managed = count(mirrored.filter(|record| record.principal.standing == Standing::Mirrored).count());
    let mut warnings = Vec::new();
    let users = snapshot.ledger.users.iter().map(|record| (&record.id, record.assigned));
    let groups = snapshot.ledger.groups.iter().map(|record| (&record.id, record.assigned));
    let assigned: Vec<&EntraObjectId> =
        users.chain(groups).filter(|(_, assigned)| *assigned).map(|(id, _)| id).collect();
    let gone = count(assigned.iter().filter(|id| !snapshot.entra.assigned.contains_key(**id)).count());
    let of = count(assigned.len());
    if hold::is_bulk(gone, of) || (snapshot.entra.assigned.is_empty() && gone > 0) {
        warnings.push(Warning::AssignmentsLost { lost: gone, of });
    }
    for (group, lost) in lost {
        let members = snapshot.identity_center.memberships.get(group).map_or(0, BTreeMap::len);
        let left = count(members).saturating_sub(*lost);
        let is_emptied =
            hold::empties_group(usize::try_from(*lost).unwrap_or(usize::MAX), usize::from(left > 0));
        if is_emptied || hold::is_bulk(*lost, managed) {
            warnings.push(Warning::MembersLost { group: world.named_store_group(group), lost: *lost, left });
        }
    }
    if hold::is_bulk(people, managed) {
        warnings.push(Warning::PeopleLost { lost: people, of: managed });
    }
    warnings
}

/// Weighs what groups would lose in accounts.
pub(super) fn weigh_access(side: &AccessSide, plans: &[PrincipalPlan]) -> Option<Warning> {
    let changes = plans.iter().flat_map(|plan| &plan.changes);
    let lost =
        count(changes.filter(|(change, _)| matches!(change, PlannedChange::RevokeAssignment { .. })).count());
    let of = count(side.recorded.values().map(BTreeSet::len).sum());
    (lost > 0 && hold::is_bulk(lost, of)).then_some(Warning::AccessLost { lost, of })
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HELD: &str = "they will be held until an operator approves them";
        match self {
            Warning::AssignmentsLost { lost, of } => {
                write!(f, "{lost} of {of} assignments to the enterprise application are gone: {HELD}")
            }
            Warning::MembersLost { group, lost, left } => {
                write!(f, "{group} loses {lost} members and keeps {left}: {HELD}")
            }
            Warning::PeopleLost { lost, of } => write!(f, "{lost} of {of} people lose memberships: {HELD}"),
            Warning::AccessLost { lost, of } => write!(f, "{lost} of {of} account assignments go: {HELD}"),
            Warning::Foreign { group, members } => {
                let names: Vec<String> = members.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "{group} has members in Identity Center that Entra ID does not know there: {}",
                    names.join(", ")
                )
            }
        }
    }
}
