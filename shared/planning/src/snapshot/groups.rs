//! What would be done about one group's object.

use super::planned::{PlannedChange, PrincipalPlan};
use super::world::World;
use crate::EntraObjectId;
use crate::group_plan::{self, DesiredGroup, IdentityGroup};
use crate::plan::Change;
use crate::record::{GroupRecord, PrincipalKind, Record};
use std::collections::BTreeSet;

/// Plans a group's object.
pub(super) fn plan_group(world: &World<'_>, id: &EntraObjectId) -> PrincipalPlan {
    let mut record = world.group_record(id);
    let desired = desired_group(world, &record);
    let object = actual(world, &mut record);
    let settings = &world.snapshot.settings;
    let is_over = desired == DesiredGroup::Absent
        && record.principal.standing.is_past_grace(world.snapshot.taken_at, settings.grace);
    let plan = match object {
        Some(object) if is_over => {
            let members = world.snapshot.identity_center.memberships.get(&object.group_id);
            let members: BTreeSet<_> = members.into_iter().flatten().map(|(user, _)| user.clone()).collect();
            group_plan::plan_deletion(&record, object, &members)
        }
        _ => {
            let holder = match &desired {
                DesiredGroup::Present { name } => {
                    Some(world.holder_of_group(name, record.principal.group_id.as_ref()))
                }
                DesiredGroup::Absent => None,
            };
            let is_wanted = |name: &String| desired == DesiredGroup::Present { name: name.clone() };
            let differing = object.map(|object| &object.name).filter(|name| !is_wanted(name));
            let needed = differing.is_some_and(|name| world.is_group_name_needed(id, name));
            group_plan::plan_group(&record, &desired, object, holder.as_ref(), needed)
        }
    };
    let mut outcome = PrincipalPlan::empty(id, world.group_name(id), PrincipalKind::Group);
    outcome.changes = plan.changes.iter().filter_map(|change| shown(world, change, object)).collect();
    outcome.skipped = plan.skipped.iter().map(ToString::to_string).collect();
    for owner in &plan.waits_for {
        outcome.skipped.push(format!("waits until {} has taken its new name", world.named_group(owner)));
    }
    outcome
}

/// True if the plan leads to an object where there is none.
pub(super) fn is_created(plan: &PrincipalPlan) -> bool {
    plan.changes.iter().any(|(change, _)| *change == PlannedChange::CreateGroup)
}

pub(super) fn desired_group(world: &World<'_>, record: &Record<GroupRecord>) -> DesiredGroup {
    match world.entra_group(&record.id) {
        Some(group) if record.assigned => DesiredGroup::Present { name: group.name.clone() },
        _ => DesiredGroup::Absent,
    }
}

fn actual<'a>(world: &World<'a>, record: &mut Record<GroupRecord>) -> Option<&'a IdentityGroup> {
    let object = record.principal.group_id.as_ref().and_then(|id| world.group(id));
    if object.is_none() {
        record.principal.object_is_gone();
    }
    object
}

fn shown(
    world: &World<'_>,
    change: &Change,
    object: Option<&IdentityGroup>,
) -> Option<(PlannedChange, String)> {
    Some(match change {
        Change::RevokeMembership { user, .. } => (
            PlannedChange::RevokeMembership { of: world.named_store_user(user) },
            "the group is deleted".to_owned(),
        ),
        Change::RetireGroup { owner, .. } => {
            (PlannedChange::StepAside { tombstone: owner.clone() }, "its name is needed".to_owned())
        }
        Change::CreateGroup { .. } => {
            (PlannedChange::CreateGroup, "assigned to the enterprise application".to_owned())
        }
        Change::RenameGroup { name, .. } => (
            PlannedChange::RenameGroup {
                before: object.map(|object| object.name.clone()).unwrap_or_default(),
                after: name.clone(),
            },
            "Entra ID says so".to_owned(),
        ),
        Change::DeleteGroup { .. } => {
            (PlannedChange::DeleteGroup, "out of scope for longer than the grace period".to_owned())
        }
        Change::RetireUser { .. }
        | Change::CreateUser { .. }
        | Change::UpdateUser { .. }
        | Change::DeleteUser { .. }
        | Change::GrantMembership { .. } => return None,
    })
}
