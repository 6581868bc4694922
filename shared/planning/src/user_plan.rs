//! The plan for one user: object, attributes and memberships.

use crate::attributes::{UserAttribute, UserAttributes};
use crate::desired::DesiredUser;
use crate::digest::Digest;
use crate::hold;
use crate::names;
use crate::plan::{Change, Plan};
use crate::record::{Record, Standing, UserRecord};
use crate::skipped::{SkipReason, Skipped};
use crate::{EntraObjectId, GroupId, MembershipId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A user as Identity Center shows it, reduced to what is mirrored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityUser {
    /// `UserId`.
    pub user_id: UserId,
    /// The mirrored attributes.
    pub attributes: UserAttributes,
    /// `Revision`, where AWS gives one: an update that names it is refused if somebody was faster.
    pub revision: Option<String>,
    /// `UserStatus` is `DISABLED`: no API can enable the user, only the console.
    pub is_disabled: bool,
}

/// Who holds a name or address that must be unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder<Id> {
    /// Nobody, or the object itself.
    Nobody,
    /// A tombstone of ours: it steps aside.
    Tombstone {
        /// Whose.
        owner: EntraObjectId,
        /// Its object.
        object: Id,
    },
    /// A living object of ours.
    Living {
        /// Whose.
        owner: EntraObjectId,
        /// In Entra ID it has another name by now, so that it will give this one up.
        moving: bool,
    },
    /// Something that is not ours.
    Foreign,
}

impl<Id> Holder<Id> {
    /// The name cannot be had, and nobody knows when it can.
    pub fn is_in_the_way(&self) -> bool {
        matches!(self, Holder::Living { moving: false, .. } | Holder::Foreign)
    }
}

/// Who holds what a user wants; `None` where nobody has looked, which counts as free.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserHolders {
    /// The user name.
    pub user_name: Option<Holder<UserId>>,
    /// The e-mail address.
    pub email: Option<Holder<UserId>>,
    /// What the user bears in Identity Center and somebody else of ours has in Entra ID by now.
    pub needed: BTreeSet<UserAttribute>,
}

/// What of this object must be unique, and is what somebody else should have.
pub fn needed_by(other: &UserAttributes, object: &IdentityUser) -> BTreeSet<UserAttribute> {
    let is_same = |attribute: &UserAttribute| {
        let values = other.get(*attribute).zip(object.attributes.get(*attribute));
        values.is_some_and(|(wanted, held)| names::is_same_name(wanted, held))
    };
    [UserAttribute::UserName, UserAttribute::Email].into_iter().filter(is_same).collect()
}

/// What has to be read from Identity Center before a plan can be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserReads {
    /// The user's object.
    pub object: bool,
    /// The user's memberships.
    pub memberships: bool,
}

/// True if the ledger proves that Identity Center already holds what it should: no AWS call is needed.
pub fn is_in_step(record: &Record<UserRecord>, desired: &DesiredUser) -> bool {
    let user = &record.principal;
    let settled = !record.dirty && user.creating.is_none() && user.granting.is_empty();
    let kept = hold::kept(record, desired);
    settled
        && match desired {
            DesiredUser::Absent(_) => {
                user.memberships.keys().eq(&kept)
                    && (user.user_id.is_none() || user.standing.is_tombstone() || !kept.is_empty())
            }
            DesiredUser::Present { attributes, groups, .. } => {
                user.standing == Standing::Mirrored
                    && attributes.as_ref().is_ok_and(|wanted| user.attributes == Some(Digest::of(wanted)))
                    && user.memberships.keys().eq(groups.union(&kept))
            }
        }
}

/// What to read before planning. A clean record makes reading needless where nothing differs from what was
/// last applied; `in_doubt` and a dirty record make it needful everywhere.
pub fn reads(record: &Record<UserRecord>, desired: &DesiredUser, in_doubt: bool) -> UserReads {
    let user = &record.principal;
    if user.user_id.is_none() {
        return UserReads::default();
    }
    let in_doubt = in_doubt || record.dirty || !user.granting.is_empty();
    match desired {
        DesiredUser::Absent(_) => UserReads { object: false, memberships: in_doubt },
        DesiredUser::Present { attributes, .. } => {
            let in_doubt = in_doubt || user.standing != Standing::Mirrored;
            let differs = attributes.as_ref().is_ok_and(|wanted| user.attributes != Some(Digest::of(wanted)));
            UserReads { object: in_doubt || differs, memberships: in_doubt }
        }
    }
}

