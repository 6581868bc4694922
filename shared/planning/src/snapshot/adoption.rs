//! Users and groups in Identity Center that match ones in scope and are not ours.

use super::planned::Named;
use super::world::World;
use super::{Snapshot, groups, users};
use crate::attributes::UserAttribute;
use crate::desired::{DesiredUser, desired_user};
use crate::group_plan::DesiredGroup;
use crate::record::PrincipalKind;
use crate::user_plan::Holder;
use crate::{EntraObjectId, GroupId, UserId, names};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Groups that AWS Control Tower makes, and looks for by their names (Control Tower user guide, "IAM Identity Center
/// groups for AWS Control Tower").
const CONTROL_TOWER: [&str; 8] = [
    "AWSAccountFactory",
    "AWSAuditAccountAdmins",
    "AWSControlTowerAdmins",
    "AWSLogArchiveAdmins",
    "AWSLogArchiveViewers",
    "AWSSecurityAuditors",
    "AWSSecurityAuditPowerUsers",
    "AWSServiceCatalogAdmins",
];

/// An object of Identity Center.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum StoreObject {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
}

/// Why an operator may not want to adopt something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "doubt")]
pub enum Doubt {
    /// The user is disabled in Identity Center, and no API can enable it.
    Disabled,
    /// The two have different e-mail addresses: they may be two people.
    OtherEmail,
    /// The user has account assignments of its own, which no group and no rule gives.
    OwnAssignments {
        /// How many.
        count: usize,
    },
    /// The group has account assignments: whoever Entra ID puts into it gets them.
    HoldsAssignments {
        /// How many.
        count: usize,
    },
    /// AWS Control Tower looks for a group of this name.
    ControlTower,
    /// The group has members that Entra ID does not know there; they stay until somebody removes them.
    OtherMembers {
        /// How many.
        count: usize,
    },
    /// The names differ in case.
    OtherCase,
}

/// Something that may be adopted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Candidate {
    /// Who it would be in Entra ID.
    pub principal: Named,
    /// What stands in Identity Center.
    pub object: StoreObject,
    /// What to think about before.
    pub doubts: Vec<Doubt>,
}

impl Candidate {
    /// User or group.
    pub fn kind(&self) -> PrincipalKind {
        match self.object {
            StoreObject::User(_) => PrincipalKind::User,
            StoreObject::Group(_) => PrincipalKind::Group,
        }
    }
}

/// Everything that may be adopted, groups first.
pub fn candidates(snapshot: &Snapshot) -> Vec<Candidate> {
    let world = World::of(snapshot);
    let groups = world.candidate_groups().into_iter().filter_map(|group| group_candidate(&world, group));
    let users = world.candidates().into_iter().filter_map(|user| user_candidate(&world, user));
    groups.chain(users).collect()
}

fn group_candidate(world: &World<'_>, id: &EntraObjectId) -> Option<Candidate> {
    let record = world.group_record(id);
    let DesiredGroup::Present { name } = groups::desired_group(world, &record) else { return None };
    if record.principal.group_id.is_some_and(|object| world.group(&object).is_some()) {
        return None;
    }
    let (Holder::Foreign, Some(object)) = (world.holder_of_group(&name, None), world.group_called(&name))
    else {
        return None;
    };
    let mut doubts = Vec::new();
    let stands_as = world.group(object)?.name.as_str();
    if CONTROL_TOWER.iter().any(|reserved| names::is_same_name(reserved, stands_as)) {
        doubts.push(Doubt::ControlTower);
    }
    if stands_as != name {
        doubts.push(Doubt::OtherCase);
    }
    let access = world.snapshot.access.as_ref();
    match access.and_then(|access| access.of_groups.get(object)).map_or(0, |given| given.len()) {
        0 => {}
        count => doubts.push(Doubt::HoldsAssignments { count }),
    }
    match other_members(world, id, object) {
        0 => {}
        count => doubts.push(Doubt::OtherMembers { count }),
    }
    let object = StoreObject::Group(object.clone());
    Some(Candidate { principal: Named::of(id, name), object, doubts })
}

/// Members of a foreign group that Entra ID does not know there by their user names.
fn other_members(world: &World<'_>, id: &EntraObjectId, object: &GroupId) -> usize {
    let wanted: std::collections::BTreeSet<String> =
        world.users_of(id).into_iter().map(|user| world.user_name(user).to_lowercase()).collect();
    let members = world.snapshot.identity_center.memberships.get(object).into_iter().flatten();
    let is_known = |user: &UserId| wanted.contains(&world.named_store_user(user).name.to_lowercase());
    members.filter(|(user, _)| !is_known(user)).count()
}

fn user_candidate(world: &World<'_>, id: &EntraObjectId) -> Option<Candidate> {
    let record = world.user_record(id);
    if record.principal.user_id.as_ref().is_some_and(|object| world.user(object).is_some()) {
        return None;
    }
    let assigned = users::assigned_groups(world, id);
    let mapping = &world.snapshot.settings.mapping;
    let DesiredUser::Present { attributes: Ok(wanted), .. } =
        desired_user(&world.reading(id), &record, &assigned, None, mapping)
    else {
        return None;
    };
    let name = wanted.get(UserAttribute::UserName)?;
    let Holder::Foreign = world.holder_of_user(UserAttribute::UserName, name, None) else { return None };
    let object = world.user(world.user_called(UserAttribute::UserName, name)?)?;
    let mut doubts = Vec::new();
    if object.is_disabled {
        doubts.push(Doubt::Disabled);
    }
    let same = |one: Option<&str>, other: Option<&str>| {
        one.zip(other).is_none_or(|(one, other)| names::is_same_name(one, other))
    };
    if !same(object.attributes.get(UserAttribute::Email), wanted.get(UserAttribute::Email)) {
        doubts.push(Doubt::OtherEmail);
    }
    if object.attributes.get(UserAttribute::UserName) != Some(name) {
        doubts.push(Doubt::OtherCase);
    }
    let access = world.snapshot.access.as_ref();
    match access.and_then(|access| access.of_users.get(&object.user_id)).map_or(0, |own| own.len()) {
        0 => {}
        count => doubts.push(Doubt::OwnAssignments { count }),
    }
    let object = StoreObject::User(object.user_id.clone());
    Some(Candidate { principal: Named::of(id, world.user_name(id)), object, doubts })
}

impl fmt::Display for StoreObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreObject::User(user) => user.fmt(f),
            StoreObject::Group(group) => group.fmt(f),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Disabled => {
                f.write_str("DISABLED in Identity Center: enable the user in the console, no API can")
            }
            Doubt::OtherEmail => f.write_str("another e-mail address: make sure that it is the same person"),
            Doubt::OwnAssignments { count } => {
                write!(
                    f,
                    "{count} account assignments of its own, which stay: remove them if groups give them"
                )
            }
            Doubt::HoldsAssignments { count } => {
                write!(f, "holds {count} account assignments: whoever Entra ID puts into it gets them")
            }
            Doubt::ControlTower => {
                f.write_str("AWS Control Tower's: leave it, and rename the group in Entra ID")
            }
            Doubt::OtherMembers { count } => {
                write!(f, "{count} members whom Entra ID does not know there, and who stay: look at them")
            }
            Doubt::OtherCase => f.write_str("its name differs in case, and will be Entra ID's"),
        }
    }
}
