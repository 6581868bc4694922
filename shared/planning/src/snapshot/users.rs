//! What would be done about one user.

use super::planned::{AttributeChange, Named, PlannedChange, PrincipalPlan};
use super::world::World;
use crate::attributes::UserAttribute;
use crate::desired::{AssignedGroups, DesiredUser, desired_user};
use crate::digest::Digest;
use crate::hold;
use crate::plan::Change;
use crate::record::{PrincipalKind, Record, UserRecord};
use crate::scope::{OutOfScope, UserReading};
use crate::user_plan::{self, Holder, IdentityUser, UserHolders};
use crate::{EntraObjectId, GroupId};
use std::collections::{BTreeMap, BTreeSet};

/// What a user's plan came to, with what the guard rail counts of it.
pub(super) struct UserOutcome {
    pub(super) plan: PrincipalPlan,
    /// The groups that the user would lose, unless that is never held.
    pub(super) counted: BTreeSet<GroupId>,
}

/// Plans a user. `created` are the groups that do not stand in Identity Center yet and will.
pub(super) fn plan_user(
    world: &World<'_>,
    id: &EntraObjectId,
    created: &BTreeSet<&EntraObjectId>,
) -> UserOutcome {
    let settings = &world.snapshot.settings;
    let mut record = world.user_record(id);
    let reading = world.reading(id);
    let assigned = assigned_groups(world, id);
    let mut desired =
        desired_user(&reading, &record, &assigned, world.manager_of(id).as_ref(), &settings.mapping);
    let object = actual(world, &mut record, &desired);
    // What counts as held depends on what there is.
    desired = desired_user(&reading, &record, &assigned, world.manager_of(id).as_ref(), &settings.mapping);
    let holders = holders(world, &record, &desired, object);
    let is_over = matches!(desired, DesiredUser::Absent(_))
        && record.principal.standing.is_past_grace(world.snapshot.taken_at, settings.grace);
    let plan = match object {
        Some(object) if is_over => {
            user_plan::plan_deletion(&record, object, &world.memberships_of(&object.user_id))
        }
        _ => user_plan::plan_user(&record, &desired, object, &holders, &settings.mapping.managed()),
    };
    let mut outcome = PrincipalPlan::empty(id, world.user_name(id), PrincipalKind::User);
    let reasons = Reasons { world, id, desired: &desired, object };
    outcome.changes = plan.changes.iter().filter_map(|change| reasons.of(change)).collect();
    if exists_then(&record, &plan.changes) && matches!(desired, DesiredUser::Present { .. }) {
        let joins = assigned.keys().filter(|group| created.contains(group));
        outcome.changes.extend(joins.map(|group| reasons.joins(group)));
    }
    outcome.skipped = plan.skipped.iter().map(ToString::to_string).collect();
    for owner in &plan.waits_for {
        outcome.skipped.push(format!("waits until {} has taken its new name", world.user_name(owner)));
    }
    let held = plan.held.iter().map(|group| world.named_store_group(group));
    outcome.held = held.map(|group| format!("- membership: {group}, until an operator decides")).collect();
    UserOutcome { plan: outcome, counted: hold::counted(&record, &desired, &plan) }
}

fn exists_then(record: &Record<UserRecord>, changes: &[Change]) -> bool {
    let is_created = changes.iter().any(|change| matches!(change, Change::CreateUser { .. }));
    is_created || record.principal.user_id.is_some()
}

/// The assigned groups of which the user is a member, with their objects in Identity Center.
pub(super) fn assigned_groups(world: &World<'_>, id: &EntraObjectId) -> AssignedGroups {
    let groups = world.groups_of(id).filter(|group| world.is_assigned(group));
    let objects = groups.map(|group| {
        let object = world.group_record(group).principal.group_id;
        (group.clone(), object.filter(|object| world.group(object).is_some()))
    });
    objects.collect()
}

/// Corrects what the ledger remembers by what there is, as the mirror does when it is in doubt.
fn actual<'a>(
    world: &World<'a>,
    record: &mut Record<UserRecord>,
    desired: &DesiredUser,
) -> Option<&'a IdentityUser> {
    let user = &mut record.principal;
    if let (None, Some(intent)) = (&user.user_id, &user.creating) {
        let found = world.user_called(UserAttribute::UserName, &intent.name);
        let found = found.filter(|found| world.owner_of_user(found).is_none());
        let is_ours = |id| world.user(id).is_some_and(|user| Digest::of(&user.attributes) == intent.content);
        user.user_id = found.filter(|found| is_ours(found)).cloned();
    }
    let object = user.user_id.as_ref().and_then(|id| world.user(id));
    match object {
        Some(object) => user.correct_memberships(&world.memberships_of(&object.user_id), desired),
        None => user.object_is_gone(),
    }
    object
}

