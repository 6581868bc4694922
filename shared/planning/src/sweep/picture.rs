//! A picture of the ledger: what a sweep must remember of every record at once, in little room.

#![allow(
    clippy::disallowed_types,
    reason = "asked a million times, and only asked: places are given in the order of arrival, never in the map's"
)]

use super::number::{Index, Number};
use crate::digest::Digest;
use crate::record::{GroupRecord, Record, Standing, UserRecord};
use crate::{EntraObjectId, GroupId, MembershipId, UserId};
use jiff::Timestamp;
use std::collections::HashMap;
use std::ops::Range;

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
#[derive(Debug, Clone, Copy)]
struct Holding {
    /// The group's place among those that anybody is in.
    group: u32,
    /// The user's place in the picture.
    user: u32,
    /// `None` while it is being written.
    membership: Option<Number>,
}

/// What a comparison of members must know of a user, in one place: it asks for this a million times.
#[derive(Debug, Clone, Copy)]
struct Member {
    id: Number,
    object: Option<Number>,
    is_mirrored: bool,
}

/// Who is in a group by the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// The user's id in Entra ID.
    pub id: Number,
    /// The user's object in the identity store.
    pub object: Option<Number>,
    /// The user's place in the picture.
    pub place: u32,
    pub is_mirrored: bool,
    /// `None` while it is being written.
    pub membership: Option<Number>,
}

/// The ledger at one time. Users and groups stand in the order of their ids.
#[derive(Debug, Default)]
pub struct Picture {
    pub(super) users: Vec<KnownUser>,
    pub(super) groups: Vec<KnownGroup>,
    members: Vec<Member>,
    user_ids: Index,
    user_objects: Index,
    group_objects: Index,
    /// In the order of the groups' places.
    holdings: Vec<Holding>,
    /// Where the memberships of each group are.
    holdings_of: HashMap<Number, Range<usize>>,
}

/// Makes a picture out of records, which may come in any order.
#[derive(Debug, Default)]
pub struct PictureBuilder {
    users: Vec<KnownUser>,
    groups: Vec<KnownGroup>,
    /// By the place of arrival.
    holdings: Vec<Holding>,
    /// The places of the groups that anybody is in.
    held_groups: HashMap<Number, u32>,
}

impl PictureBuilder {
    /// Takes in a user.
    pub fn add_user(&mut self, record: &Record<UserRecord>) {
        let user = &record.principal;
        let place = place_of(self.users.len());
        let mut hold = |group: &GroupId, membership: Option<&MembershipId>| {
            let membership = membership.map(|id| Number::of(id.as_str()));
            let next = place_of(self.held_groups.len());
            let group = *self.held_groups.entry(Number::of(group.as_str())).or_insert(next);
            self.holdings.push(Holding { group, user: place, membership });
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
        let mut order: Vec<u32> = (0..place_of(self.users.len())).collect();
        order.sort_by(|one, other| self.users[*one as usize].id.cmp(&self.users[*other as usize].id));
        let mut places = vec![0_u32; order.len()];
        for (place, arrival) in (0_u32..).zip(&order) {
            places[*arrival as usize] = place;
        }
        for holding in &mut self.holdings {
            holding.user = places[holding.user as usize];
        }
        self.holdings.sort_unstable_by_key(|holding| (holding.group, holding.user));
        self.users.sort_by(|one, other| one.id.cmp(&other.id));
        self.groups.sort_by(|one, other| one.id.cmp(&other.id));
        let members = self.users.iter().map(|user| Member {
            id: Number::of(user.id.as_str()),
            object: user.user_id.as_ref().map(|object| Number::of(object.as_str())),
            is_mirrored: user.standing == Standing::Mirrored,
        });
        let mut picture = Picture {
            members: members.collect(),
            holdings_of: ranges(&self.holdings, self.held_groups),
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

    /// A user's object in the identity store, if the user is mirrored.
    pub(super) fn mirrored_as(&self, place: u32) -> Option<Option<Number>> {
        let member = self.members.get(place as usize)?;
        member.is_mirrored.then_some(member.object)
    }

    pub(super) fn owner_of_user(&self, user: &UserId) -> Option<u32> {
        self.user_objects.get(Number::of(user.as_str()))
    }

    pub(super) fn owner_of_group(&self, group: &GroupId) -> Option<u32> {
        self.group_objects.get(Number::of(group.as_str()))
    }

    /// Who is in this group by the ledger, in the order of the numbers of their ids.
    pub(super) fn held_in(&self, group: &GroupId) -> Vec<Held> {
        let range = self.holdings_of.get(&Number::of(group.as_str())).cloned().unwrap_or_default();
        let mut held: Vec<Held> = self.holdings[range].iter().map(|holding| self.held(holding)).collect();
        held.sort_unstable_by_key(|held| held.id);
        held
    }

    fn held(&self, holding: &Holding) -> Held {
        let Member { id, object, is_mirrored } = self.members[holding.user as usize];
        Held { id, object, place: holding.user, is_mirrored, membership: holding.membership }
    }

    fn mark_nobodys_groups(&mut self) {
        for (group, range) in &self.holdings_of {
            if self.group_objects.get(*group).is_none() {
                for holding in &self.holdings[range.clone()] {
                    self.users[holding.user as usize].holds_in_nobodys_group = true;
                }
            }
        }
    }
}

fn place_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where the holdings of each group are, which stand in the order of the groups' places.
fn ranges(holdings: &[Holding], groups: HashMap<Number, u32>) -> HashMap<Number, Range<usize>> {
    let mut ends = vec![0; groups.len()];
    for (number, holding) in (1..).zip(holdings) {
        ends[holding.group as usize] = number;
    }
    let start = |place: usize| place.checked_sub(1).map_or(0, |before| ends[before]);
    groups.into_iter().map(|(group, place)| (group, start(place as usize)..ends[place as usize])).collect()
}

fn objects<'a>(ids: impl Iterator<Item = Option<&'a str>>) -> Index {
    Index::of((0_u32..).zip(ids).filter_map(|(place, id)| Some((Number::of(id?), place))))
}
