//! A picture of the ledger: what a sweep must remember of every record at once, in little room.

use super::number::{Index, Number};
use crate::digest::Digest;
use crate::record::{GroupRecord, Record, Standing, UserRecord};
use crate::{EntraObjectId, GroupId, MembershipId, UserId};
use jiff::Timestamp;

/// A user's record, reduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownUser {
    /// Whose.
    pub id: EntraObjectId,
    /// The object in the identity store.
    pub user_id: Option<UserId>,
    /// How far the user has come.
    pub standing: Standing,
    /// Assigned directly.
    pub assigned: bool,
    /// A call's outcome is unknown, or a handling failed.
    pub dirty: bool,
    /// Nothing was begun and not finished, and nothing essential was skipped.
    pub settled: bool,
    /// What was last applied.
    pub attributes: Option<Digest>,
    /// The ledger has memberships of the user.
    pub holds: bool,
    /// One of them is in a group that is no record's.
    pub holds_in_nobodys_group: bool,
}

/// A group's record, reduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownGroup {
    /// Whose.
    pub id: EntraObjectId,
    /// The object in the identity store.
    pub group_id: Option<GroupId>,
    /// How far the group has come.
    pub standing: Standing,
    /// Assigned.
    pub assigned: bool,
    /// A call's outcome is unknown, or a handling failed.
    pub dirty: bool,
    /// Nothing was begun and not finished, and nothing was skipped.
    pub settled: bool,
    /// The name that was last applied.
    pub name: Option<String>,
    /// There is a delta link.
    pub has_delta_link: bool,
    /// When Graph gave it.
    pub delta_link_made_at: Option<Timestamp>,
}

/// A membership by the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holding {
    pub group: Number,
    /// The user's place in the picture.
    pub user: u32,
    /// `None` while it is being written.
    pub membership: Option<Number>,
}

/// The ledger at one time. Users and groups stand in the order of their ids.
#[derive(Debug, Default)]
pub struct Picture {
    pub(super) users: Vec<KnownUser>,
    pub(super) groups: Vec<KnownGroup>,
    /// Whether each user is mirrored: a comparison asks for this often, and for little else.
    mirrored: Vec<bool>,
    user_ids: Index,
    user_objects: Index,
    group_objects: Index,
    holdings: Vec<Holding>,
}

/// Makes a picture out of records, which may come in any order.
#[derive(Debug, Default)]
pub struct PictureBuilder {
    users: Vec<KnownUser>,
    groups: Vec<KnownGroup>,
    /// By the place of arrival.
    holdings: Vec<Holding>,
}

impl PictureBuilder {
    /// Takes in a user.
    pub fn add_user(&mut self, record: &Record<UserRecord>) {
        let user = &record.principal;
        let place = u32::try_from(self.users.len()).unwrap_or(u32::MAX);
        let mut hold = |group: &GroupId, membership: Option<&MembershipId>| {
            let membership = membership.map(|id| Number::of(id.as_str()));
            self.holdings.push(Holding { group: Number::of(group.as_str()), user: place, membership });
        };
        user.memberships.iter().for_each(|(group, membership)| hold(group, Some(membership)));
        user.granting
            .iter()
            .filter(|group| !user.memberships.contains_key(*group))
            .for_each(|group| hold(group, None));
        let begun = user.creating.is_some() || !user.granting.is_empty();
        let skipped = user.standing == Standing::Mirrored && user.attributes.is_none();
        self.users.push(KnownUser {
            id: record.id.clone(),
            user_id: user.user_id.clone(),
            standing: user.standing,
            assigned: record.assigned,
            dirty: record.dirty,
            settled: !begun && !skipped,
            attributes: user.attributes.clone(),
            holds: !user.memberships.is_empty() || !user.granting.is_empty(),
            holds_in_nobodys_group: false,
        });
    }