fn holders(
    world: &World<'_>,
    record: &Record<UserRecord>,
    desired: &DesiredUser,
    object: Option<&IdentityUser>,
) -> UserHolders {
    let DesiredUser::Present { attributes: Ok(wanted), .. } = desired else {
        return UserHolders::default();
    };
    let own = record.principal.user_id.as_ref();
    let holder = |attribute| wanted.get(attribute).map(|value| world.holder_of_user(attribute, value, own));
    let (user_name, email) = (holder(UserAttribute::UserName), holder(UserAttribute::Email));
    // Looked for only where it matters: everybody may be asked.
    let in_the_way = [&user_name, &email].into_iter().flatten().any(Holder::is_in_the_way);
    let needed = object.filter(|_| in_the_way).map(|object| world.values_needed(&record.id, object));
    UserHolders { user_name, email, needed: needed.unwrap_or_default() }
}

/// Why a user's changes are made.
struct Reasons<'a, 'w> {
    world: &'a World<'w>,
    id: &'a EntraObjectId,
    desired: &'a DesiredUser,
    object: Option<&'a IdentityUser>,
}

impl Reasons<'_, '_> {
    fn of(&self, change: &Change) -> Option<(PlannedChange, String)> {
        Some(match change {
            Change::RevokeMembership { group, .. } => (
                PlannedChange::RevokeMembership { of: self.world.named_store_group(group) },
                self.leaving(group),
            ),
            Change::RetireUser { owner, .. } => {
                (PlannedChange::StepAside { tombstone: owner.clone() }, "its name is needed".to_owned())
            }
            Change::CreateUser { attributes } => {
                (PlannedChange::CreateUser { attributes: attributes.clone() }, self.in_scope())
            }
            Change::UpdateUser { attributes, changed, .. } => {
                let changed = changed.iter().map(|attribute| AttributeChange {
                    attribute: *attribute,
                    before: self
                        .object
                        .and_then(|object| object.attributes.get(*attribute))
                        .map(str::to_owned),
                    after: attributes.get(*attribute).map(str::to_owned),
                });
                (PlannedChange::UpdateUser { attributes: changed.collect() }, "Entra ID says so".to_owned())
            }
            Change::DeleteUser { .. } => {
                (PlannedChange::DeleteUser, "out of scope for longer than the grace period".to_owned())
            }
            Change::GrantMembership { group } => {
                let of = self.world.named_store_group(group);
                let owner = self.world.owner_of_group(group);
                let reason = owner.map_or_else(|| "Entra ID says so".to_owned(), |group| self.way(group));
                (PlannedChange::GrantMembership { of }, reason)
            }
            Change::RetireGroup { .. }
            | Change::CreateGroup { .. }
            | Change::RenameGroup { .. }
            | Change::DeleteGroup { .. } => return None,
        })
    }

    fn joins(&self, group: &EntraObjectId) -> (PlannedChange, String) {
        (PlannedChange::GrantMembership { of: self.world.named_group(group) }, self.way(group))
    }

    fn leaving(&self, group: &GroupId) -> String {
        match self.desired {
            DesiredUser::Absent(OutOfScope::NotAssigned) | DesiredUser::Present { .. } => {
                let owner = self.world.owner_of_group(group);
                match owner.filter(|group| !self.world.is_assigned(group)) {
                    Some(_) => "the group is no longer assigned to the enterprise application".to_owned(),
                    None => "no longer a member in Entra ID".to_owned(),
                }
            }
            DesiredUser::Absent(why) => why.to_string(),
        }
    }

    fn in_scope(&self) -> String {
        if self.world.is_assigned(self.id) {
            return "assigned to the enterprise application".to_owned();
        }
        let groups: Vec<String> = assigned_groups(self.world, self.id)
            .keys()
            .map(|group| self.world.named_group(group).to_string())
            .collect();
        format!("member of {}", groups.join(", "))
    }

    fn way(&self, group: &EntraObjectId) -> String {
        let path = self.world.paths(self.id, group).into_iter().next().unwrap_or_default();
        match path.len() {
            0 | 1 => "member in Entra ID".to_owned(),
            _ => {
                let names: Vec<String> =
                    path.iter().map(|group| self.world.named_group(group).to_string()).collect();
                format!("member by way of {}", names.join(" < "))
            }
        }
    }
}

/// Members of managed groups whom neither Entra ID nor the ledger knows there.
pub(super) fn foreign_members(world: &World<'_>, group: &EntraObjectId) -> Vec<Named> {
    let record = world.group_record(group);
    let Some(group_id) = record.principal.group_id.as_ref() else { return Vec::new() };
    let wanted = world.users_of(group);
    let members: BTreeMap<_, _> =
        world.snapshot.identity_center.memberships.get(group_id).cloned().unwrap_or_default();
    let is_foreign = |user: &crate::UserId| match world.owner_of_user(user) {
        None => true,
        Some(owner) => {
            let record = world.user_record(owner).principal;
            !wanted.contains(owner)
                && !record.memberships.contains_key(group_id)
                && !record.granting.contains(group_id)
        }
    };
    members.keys().filter(|user| is_foreign(user)).map(|user| world.named_store_user(user)).collect()
}

/// True if Entra ID lets the user sign in.
pub(super) fn is_enabled(reading: &UserReading) -> bool {
    matches!(reading, UserReading::Present { user, .. } if user.account_enabled)
}
