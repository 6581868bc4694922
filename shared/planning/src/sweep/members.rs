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
    let wanted = wanted(picture, in_entra, &mut differences.findings);
    let (actual, strangers) = actual(picture, in_store.unwrap_or_default());
    let held = picture.holdings_in(group_id);
    let is_held = |user: u32| held.binary_search_by(|holding| holding.user.cmp(&user)).is_ok();
    for holding in held {
        let there = actual.binary_search_by(|(user, ..)| user.cmp(&holding.user)).map(|at| actual[at].1);
        let difference = if wanted.binary_search(&holding.user).is_err() {
            picture.is_mirrored(holding.user).then_some(Difference::MembershipUnwanted)
        } else if in_store.is_some() && holding.membership.is_some() && there.ok() != holding.membership {
            Some(Difference::MembershipMissing)
        } else {
            None
        };
        if let Some(difference) = difference {
            let user = &picture.users[holding.user as usize];
            differences.findings.push(Finding::user(&user.id, difference));
        }
    }
    for place in wanted.iter().filter(|place| !is_held(**place)) {
        let known = actual.binary_search_by(|(user, ..)| user.cmp(place)).is_ok();
        let difference = if known { Difference::MembershipUnknown } else { Difference::MembershipWanted };
        differences.findings.push(Finding::user(&picture.users[*place as usize].id, difference));
    }
    for (place, _, user) in actual {
        if !is_held(place) && wanted.binary_search(&place).is_err() {
            let owner = Some(picture.users[place as usize].id.clone());
            differences.foreign.push(foreign(group, group_id, user, owner));
        }
    }
    differences.foreign.extend(strangers.into_iter().map(|user| foreign(group, group_id, user, None)));
    differences
}

/// The places of the users that should be in the group; whom the ledger does not know is a finding. Users who
/// are not mirrored are judged by their own reading: they may be disabled.
fn wanted(picture: &Picture, in_entra: &[EntraObjectId], findings: &mut Vec<Finding>) -> Vec<u32> {
    let mut wanted = Vec::with_capacity(in_entra.len());
    for id in in_entra {
        match picture.place_of_user(id) {
            Some(place) if picture.is_mirrored(place) => wanted.push(place),
            Some(_) => {}
            None => findings.push(Finding::user(id, Difference::NotMirrored)),
        }
    }
    wanted.sort_unstable();
    wanted
}

type Members<'a> = Vec<(u32, Number, &'a UserId)>;

/// The members in the identity store: those that are users of ours, and the others.
fn actual<'a>(picture: &Picture, in_store: &'a [(UserId, MembershipId)]) -> (Members<'a>, Vec<&'a UserId>) {
    let (mut ours, mut strangers) = (Vec::with_capacity(in_store.len()), Vec::new());
    for (user, membership) in in_store {
        match picture.owner_of_user(user) {
            Some(place) => ours.push((place, Number::of(membership.as_str()), user)),
            None => strangers.push(user),
        }
    }
    ours.sort_unstable();
    (ours, strangers)
}

fn foreign(
    group: &KnownGroup,
    group_id: &GroupId,
    user: &UserId,
    owner: Option<EntraObjectId>,
) -> ForeignMember {
    ForeignMember { group: group.id.clone(), group_id: group_id.clone(), user: user.clone(), owner }
}
