//! The account assignments that groups should have, each with the rules that call for it.

use super::claim::{Claim, Extent};
use super::{Access, AccountAssignment, Bindings, GroupNames, SkippedAssignment};
use crate::EntraObjectId;
use crate::digest::Digest;
use crate::rules::{ExplicitGrant, GroupSelector, Position};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one group should have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DesiredAssignments {
    /// What it should have, and where the grants begin that call for it.
    pub granted: BTreeMap<AccountAssignment, BTreeSet<Position>>,
    /// What a rule excepts by name: it goes, whoever made it.
    pub excluded: BTreeSet<AccountAssignment>,
    /// What it would have by its present name, if an operator approves.
    pub held: BTreeMap<AccountAssignment, HeldBecause>,
    /// What stays undone, or is in doubt.
    pub skipped: BTreeSet<SkippedAssignment>,
}

/// Why a name alone does not give access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum HeldBecause {
    /// The group was known by another name, which does not call for it.
    Renamed,
    /// The name that the grant gives means another group.
    NameMeansAnother {
        /// That group.
        group: EntraObjectId,
    },
}

/// Works out what every group should have. The bindings that come back hold what was seen for the first time;
/// they are to be kept.
pub fn desired_assignments(
    access: &Access<'_>,
    groups: &GroupNames,
    bindings: &Bindings,
) -> (BTreeMap<EntraObjectId, DesiredAssignments>, Bindings) {
    let mut bindings = bindings.clone();
    let desired = groups.iter().map(|(group, name)| {
        let desired = desired_of_group(access, group, name, &mut bindings);
        (group.clone(), desired)
    });
    (desired.collect(), bindings)
}

/// Works out what one group should have. No other group has a say in it, but by `bindings`, which learn what is
/// seen for the first time and are to be kept.
pub fn desired_of_group(
    access: &Access<'_>,
    group: &EntraObjectId,
    name: &str,
    bindings: &mut Bindings,
) -> DesiredAssignments {
    let known_as = bindings.name_of(group).unwrap_or(name).to_owned();
    let is_renamed = known_as != name;
    let mut desired = DesiredAssignments::default();
    let mut waits = false;
    for grant in access.rules.explicit() {
        match means(grant, group, name, is_renamed, bindings) {
            Meaning::Other => {}
            Meaning::This => {
                if let GroupSelector::Name(name) = &grant.group.value {
                    bindings.bind(name, group);
                }
                desired.add_extent(access.extent(grant));
            }
            Meaning::Held(because) => {
                waits = true;
                let claims = access.extent(grant).claims.into_iter();
                claims.for_each(|claim| desired.hold(claim, because.clone()));
            }
        }
    }
    let former = if is_renamed { access.claims_of_name(&known_as) } else { Vec::new() };
    for claim in access.claims_of_name(name) {
        if is_renamed && !former.iter().any(|former| former.target == claim.target) {
            waits = true;
            desired.hold(claim, HeldBecause::Renamed);
        } else {
            desired.add(claim);
        }
    }
    if !waits || !is_renamed {
        bindings.accept(group, name);
    }
    desired.settle();
    desired
}

/// Whom a grant means.
enum Meaning {
    This,
    Other,
    /// This group if only its name counted.
    Held(HeldBecause),
}

fn means(
    grant: &ExplicitGrant,
    group: &EntraObjectId,
    name: &str,
    is_renamed: bool,
    bindings: &Bindings,
) -> Meaning {
    match &grant.group.value {
        GroupSelector::Id(id) if id == group => Meaning::This,
        GroupSelector::Id(_) => Meaning::Other,
        GroupSelector::Name(wanted) => match bindings.group_called(wanted) {
            Some(bound) if bound == group => Meaning::This,
            _ if wanted != name => Meaning::Other,
            Some(bound) => Meaning::Held(HeldBecause::NameMeansAnother { group: bound.clone() }),
            None if is_renamed => Meaning::Held(HeldBecause::Renamed),
            None => Meaning::This,
        },
    }
}

impl DesiredAssignments {
    /// Tells whether something else is called for now.
    pub fn digest(&self) -> Digest {
        let granted: BTreeSet<&AccountAssignment> = self.granted.keys().collect();
        let held: Vec<(&AccountAssignment, &HeldBecause)> = self.held.iter().collect();
        Digest::of(&(granted, &self.excluded, held, &self.skipped))
    }

    fn add_extent(&mut self, extent: Extent) {
        self.excluded.extend(extent.excluded);
        extent.claims.into_iter().for_each(|claim| self.add(claim));
    }

    fn add(&mut self, claim: Claim) {
        match (claim.target, claim.blocked) {
            (Ok(assignment), None) => {
                self.granted.entry(assignment).or_default().insert(claim.rule);
            }
            (Ok(assignment), Some(why)) => {
                self.skipped.insert(SkippedAssignment { assignment: Some(assignment), why });
            }
            (Err(why), _) => {
                self.skipped.insert(SkippedAssignment { assignment: None, why });
            }
        }
    }

    fn hold(&mut self, claim: Claim, because: HeldBecause) {
        match claim.target {
            Ok(assignment) => drop(self.held.insert(assignment, because)),
            Err(why) => drop(self.skipped.insert(SkippedAssignment { assignment: None, why })),
        }
    }

    /// What one rule gives is given, whatever others say.
    fn settle(&mut self) {
        let granted = &self.granted;
        self.excluded.retain(|assignment| !granted.contains_key(assignment));
        self.held.retain(|assignment, _| !granted.contains_key(assignment));
        self.skipped.retain(|skipped| {
            !skipped.assignment.as_ref().is_some_and(|assignment| granted.contains_key(assignment))
        });
    }

    /// True if both lead to the same plan, wherever in the document the rules stand.
    pub(super) fn leads_to_the_same_as(&self, other: &Self) -> bool {
        self.granted.keys().eq(other.granted.keys())
            && (&self.excluded, &self.held, &self.skipped) == (&other.excluded, &other.held, &other.skipped)
    }
}

impl fmt::Display for HeldBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeldBecause::Renamed => f.write_str("the group was renamed, and only its new name calls for it"),
            HeldBecause::NameMeansAnother { group } => {
                write!(f, "the rule's name means group {group}, which had it first")
            }
        }
    }
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
