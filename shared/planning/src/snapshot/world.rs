//! A snapshot with what leads from one side to the other.

use super::planned::{Named, NamedAssignment};
use super::{EntraGroup, Snapshot};
use crate::access::AccountAssignment;
use crate::attributes::UserAttribute;
use crate::group_plan::IdentityGroup;
use crate::mapping;
use crate::names;
use crate::record::{GroupRecord, Record, Standing, UserRecord};
use crate::scope::UserReading;
use crate::user_plan::{self, Holder, IdentityUser};
use crate::{EntraObjectId, GroupId, MembershipId, UserId};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct World<'a> {
    pub(super) snapshot: &'a Snapshot,
    users: BTreeMap<&'a UserId, &'a IdentityUser>,
    groups: BTreeMap<&'a GroupId, &'a IdentityGroup>,
    users_by_name: BTreeMap<String, &'a UserId>,
    users_by_email: BTreeMap<String, &'a UserId>,
    groups_by_name: BTreeMap<String, &'a GroupId>,
    memberships: BTreeMap<&'a UserId, Vec<(&'a GroupId, &'a MembershipId)>>,
    user_records: BTreeMap<&'a EntraObjectId, &'a Record<UserRecord>>,
    group_records: BTreeMap<&'a EntraObjectId, &'a Record<GroupRecord>>,
    user_owners: BTreeMap<&'a UserId, &'a EntraObjectId>,
    group_owners: BTreeMap<&'a GroupId, &'a EntraObjectId>,
    /// The groups right above a user or a group.
    above: BTreeMap<&'a EntraObjectId, Vec<&'a EntraObjectId>>,
}

/// The way from a member up to an assigned group: the group that somebody is a direct member of first.
pub(super) type Path<'a> = Vec<&'a EntraObjectId>;