    /// Takes in a group.
    pub fn add_group(&mut self, record: &Record<GroupRecord>) {
        let group = &record.principal;
        let skipped = group.standing == Standing::Mirrored && group.name.is_none();
        self.groups.push(KnownGroup {
            id: record.id.clone(),
            group_id: group.group_id.clone(),
            standing: group.standing,
            assigned: record.assigned,
            dirty: record.dirty,
            settled: group.creating.is_none() && !skipped,
            name: group.name.clone(),
            has_delta_link: group.delta_link.is_some(),
            delta_link_made_at: group.delta_link_made_at,
        });
    }

    /// The picture.
    pub fn finish(mut self) -> Picture {
        let mut order: Vec<u32> = (0..u32::try_from(self.users.len()).unwrap_or(u32::MAX)).collect();
        order.sort_by(|one, other| self.users[*one as usize].id.cmp(&self.users[*other as usize].id));
        let mut places = vec![0_u32; order.len()];
        for (place, arrival) in (0_u32..).zip(&order) {
            places[*arrival as usize] = place;
        }
        for holding in &mut self.holdings {
            holding.user = places[holding.user as usize];
        }
        self.holdings.sort_unstable();
        self.users.sort_by(|one, other| one.id.cmp(&other.id));
        self.groups.sort_by(|one, other| one.id.cmp(&other.id));
        let mut picture = Picture {
            mirrored: self.users.iter().map(|user| user.standing == Standing::Mirrored).collect(),
            user_ids: Index::of(self.users.iter().map(|user| Number::of(user.id.as_str())).zip(0..)),
            user_objects: objects(self.users.iter().map(|user| user.user_id.as_ref().map(UserId::as_str))),
            group_objects: objects(
                self.groups.iter().map(|group| group.group_id.as_ref().map(GroupId::as_str)),
            ),
            users: self.users,
            groups: self.groups,
            holdings: self.holdings,
        };
        picture.mark_nobodys_groups();
        picture
    }
}

impl Picture {
    /// Users after this one, in the order of their ids.
    pub fn users_after(&self, id: Option<&EntraObjectId>) -> &[KnownUser] {
        let start = id.map_or(0, |id| self.users.partition_point(|user| user.id <= *id));
        &self.users[start..]
    }

    /// Groups after this one, in the order of their ids.
    pub fn groups_after(&self, id: Option<&EntraObjectId>) -> &[KnownGroup] {
        let start = id.map_or(0, |id| self.groups.partition_point(|group| group.id <= *id));
        &self.groups[start..]
    }

    /// The user of this id.
    pub fn user(&self, id: &EntraObjectId) -> Option<&KnownUser> {
        self.place_of_user(id).map(|place| &self.users[place as usize])
    }

    /// The group of this id.
    pub fn group(&self, id: &EntraObjectId) -> Option<&KnownGroup> {
        let place = self.groups.binary_search_by(|group| group.id.cmp(id)).ok()?;
        self.groups.get(place)
    }

    pub(super) fn place_of_user(&self, id: &EntraObjectId) -> Option<u32> {
        self.user_ids.get(Number::of(id.as_str()))
    }

    pub(super) fn is_mirrored(&self, place: u32) -> bool {
        self.mirrored.get(place as usize).copied().unwrap_or(false)
    }

    pub(super) fn owner_of_user(&self, user: &UserId) -> Option<u32> {
        self.user_objects.get(Number::of(user.as_str()))
    }

    pub(super) fn owner_of_group(&self, group: &GroupId) -> Option<u32> {
        self.group_objects.get(Number::of(group.as_str()))
    }

    /// Who is in this group by the ledger, in the order of the users.
    pub(super) fn holdings_in(&self, group: &GroupId) -> &[Holding] {
        let number = Number::of(group.as_str());
        let start = self.holdings.partition_point(|holding| holding.group < number);
        let end = self.holdings.partition_point(|holding| holding.group <= number);
        &self.holdings[start..end]
    }

    fn mark_nobodys_groups(&mut self) {
        for holding in &self.holdings {
            if self.group_objects.get(holding.group).is_none() {
                self.users[holding.user as usize].holds_in_nobodys_group = true;
            }
        }
    }
}

fn objects<'a>(ids: impl Iterator<Item = Option<&'a str>>) -> Index {
    Index::of((0_u32..).zip(ids).filter_map(|(place, id)| Some((Number::of(id?), place))))
}
