//! Who has access to an account, and why.

use super::access::Grants;
use super::explain_user::{Assignment, Presence, of_store_group};
use super::planned::Named;
use super::world::World;
use super::{Snapshot, UnusableRules, explain_user};
use crate::access::AccountAssignment;
use crate::ids::AccountId;
use crate::{EntraObjectId, GroupId};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A permission set that a group has, or should have, in the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupInAccount {
    /// What, by which rule, and whether it is there.
    #[serde(flatten)]
    pub assignment: Assignment,
    /// Who has it.
    pub group: Named,
    /// Its members in Identity Center, or in Entra ID while they are not there yet.
    pub members: Vec<(Named, Presence)>,
}

/// All that there is to say of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountExplanation {
    /// The account.
    pub account: Named,
    /// When the sides were read.
    pub read_at: Timestamp,
    /// Access by groups.
    pub groups: Vec<GroupInAccount>,
    /// Access of users by themselves, without a group: permission set and user.
    pub users: Vec<(Named, Named)>,
}

/// Explains every account of this id or name; none if the organization has no such account.
///
/// # Errors
/// When the rules have errors.
pub fn explain_account(snapshot: &Snapshot, text: &str) -> Result<Vec<AccountExplanation>, UnusableRules> {
    let Some(side) = &snapshot.access else { return Ok(Vec::new()) };
    let world = World::of(snapshot);
    let access = Grants::of(side)?.groups(&world);
    let accounts =
        side.accounts.accounts().filter(|account| account.id.as_str() == text || account.name == text);
    let explained = accounts.map(|account| {
        let mut groups = Vec::new();
        for (group, access) in &access {
            let given = explain_user::assignments(&world, access);
            groups.extend(here(given, &account.id).map(|assignment| GroupInAccount {
                assignment,
                group: world.named_group(group),
                members: members(&world, group),
            }));
        }
        for group in world.groups_in_store().filter(|group| world.owner_of_group(&group.group_id).is_none()) {
            let given = of_store_group(&world, &access, &group.group_id);
            groups.extend(here(given, &account.id).map(|assignment| GroupInAccount {
                assignment,
                group: world.named_store_group(&group.group_id),
                members: foreign_members(&world, &group.group_id),
            }));
        }
        let is_here = |assignment: &&AccountAssignment| assignment.account == account.id;
        let users = side.of_users.iter().flat_map(|(user, own)| {
            let named = world.named_store_user(user);
            let own = own.iter().filter(is_here);
            own.map(|it| (world.named_assignment(it).permission_set, named.clone())).collect::<Vec<_>>()
        });
        AccountExplanation {
            account: Named::of(&account.id, account.name.clone()),
            read_at: snapshot.taken_at,
            groups,
            users: users.collect(),
        }
    });
    Ok(explained.collect())
}

fn here(given: Vec<Assignment>, account: &AccountId) -> impl Iterator<Item = Assignment> {
    given.into_iter().filter(|assignment| assignment.assignment.account.id == account.as_str())
}

/// Members of a group of ours on both sides.
fn members(world: &World<'_>, group: &EntraObjectId) -> Vec<(Named, Presence)> {
    let record = world.group_record(group);
    let is_in_scope = record.assigned;
    let wanted: BTreeSet<&EntraObjectId> = world
        .users_of(group)
        .into_iter()
        .filter(|user| is_in_scope && super::users::is_enabled(&world.reading(user)))
        .collect();
    let there = record.principal.group_id.as_ref();
    let there = there.and_then(|group| world.snapshot.identity_center.memberships.get(group));
    let mut members = BTreeMap::new();
    for user in &wanted {
        members.insert(Named::of(user, world.user_name(user)), Presence::NotYet);
    }
    for (user, _) in there.into_iter().flatten() {
        let is_wanted = world.owner_of_user(user).is_some_and(|owner| wanted.contains(owner));
        let presence = if is_wanted { Presence::InForce } else { Presence::NotFromEntra };
        members.insert(world.named_store_user(user), presence);
    }
    members.into_iter().collect()
}

fn foreign_members(world: &World<'_>, group: &GroupId) -> Vec<(Named, Presence)> {
    let members = world.snapshot.identity_center.memberships.get(group).into_iter().flatten();
    members.map(|(user, _)| (world.named_store_user(user), Presence::NotFromEntra)).collect()
}

impl fmt::Display for AccountExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "account {} ({})", self.account, self.account.id)?;
        if self.groups.is_empty() && self.users.is_empty() {
            writeln!(f, "  nobody has access, and no rule calls for any")?;
        }
        for GroupInAccount { assignment, group, members } in &self.groups {
            let permission_set = &assignment.assignment.permission_set;
            let rules: Vec<String> = assignment.rules.iter().map(ToString::to_string).collect();
            let rule =
                if rules.is_empty() { String::new() } else { format!(" (rule at {})", rules.join(", ")) };
            writeln!(f, "  {permission_set}: group {group}: {}{rule}", assignment.presence)?;
            for (member, presence) in members {
                writeln!(f, "    {member}: {presence}")?;
            }
        }
        for (permission_set, user) in &self.users {
            writeln!(f, "  {permission_set}: user {user}, without a group: {}", Presence::NotFromEntra)?;
        }
        Ok(())
    }
}
