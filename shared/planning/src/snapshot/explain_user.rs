//! Why a user has the access that they have, and why they do not have other.

use super::access::{Grants, GroupAccess};
use super::planned::{Named, NamedAssignment};
use super::world::World;
use super::{Snapshot, UnusableRules, users};
use crate::access::AccountAssignment;
use crate::attributes::UserAttribute;
use crate::record::{Standing, UserRecord};
use crate::rules::Position;
use crate::scope::{self, OutOfScope};
use crate::{EntraObjectId, GroupId, UserId, names};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Whether what Entra ID and the rules call for stands in Identity Center.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Called for, and there.
    InForce,
    /// Called for, and not there yet.
    NotYet,
    /// There, and not called for.
    NotFromEntra,
}

/// A way in which a user is in scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "way")]
pub enum WayIn {
    /// The user is assigned to the enterprise application.
    Assigned,
    /// A group is, and the user is below it: the group of which the user is a direct member first, the assigned one
    /// last.
    ByGroup {
        /// The groups.
        path: Vec<Named>,
    },
}

/// An account assignment of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Assignment {
    /// Permission set and account.
    #[serde(flatten)]
    pub assignment: NamedAssignment,
    /// Where the rules stand that call for it.
    pub rules: Vec<Position>,
    /// Whether it is there.
    pub presence: Presence,
}

/// A group that gives, or would give, access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessPath {
    /// How the user comes to be in it in Entra ID; empty if the user is not.
    pub ways: Vec<WayIn>,
    /// The group.
    pub group: Named,
    /// Whether the user is a member in Identity Center.
    pub membership: Presence,
    /// What the group gives.
    pub assignments: Vec<Assignment>,
}

/// All that there is to say of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserExplanation {
    /// The user; what is not ours by its id in Identity Center.
    pub user: Named,
    /// When the sides were read.
    pub read_at: Timestamp,
    /// Why the user should have no access.
    pub out_of_scope: Option<OutOfScope>,
    /// Assigned to the enterprise application without a group.
    pub assigned_directly: bool,
    /// The user's object, if there is one.
    pub user_id: Option<UserId>,
    /// How far the mirror has come.
    pub standing: Option<Standing>,
    /// Every group of the user on either side that counts.
    pub paths: Vec<AccessPath>,
    /// Account assignments of the user's own, which nothing of ours makes or takes away.
    pub own_assignments: Vec<NamedAssignment>,
    /// What keeps the user from being as Entra ID says, with what to do.
    pub skipped: Vec<String>,
}

/// Explains the user of this name (user principal name, or user name in Identity Center) or id. `None` if neither side
/// knows such a user.
///
/// # Errors
/// When the rules have errors.
pub fn explain_user(snapshot: &Snapshot, text: &str) -> Result<Option<UserExplanation>, UnusableRules> {
    let world = World::of(snapshot);
    let access = match &snapshot.access {
        Some(side) => Grants::of(side)?.groups(&world),
        None => BTreeMap::new(),
    };
    Ok(find(&world, text).map(|found| explain(&world, &access, found)))
}

/// Who is meant.
enum Found<'a> {
    InEntra(&'a EntraObjectId),
    OnlyInStore(&'a UserId),
}

fn find<'a>(world: &World<'a>, text: &str) -> Option<Found<'a>> {
    let lower = text.to_lowercase();
    let is_it = |id: &&EntraObjectId| id.as_str() == lower || names::is_same_name(&world.user_name(id), text);
    if let Some(id) = world.candidates().into_iter().find(is_it) {
        return Some(Found::InEntra(id));
    }
    let store = &world.snapshot.identity_center.users;
    let named = world.user_called(UserAttribute::UserName, text);
    let user = named.or_else(|| store.iter().map(|user| &user.user_id).find(|id| id.as_str() == text))?;
    Some(world.owner_of_user(user).map_or(Found::OnlyInStore(user), Found::InEntra))
}

fn explain(
    world: &World<'_>,
    access: &BTreeMap<&EntraObjectId, GroupAccess>,
    found: Found<'_>,
) -> UserExplanation {
    let (id, object, record) = match found {
        Found::InEntra(id) => {
            let record = world.user_record(id);
            let object = record.principal.user_id.clone().filter(|object| world.user(object).is_some());
            (Some(id), object, Some(record.principal))
        }
        Found::OnlyInStore(user) => (None, Some(user.clone()), None),
    };
    let reading = id.map(|id| world.reading(id));
    let assigned: BTreeSet<EntraObjectId> =
        id.map(|id| users::assigned_groups(world, id).into_keys().collect()).unwrap_or_default();
    let assigned_directly = id.is_some_and(|id| world.is_assigned(id));
    let out_of_scope = reading.as_ref().and_then(|it| scope::of_user(it, assigned_directly, &assigned));
    let called_for = if out_of_scope.is_none() { assigned } else { BTreeSet::new() };
    let skipped = id.map(|id| users::plan_user(world, id, &BTreeSet::new()).plan);
    UserExplanation {
        user: match (&found_name(world, id), &object) {
            (Some(named), _) => named.clone(),
            (None, Some(object)) => world.named_store_user(object),
            (None, None) => Named { id: String::new(), name: String::new() },
        },
        read_at: world.snapshot.taken_at,
        out_of_scope,
        assigned_directly,
        standing: record.filter(is_known).map(|record| record.standing),
        paths: paths(world, access, id, object.as_ref(), &called_for),
        own_assignments: own_assignments(world, object.as_ref()),
        user_id: object,
        skipped: skipped.map(|plan| [plan.skipped, plan.held].concat()).unwrap_or_default(),
    }
}

