//! Which groups the names in rules mean: a name can be forged, an object id cannot.

use crate::EntraObjectId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What names were found to mean when they were first seen. An owner of a group may rename it; a group that takes
/// another's name, or a name that calls for more access, gets nothing by that before an operator approves it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bindings {
    /// The group that an explicit grant by this name means, whatever its name is by now.
    groups: BTreeMap<String, EntraObjectId>,
    /// The name by which each group has its access: its own, unless it took another that calls for more.
    names: BTreeMap<EntraObjectId, String>,
}

impl Bindings {
    /// What is known: whom each name of a grant means, and by which name each group has its access.
    pub fn of(
        bound: impl IntoIterator<Item = (String, EntraObjectId)>,
        known_as: impl IntoIterator<Item = (EntraObjectId, String)>,
    ) -> Self {
        Self { groups: bound.into_iter().collect(), names: known_as.into_iter().collect() }
    }

    /// The names of grants that mean this group.
    pub fn bound_to(&self, group: &EntraObjectId) -> BTreeSet<String> {
        let bound = self.groups.iter().filter(|(_, bound)| *bound == group);
        bound.map(|(name, _)| name.clone()).collect()
    }

    /// An operator says that the group may have what this name calls for.
    pub fn approve(&mut self, group: &EntraObjectId, name: &str) {
        self.accept(group, name);
        if let Some(bound) = self.groups.get_mut(name) {
            *bound = group.clone();
        }
    }

    /// The group is deleted, or not assigned any more: its names are free for others.
    pub fn release(&mut self, group: &EntraObjectId) {
        self.names.remove(group);
        self.groups.retain(|_, bound| bound != group);
    }

    /// The group that this name means, if it means one yet.
    pub(super) fn group_called(&self, name: &str) -> Option<&EntraObjectId> {
        self.groups.get(name)
    }

    /// The name by which the group has its access.
    pub fn name_of(&self, group: &EntraObjectId) -> Option<&str> {
        self.names.get(group).map(String::as_str)
    }

    /// A grant's name means this group from now on.
    pub(super) fn bind(&mut self, name: &str, group: &EntraObjectId) {
        self.groups.insert(name.to_owned(), group.clone());
    }

    /// The group has its access by this name from now on.
    pub(super) fn accept(&mut self, group: &EntraObjectId, name: &str) {
        self.names.insert(group.clone(), name.to_owned());
    }
}
