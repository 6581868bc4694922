//! Compares one group: its record, and its members by Entra ID, by the ledger and by the identity store.

use super::findings::{Difference, Finding, ForeignMember};
use super::number::Number;
use super::picture::{KnownGroup, Picture};
use crate::record::Standing;
use crate::{EntraObjectId, GroupId, MembershipId, UserId};
use jiff::{SignedDuration, Timestamp};

/// A delta link is good for seven days (delta-query-overview); two are left for whatever delays its renewal.
const DELTA_LINK: SignedDuration = SignedDuration::from_hours(5 * 24);

/// What the members of a group come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberDifferences {
    /// Whom to look at.
    pub findings: Vec<Finding>,
    /// Members that are neither called for nor ours.
    pub foreign: Vec<ForeignMember>,
}

/// What a group's record alone tells. `entra_name` is the name in Entra ID, where it was read.
pub fn judge_group(
    group: &KnownGroup,
    entra_name: Option<&str>,
    now: Timestamp,
    grace: SignedDuration,
) -> Option<Difference> {
    let renewed = |made: Timestamp| now.duration_since(made) <= DELTA_LINK;
    let link_is_old = !(group.has_delta_link && group.delta_link_made_at.is_some_and(renewed));
    match (group.assigned, group.standing) {
        _ if group.dirty => Some(Difference::Dirty),
        (true, Standing::Mirrored) if !group.settled => Some(Difference::Unsettled),
        (true, Standing::Mirrored) if entra_name.is_some_and(|name| group.name.as_deref() != Some(name)) => {
            Some(Difference::ChangedInEntra)
        }
        (true, Standing::Mirrored) => link_is_old.then_some(Difference::DeltaLinkOld),
        (true, _) => Some(Difference::NotMirrored),
        (false, Standing::Mirrored) => Some(Difference::OutOfScope),
        (false, Standing::Revoked { since }) if now.duration_since(since) >= grace => {
            Some(Difference::GraceOver)
        }
        (false, _) if !group.settled => Some(Difference::Unsettled),
        // A group nested in an assigned one has a link and no object.
        (false, _) => (group.has_delta_link && link_is_old).then_some(Difference::DeltaLinkOld),
    }
}

/// Compares the members. `in_entra` are the users that Entra ID calls for, none for a tombstone; `in_store` is
/// `None` if the identity store does not know the group, which the list of groups tells, too.
pub fn compare_members(
    picture: &Picture,
    group: &KnownGroup,
    in_entra: &[EntraObjectId],
    in_store: Option<&[(UserId, MembershipId)]>,
) -> MemberDifferences {
    let mut differences = MemberDifferences::default();
    let Some(group_id) = &group.group_id else {
        return differences;
    };
    let mut find =
        |user: &EntraObjectId, difference| differences.findings.push(Finding::user(user, difference));
    let held = picture.held_in(group_id);
    let mut actual = Actual::of(in_store.unwrap_or_default());
    // Both are in the order of the numbers.
    let mut wanted = numbers(in_entra).into_iter().peekable();
    let mut unheld = Vec::new();
    for held in held {
        unheld.extend(std::iter::from_fn(|| wanted.next_if(|(id, _)| *id < held.id)));
        let is_wanted = wanted.next_if(|(id, _)| *id == held.id).is_some();
        let there = held.object.and_then(|object| actual.take(object));
        // Users who are not mirrored are judged by their own reading: they may be disabled.
        if !held.is_mirrored {
            continue;
        }
        let user = &picture.users[held.place as usize].id;
        if !is_wanted {
            find(user, Difference::MembershipUnwanted);
        } else if in_store.is_some() && held.membership.is_some() && there != held.membership {
            find(user, Difference::MembershipMissing);
        }
    }
    unheld.extend(wanted);
    for (_, id) in unheld {
        let Some(place) = picture.place_of_user(id) else {
            find(id, Difference::NotMirrored);
            continue;
        };
        let Some(object) = picture.mirrored_as(place) else { continue };
        let is_there = object.is_some_and(|object| actual.take(object).is_some());
        find(id, if is_there { Difference::MembershipUnknown } else { Difference::MembershipWanted });
    }
    differences.foreign = actual.rest().map(|user| foreign(picture, group, group_id, user)).collect();
    differences
}

/// Users in the order of their numbers, each once.
fn numbers(users: &[EntraObjectId]) -> Vec<(Number, &EntraObjectId)> {
    let mut numbers: Vec<_> = users.iter().map(|id| (Number::of(id.as_str()), id)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The members in the identity store, in the order of their numbers.
struct Actual<'a>(Vec<ActualMember<'a>>);

struct ActualMember<'a> {
    object: Number,
    membership: Number,
    user: &'a UserId,
    is_ours: bool,
}

impl<'a> Actual<'a> {
    fn of(in_store: &'a [(UserId, MembershipId)]) -> Self {
        let members = in_store.iter().map(|(user, membership)| ActualMember {
            object: Number::of(user.as_str()),
            membership: Number::of(membership.as_str()),
            user,
            is_ours: false,
        });
        let mut members: Vec<_> = members.collect();
        members.sort_unstable_by_key(|member| member.object);
        Self(members)
    }

    /// The membership of a user whom Entra ID or the ledger knows to be in the group.
    fn take(&mut self, object: Number) -> Option<Number> {
        let at = self.0.binary_search_by(|member| member.object.cmp(&object)).ok()?;
        let member = self.0.get_mut(at)?;
        member.is_ours = true;
        Some(member.membership)
    }

    /// Everybody else.
    fn rest(self) -> impl Iterator<Item = &'a UserId> {
        self.0.into_iter().filter(|member| !member.is_ours).map(|member| member.user)
    }
}

fn foreign(picture: &Picture, group: &KnownGroup, group_id: &GroupId, user: &UserId) -> ForeignMember {
    let owner = picture.owner_of_user(user).map(|place| picture.users[place as usize].id.clone());
    ForeignMember { group: group.id.clone(), group_id: group_id.clone(), user: user.clone(), owner }
}