/// True if handling the user may take a membership away, whatever Identity Center is found to hold. Where it is
/// false, no plan takes any away; where it is true, the plan may still leave everything.
pub fn may_revoke(record: &Record<UserRecord>, desired: &DesiredUser) -> bool {
    let user = &record.principal;
    let kept = hold::kept(record, desired);
    let wanted =
        |group: &GroupId| matches!(desired, DesiredUser::Present { groups, .. } if groups.contains(group));
    let mut ours = user.memberships.keys().chain(&user.granting);
    ours.any(|group| !wanted(group) && !kept.contains(group))
}

/// Plans a user. `object` is the user in Identity Center if it was read; `managed` the attributes that are
/// ours to set.
pub fn plan_user(
    record: &Record<UserRecord>,
    desired: &DesiredUser,
    object: Option<&IdentityUser>,
    holders: &UserHolders,
    managed: &BTreeSet<UserAttribute>,
) -> Plan {
    let mut plan = Plan::empty(record.id.clone());
    let user = &record.principal;
    plan.held = hold::kept(record, desired);
    match desired {
        DesiredUser::Absent(_) => plan.changes.extend(revocations(user, &plan.held)),
        DesiredUser::Present { attributes, left_out, groups } => {
            plan.changes.extend(revocations(user, &groups.union(&plan.held).cloned().collect()));
            plan.skipped.extend(left_out.iter().cloned());
            let exists = match (attributes, object, &user.user_id) {
                (Err(why), _, existing) => {
                    plan.skipped.push(Skipped::Principal { why: why.clone() });
                    existing.is_some()
                }
                (Ok(wanted), None, None) => plan_creation(&mut plan, wanted, holders),
                (Ok(wanted), Some(object), Some(_)) => {
                    plan_update(&mut plan, wanted, object, holders, managed);
                    true
                }
                (Ok(_), _, existing) => existing.is_some(),
            };
            if exists {
                let missing = groups.iter().filter(|group| !user.memberships.contains_key(*group));
                plan.changes.extend(missing.map(|group| Change::GrantMembership { group: group.clone() }));
            }
        }
    }
    plan
}

/// Plans the deletion of a tombstone whose grace period is over: every membership first, whoever wrote it,
/// for it goes with the user.
pub fn plan_deletion(
    record: &Record<UserRecord>,
    object: &IdentityUser,
    memberships: &BTreeMap<GroupId, MembershipId>,
) -> Plan {
    let mut plan = Plan::empty(record.id.clone());
    let user = object.user_id.clone();
    plan.changes.extend(memberships.iter().map(|(group, membership)| Change::RevokeMembership {
        user: user.clone(),
        group: group.clone(),
        membership: Some(membership.clone()),
    }));
    plan.changes.push(Change::DeleteUser { user, revision: object.revision.clone() });
    plan
}

fn revocations(user: &UserRecord, wanted: &BTreeSet<GroupId>) -> Vec<Change> {
    let Some(user_id) = &user.user_id else {
        return Vec::new();
    };
    let written = user.memberships.iter().map(|(group, membership)| (group, Some(membership.clone())));
    let begun = user.granting.iter().map(|group| (group, None));
    let mut ours: BTreeMap<&GroupId, Option<MembershipId>> = begun.collect();
    ours.extend(written);
    ours.into_iter()
        .filter(|(group, _)| !wanted.contains(*group))
        .map(|(group, membership)| Change::RevokeMembership {
            user: user_id.clone(),
            group: group.clone(),
            membership,
        })
        .collect()
}

/// Plans the creation; false if it has to wait or is skipped.
fn plan_creation(plan: &mut Plan, wanted: &UserAttributes, holders: &UserHolders) -> bool {
    let mut retired = BTreeMap::new();
    let (mut skipped, mut waits) = (None, BTreeSet::new());
    for (attribute, holder) in
        [(UserAttribute::UserName, &holders.user_name), (UserAttribute::Email, &holders.email)]
    {
        match holder {
            None | Some(Holder::Nobody) => {}
            Some(Holder::Tombstone { owner, object }) => {
                retired.insert(object.clone(), owner.clone());
            }
            Some(Holder::Living { owner, moving: true }) => {
                waits.insert(owner.clone());
            }
            Some(Holder::Living { moving: false, .. }) => skipped = Some(taken(attribute, false)),
            Some(Holder::Foreign) => skipped = skipped.or(Some(taken(attribute, true))),
        }
    }
    if let Some(why) = skipped {
        plan.skipped.push(Skipped::Principal { why });
        return false;
    }
    if !waits.is_empty() {
        plan.waits_for = waits;
        return false;
    }
    plan.changes.extend(retired.into_iter().map(|(user, owner)| Change::RetireUser { user, owner }));
    plan.changes.push(Change::CreateUser { attributes: wanted.clone() });
    true
}