fn found_name(world: &World<'_>, id: Option<&EntraObjectId>) -> Option<Named> {
    id.map(|id| Named::of(id, world.user_name(id)))
}

fn is_known(record: &UserRecord) -> bool {
    *record != UserRecord::default()
}

fn own_assignments(world: &World<'_>, object: Option<&UserId>) -> Vec<NamedAssignment> {
    let side = world.snapshot.access.as_ref();
    let own = object.and_then(|object| side?.of_users.get(object)).into_iter().flatten();
    own.map(|assignment| world.named_assignment(assignment)).collect()
}

/// Groups that Entra ID calls for, then those that only Identity Center knows the user in.
fn paths(
    world: &World<'_>,
    access: &BTreeMap<&EntraObjectId, GroupAccess>,
    id: Option<&EntraObjectId>,
    object: Option<&UserId>,
    called_for: &BTreeSet<EntraObjectId>,
) -> Vec<AccessPath> {
    let mut there: BTreeSet<GroupId> =
        object.map(|object| world.memberships_of(object).into_keys().collect()).unwrap_or_default();
    let mut paths = Vec::new();
    for group in called_for {
        let group_id = world.group_record(group).principal.group_id;
        let is_there = group_id.is_some_and(|group_id| there.remove(&group_id));
        let ways = id.into_iter().flat_map(|id| world.paths(id, group));
        paths.push(AccessPath {
            ways: ways.map(|path| way(world, &path)).collect(),
            group: world.named_group(group),
            membership: if is_there { Presence::InForce } else { Presence::NotYet },
            assignments: access.get(group).map(|access| assignments(world, access)).unwrap_or_default(),
        });
    }
    for group in there {
        paths.push(AccessPath {
            ways: Vec::new(),
            group: world.named_store_group(&group),
            membership: Presence::NotFromEntra,
            assignments: of_store_group(world, access, &group),
        });
    }
    paths
}

fn way(world: &World<'_>, path: &[&EntraObjectId]) -> WayIn {
    WayIn::ByGroup { path: path.iter().map(|group| world.named_group(group)).collect() }
}

/// What a group of ours gives: what the rules call for, and what is there without them.
pub(super) fn assignments(world: &World<'_>, access: &GroupAccess) -> Vec<Assignment> {
    let granted = access.desired.granted.keys();
    let all: BTreeSet<&AccountAssignment> = granted.chain(&access.actual).collect();
    let presence = |assignment: &AccountAssignment| match (
        access.desired.granted.contains_key(assignment),
        access.actual.contains(assignment),
    ) {
        (true, true) => Presence::InForce,
        (true, false) => Presence::NotYet,
        (false, _) => Presence::NotFromEntra,
    };
    let explained = all.into_iter().map(|assignment| Assignment {
        assignment: world.named_assignment(assignment),
        rules: access.rules_of(assignment),
        presence: presence(assignment),
    });
    explained.collect()
}

pub(super) fn of_store_group(
    world: &World<'_>,
    access: &BTreeMap<&EntraObjectId, GroupAccess>,
    group: &GroupId,
) -> Vec<Assignment> {
    if let Some(access) = world.owner_of_group(group).and_then(|owner| access.get(owner)) {
        return assignments(world, access);
    }
    let side = world.snapshot.access.as_ref();
    let there = side.and_then(|side| side.of_groups.get(group)).into_iter().flatten();
    let foreign = there.map(|assignment| Assignment {
        assignment: world.named_assignment(assignment),
        rules: Vec::new(),
        presence: Presence::NotFromEntra,
    });
    foreign.collect()
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Presence::InForce => "in force",
            Presence::NotYet => "NOT YET in AWS",
            Presence::NotFromEntra => "NOT FROM ENTRA ID",
        })
    }
}

impl fmt::Display for WayIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WayIn::Assigned => f.write_str("assigned to the enterprise application"),
            WayIn::ByGroup { path } => {
                let names: Vec<String> = path.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(" < "))
            }
        }
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.assignment, self.presence)?;
        let rules: Vec<String> = self.rules.iter().map(ToString::to_string).collect();
        if rules.is_empty() { Ok(()) } else { write!(f, " (rule at {})", rules.join(", ")) }
    }
}

impl fmt::Display for UserExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "user {} ({})", self.user, self.user.id)?;
        match &self.out_of_scope {
            Some(why) => writeln!(f, "  in Entra ID: no access, {why}")?,
            None if self.standing.is_none()
                && self.paths.iter().all(|path| path.ways.is_empty())
                && !self.assigned_directly =>
            {
                writeln!(f, "  in Entra ID: not known among those in scope")?;
            }
            None if self.assigned_directly => {
                writeln!(f, "  in Entra ID: assigned to the enterprise application")?
            }
            None => writeln!(f, "  in Entra ID: in scope by groups")?,
        }
        match &self.user_id {
            Some(user) => writeln!(f, "  in Identity Center: user {user}")?,
            None => writeln!(f, "  in Identity Center: no user")?,
        }
        for path in &self.paths {
            writeln!(f, "  group {}: membership {}", path.group, path.membership)?;
            for way in &path.ways {
                writeln!(f, "    by way of {way} -> enterprise application")?;
            }
            for assignment in &path.assignments {
                writeln!(f, "    {assignment}")?;
            }
        }
        for assignment in &self.own_assignments {
            writeln!(f, "  of the user's own, without a group: {assignment}: {}", Presence::NotFromEntra)?;
        }
        for line in &self.skipped {
            writeln!(f, "  ! {line}")?;
        }
        Ok(())
    }
}