impl<'a> World<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let store = &snapshot.identity_center;
        let by = |attribute| {
            let values = store.users.iter().filter_map(move |user| {
                Some((user.attributes.get(attribute)?.to_lowercase(), &user.user_id))
            });
            values.collect()
        };
        let (users, groups) = (&snapshot.ledger.users, &snapshot.ledger.groups);
        let owned = |record: &'a Record<UserRecord>| Some((record.principal.user_id.as_ref()?, &record.id));
        let owned_group =
            |record: &'a Record<GroupRecord>| Some((record.principal.group_id.as_ref()?, &record.id));
        Self {
            snapshot,
            users: store.users.iter().map(|user| (&user.user_id, user)).collect(),
            groups: store.groups.iter().map(|group| (&group.group_id, group)).collect(),
            users_by_name: by(UserAttribute::UserName),
            users_by_email: by(UserAttribute::Email),
            groups_by_name: store
                .groups
                .iter()
                .map(|group| (group.name.to_lowercase(), &group.group_id))
                .collect(),
            memberships: memberships_by_user(snapshot),
            user_records: users.iter().map(|record| (&record.id, record)).collect(),
            group_records: groups.iter().map(|record| (&record.id, record)).collect(),
            user_owners: users.iter().filter_map(owned).collect(),
            group_owners: groups.iter().filter_map(owned_group).collect(),
            above: above(snapshot),
        }
    }

    /// Everybody who is assigned, in an assigned group, or known to the ledger.
    pub(super) fn candidates(&self) -> BTreeSet<&'a EntraObjectId> {
        let entra = &self.snapshot.entra;
        entra.users.keys().chain(entra.gone.keys()).chain(self.user_records.keys().copied()).collect()
    }

    /// Every group that is assigned or known to the ledger.
    pub(super) fn candidate_groups(&self) -> BTreeSet<&'a EntraObjectId> {
        let entra = &self.snapshot.entra;
        let assigned = entra.groups.keys().filter(|group| entra.assigned.contains_key(*group));
        assigned.chain(self.group_records.keys().copied()).collect()
    }

    pub(super) fn user_record(&self, id: &EntraObjectId) -> Record<UserRecord> {
        let known = self.user_records.get(id).copied().cloned();
        let record = known.unwrap_or_else(|| Record::unknown(id.clone()));
        Record { assigned: self.is_assigned(id), ..record }
    }

    pub(super) fn group_record(&self, id: &EntraObjectId) -> Record<GroupRecord> {
        let known = self.group_records.get(id).copied().cloned();
        let record = known.unwrap_or_else(|| Record::unknown(id.clone()));
        Record { assigned: self.is_assigned(id), ..record }
    }

    /// Assigned now, or held as if it were.
    pub(super) fn is_assigned(&self, id: &EntraObjectId) -> bool {
        let snapshot = self.snapshot;
        snapshot.entra.assigned.contains_key(id) || snapshot.ledger.held_assignments.contains(id)
    }

    pub(super) fn reading(&self, id: &EntraObjectId) -> UserReading {
        let entra = &self.snapshot.entra;
        match entra.users.get(id) {
            Some(user) => UserReading::Present {
                user: Box::new(user.clone()),
                groups: self.groups_of(id).cloned().collect(),
            },
            None => UserReading::Gone(entra.gone.get(id).copied().unwrap_or(crate::scope::Gone::Deleted)),
        }
    }

    /// The groups that count for a member: those right above, with nested groups flattened all above.
    pub(super) fn groups_of(&self, member: &EntraObjectId) -> impl Iterator<Item = &'a EntraObjectId> {
        let mut found = BTreeSet::new();
        let mut rest: Vec<_> = self.above.get(member).into_iter().flatten().copied().collect();
        while let Some(group) = rest.pop() {
            if found.insert(group) && self.snapshot.settings.flatten_nested_groups {
                rest.extend(self.above.get(group).into_iter().flatten().copied());
            }
        }
        found.into_iter()
    }

    /// Every way from a member to a group, shortest first; cycles are walked once.
    pub(super) fn paths(&self, member: &EntraObjectId, to: &EntraObjectId) -> Vec<Path<'a>> {
        let mut found = Vec::new();
        let first = self.above.get(member).into_iter().flatten();
        let mut rest: std::collections::VecDeque<Path<'a>> = first.map(|group| vec![*group]).collect();
        while let Some(path) = rest.pop_front() {
            let Some(last) = path.last().copied() else { continue };
            if last == to {
                found.push(path);
            } else if self.snapshot.settings.flatten_nested_groups && found.len() < MOST_PATHS {
                let above = self.above.get(last).into_iter().flatten().filter(|group| !path.contains(*group));
                rest.extend(above.map(|group| path.iter().copied().chain([*group]).collect::<Path<'a>>()));
            }
        }
        found
    }

    /// Users of a group: direct ones, with nested groups flattened all below.
    pub(super) fn users_of(&self, group: &EntraObjectId) -> BTreeSet<&'a EntraObjectId> {
        let groups = &self.snapshot.entra.groups;
        let (mut users, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut rest: Vec<_> = groups.get_key_value(group).into_iter().collect();
        while let Some((id, group)) = rest.pop() {
            users.extend(&group.users);
            if seen.insert(id) && self.snapshot.settings.flatten_nested_groups {
                rest.extend(group.groups.iter().filter_map(|below| groups.get_key_value(below)));
            }
        }
        users
    }

    pub(super) fn entra_group(&self, id: &EntraObjectId) -> Option<&'a EntraGroup> {
        self.snapshot.entra.groups.get(id)
    }

    pub(super) fn user(&self, id: &UserId) -> Option<&'a IdentityUser> {
        self.users.get(id).copied()
    }

    pub(super) fn group(&self, id: &GroupId) -> Option<&'a IdentityGroup> {
        self.groups.get(id).copied()
    }

    pub(super) fn groups_in_store(&self) -> impl Iterator<Item = &'a IdentityGroup> {
        self.groups.values().copied()
    }

    pub(super) fn memberships_of(&self, user: &UserId) -> BTreeMap<GroupId, MembershipId> {
        let memberships = self.memberships.get(user).into_iter().flatten();
        memberships.map(|(group, membership)| ((*group).clone(), (*membership).clone())).collect()
    }

    pub(super) fn owner_of_user(&self, user: &UserId) -> Option<&'a EntraObjectId> {
        self.user_owners.get(user).copied()
    }

    pub(super) fn owner_of_group(&self, group: &GroupId) -> Option<&'a EntraObjectId> {
        self.group_owners.get(group).copied()
    }

    pub(super) fn user_called(&self, attribute: UserAttribute, value: &str) -> Option<&'a UserId> {
        let by = if attribute == UserAttribute::Email { &self.users_by_email } else { &self.users_by_name };
        by.get(&value.to_lowercase()).copied()
    }

    /// Who, other than `own`, holds this user name or e-mail address.
    pub(super) fn holder_of_user(
        &self,
        attribute: UserAttribute,
        value: &str,
        own: Option<&UserId>,
    ) -> Holder<UserId> {
        let Some(object) = self.user_called(attribute, value).filter(|object| own != Some(*object)) else {
            return Holder::Nobody;
        };
        let owner = self.owner_of_user(object).and_then(|owner| self.user_records.get(owner));
        match owner {
            None => Holder::Foreign,
            Some(record) if record.principal.standing.is_tombstone() => {
                Holder::Tombstone { owner: record.id.clone(), object: object.clone() }
            }
            Some(record) => Holder::Living {
                owner: record.id.clone(),
                moving: self.gives_up(&record.id, attribute, value),
            },
        }
    }

    fn gives_up(&self, owner: &EntraObjectId, attribute: UserAttribute, value: &str) -> bool {
        let Some(user) = self.snapshot.entra.users.get(owner) else { return true };
        let mapped = mapping::map_user(user, None, &self.snapshot.settings.mapping);
        mapped.is_ok_and(|mapped| {
            mapped.attributes.get(attribute).is_none_or(|other| !names::is_same_name(other, value))
        })
    }

    /// What of a user's object other users have in Entra ID by now.
    pub(super) fn values_needed(
        &self,
        owner: &EntraObjectId,
        object: &IdentityUser,
    ) -> BTreeSet<UserAttribute> {
        let others = self.snapshot.entra.users.iter().filter(|(other, _)| *other != owner);
        let mapped = others
            .filter_map(|(_, user)| mapping::map_user(user, None, &self.snapshot.settings.mapping).ok());
        mapped.flat_map(|mapped| user_plan::needed_by(&mapped.attributes, object)).collect()
    }

    /// True if a group other than its owner has this name in Entra ID by now.
    pub(super) fn is_group_name_needed(&self, owner: &EntraObjectId, name: &str) -> bool {
        let groups = self.snapshot.entra.groups.iter();
        let mut others = groups.filter(|(other, _)| *other != owner && self.is_assigned(other));
        others.any(|(_, group)| names::is_same_name(&group.name, name))
    }

    pub(super) fn group_called(&self, name: &str) -> Option<&'a GroupId> {
        self.groups_by_name.get(&name.to_lowercase()).copied()
    }

    /// Who, other than `own`, holds this group name.
    pub(super) fn holder_of_group(&self, name: &str, own: Option<&GroupId>) -> Holder<GroupId> {
        let Some(object) = self.group_called(name).filter(|object| own != Some(*object)) else {
            return Holder::Nobody;
        };
        let owner = self.owner_of_group(object).and_then(|owner| self.group_records.get(owner));
        match owner {
            None => Holder::Foreign,
            Some(record) if record.principal.standing.is_tombstone() => {
                Holder::Tombstone { owner: record.id.clone(), object: object.clone() }
            }
            Some(record) => Holder::Living {
                owner: record.id.clone(),
                moving: self
                    .entra_group(&record.id)
                    .is_none_or(|group| !names::is_same_name(&group.name, name)),
            },
        }
    }

    pub(super) fn manager_of(&self, user: &EntraObjectId) -> Option<UserId> {
        let manager = self.snapshot.entra.users.get(user)?.manager.as_ref()?;
        let record = self.user_records.get(manager)?;
        let is_mirrored = record.principal.standing == Standing::Mirrored;
        record.principal.user_id.clone().filter(|_| is_mirrored)
    }

    /// The name that people know a user by.
    pub(super) fn user_name(&self, id: &EntraObjectId) -> String {
        if let Some(user) = self.snapshot.entra.users.get(id) {
            return user.user_principal_name.clone();
        }
        let object = self.user_records.get(id).and_then(|record| record.principal.user_id.as_ref());
        let object = object.and_then(|object| self.user(object));
        object.and_then(|user| user.attributes.get(UserAttribute::UserName)).unwrap_or_default().to_owned()
    }

    /// The name that people know a group by.
    pub(super) fn group_name(&self, id: &EntraObjectId) -> String {
        let in_entra = self.entra_group(id).map(|group| group.name.as_str());
        let record = self.group_records.get(id).map(|record| &record.principal);
        let known = record.and_then(|group| group.entra_name.as_deref().or(group.name.as_deref()));
        in_entra.or(known).unwrap_or_default().to_owned()
    }

    pub(super) fn named_group(&self, id: &EntraObjectId) -> Named {
        Named::of(id, self.group_name(id))
    }

    /// A group of the identity store by the Entra object that it belongs to, if it is ours.
    pub(super) fn named_store_group(&self, group: &GroupId) -> Named {
        match self.owner_of_group(group) {
            Some(owner) => self.named_group(owner),
            None => Named::of(group, self.group(group).map_or("", |group| group.name.as_str())),
        }
    }

    pub(super) fn named_store_user(&self, user: &UserId) -> Named {
        let name = self.user(user).and_then(|user| user.attributes.get(UserAttribute::UserName));
        match self.owner_of_user(user) {
            Some(owner) => Named::of(owner, self.user_name(owner)),
            None => Named::of(user, name.unwrap_or_default()),
        }
    }

    pub(super) fn named_assignment(&self, assignment: &AccountAssignment) -> NamedAssignment {
        let access = self.snapshot.access.as_ref();
        let permission_set = access.and_then(|it| it.permission_sets.name_of(&assignment.permission_set));
        let account = access.and_then(|it| it.accounts.get(&assignment.account));
        NamedAssignment {
            permission_set: Named::of(&assignment.permission_set, permission_set.unwrap_or_default()),
            account: Named::of(&assignment.account, account.map_or("", |account| account.name.as_str())),
        }
    }
}

/// More ways than these explain nothing better, and there can be very many.
const MOST_PATHS: usize = 5;

fn memberships_by_user(snapshot: &Snapshot) -> BTreeMap<&UserId, Vec<(&GroupId, &MembershipId)>> {
    let mut by_user: BTreeMap<&UserId, Vec<_>> = BTreeMap::new();
    for (group, members) in &snapshot.identity_center.memberships {
        for (user, membership) in members {
            by_user.entry(user).or_default().push((group, membership));
        }
    }
    by_user
}

fn above(snapshot: &Snapshot) -> BTreeMap<&EntraObjectId, Vec<&EntraObjectId>> {
    let mut above: BTreeMap<&EntraObjectId, Vec<&EntraObjectId>> = BTreeMap::new();
    for (id, group) in &snapshot.entra.groups {
        for member in group.users.iter().chain(&group.groups) {
            above.entry(member).or_default().push(id);
        }
    }
    above
}