fn plan_update(
    plan: &mut Plan,
    wanted: &UserAttributes,
    object: &IdentityUser,
    holders: &UserHolders,
    managed: &BTreeSet<UserAttribute>,
) {
    let mut attributes = wanted.clone();
    let mut retired = BTreeMap::new();
    let differing = wanted.differences(&object.attributes, managed);
    for (attribute, holder) in
        [(UserAttribute::UserName, &holders.user_name), (UserAttribute::Email, &holders.email)]
    {
        if !differing.contains(&attribute) {
            continue;
        }
        match holder {
            None | Some(Holder::Nobody) => {}
            Some(Holder::Tombstone { owner, object }) => {
                retired.insert(object.clone(), owner.clone());
            }
            Some(Holder::Living { owner, moving: true }) => {
                attributes.set(attribute, moving(attribute, &plan.principal));
                plan.waits_for.insert(owner.clone());
            }
            Some(holder) => {
                // What another needs is given up all the same: else that one would wait for as long as this one.
                if holders.needed.contains(&attribute) {
                    attributes.set(attribute, moving(attribute, &plan.principal));
                } else {
                    keep(&mut attributes, &object.attributes, attribute);
                }
                let why = taken(attribute, *holder == Holder::Foreign);
                plan.skipped.push(Skipped::Principal { why });
            }
        }
    }
    let changed = attributes.differences(&object.attributes, managed);
    plan.changes.extend(retired.into_iter().map(|(user, owner)| Change::RetireUser { user, owner }));
    if !changed.is_empty() {
        plan.changes.push(Change::UpdateUser {
            user: object.user_id.clone(),
            attributes,
            changed,
            revision: object.revision.clone(),
        });
    }
}

fn keep(attributes: &mut UserAttributes, actual: &UserAttributes, attribute: UserAttribute) {
    attributes.set(attribute, actual.get(attribute).unwrap_or_default());
}

fn moving(attribute: UserAttribute, owner: &EntraObjectId) -> String {
    if attribute == UserAttribute::Email { names::moving_email(owner) } else { names::moving_name(owner) }
}

fn taken(attribute: UserAttribute, foreign: bool) -> SkipReason {
    match (attribute, foreign) {
        (UserAttribute::Email, _) => SkipReason::EmailTaken,
        (_, true) => SkipReason::UserAwaitsAdoption,
        (_, false) => SkipReason::UserNameTaken,
    }
}

impl UserRecord {
    /// The object is not in Identity Center any more; its memberships went with it.
    pub fn object_is_gone(&mut self) {
        self.user_id = None;
        self.attributes = None;
        self.memberships.clear();
        self.granting.clear();
    }

    /// The object stands in Identity Center, with these attributes.
    pub fn is_created(&mut self, user_id: UserId, attributes: &UserAttributes) {
        self.standing = Standing::Mirrored;
        self.user_id = Some(user_id);
        self.creating = None;
        self.attributes = Some(Digest::of(attributes));
    }

    /// Corrects what is remembered by the memberships that were read. A membership that Entra ID calls for
    /// is taken as ours whoever wrote it, so that it goes when Entra ID says so; any other is left alone.
    pub fn correct_memberships(&mut self, actual: &BTreeMap<GroupId, MembershipId>, desired: &DesiredUser) {
        let wanted = match desired {
            DesiredUser::Present { groups, .. } => groups.clone(),
            DesiredUser::Absent(_) => BTreeSet::new(),
        };
        let ours = |group: &GroupId| {
            self.memberships.contains_key(group) || self.granting.contains(group) || wanted.contains(group)
        };
        let kept = actual.iter().filter(|(group, _)| ours(group));
        self.memberships = kept.map(|(group, membership)| (group.clone(), membership.clone())).collect();
        self.granting.clear();
    }

    /// Notes that the plan was applied in full.
    pub fn settle(&mut self, desired: &DesiredUser, plan: &Plan, now: Timestamp) {
        self.granting.clear();
        self.creating = None;
        self.standing = match (desired, &self.user_id, self.standing) {
            (_, None, _) => Standing::Waiting,
            (DesiredUser::Absent(_), Some(_), tombstone @ Standing::Revoked { .. }) => tombstone,
            // What is held stays for now: no tombstone yet.
            (DesiredUser::Absent(_), Some(_), standing) if !self.memberships.is_empty() => standing,
            (DesiredUser::Absent(_), Some(_), _) => Standing::Revoked { since: now },
            (DesiredUser::Present { .. }, Some(_), _) => Standing::Mirrored,
        };
        if let DesiredUser::Present { attributes: Ok(wanted), .. } = desired {
            self.attributes = plan.is_complete().then(|| Digest::of(wanted));
        }
    }
}

#[cfg(test)]
#[path = "user_plan_tests.rs"]
mod tests;
