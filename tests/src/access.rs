//! What account assignments cost: the product as it is deployed, over the sandbox, without sockets, in virtual time, with
//! the sandbox's quotas and provisioning time (15 s for each assignment).

#![allow(clippy::unwrap_used, reason = "a measurement stops where its world is not as it should be")]

use crate::simulation::event_sources::{poll_queue, run_every_minute};
use crate::simulation::weather::Weather;
use crate::simulation::world::{Choices, World};
use anyhow::{Context, ensure};
use engine::access::ports::{AccountAssignmentReader, HeldByGroups};
use planning::GroupId;
use planning::access::Caller;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

/// Mirrors that take batches at a time.
const MIRRORS: usize = 2;
/// Between two looks at what is there.
const LOOK: Duration = Duration::from_millis(250);
/// What never ends is not waited for.
const LONGEST: Duration = Duration::from_hours(2);
/// How many groups AWS lets have one permission set in one account.
const GROUPS_OF_A_PERMISSION_SET: usize = 100;
/// Account assignments of groups, in turn: about as many as fit on one page of a hundred, and more.
const HELD: [usize; 4] = [1, 100, 101, 250];

/// The first time that a group gets a permission set in many accounts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Virtual time from the first request that AWS took until the last assignment was there.
    pub took: Duration,
    /// Requests that were refused because too many were under way, or for any other reason.
    pub refused: u64,
}

/// What was asked of sso-admin, and the fewest calls that could do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Of any operation.
    pub made: u64,
    /// As the pages of the answers demand.
    pub fewest: u64,
}

/// Somebody joins a group that has account assignments, or leaves it, this often; answers the calls of sso-admin that the
/// mirrors made because of it. Needs tokio's paused clock.
///
/// # Errors
/// When a change does not reach Identity Center.
pub async fn membership_changes(count: usize) -> anyhow::Result<u64> {
    LocalSet::new().run_until(Box::pin(count_for_changes(count))).await
}

async fn count_for_changes(count: usize) -> anyhow::Result<u64> {
    let mut world = world(3).await?;
    let (mut tasks, team) = begin(&mut world).await?;
    let minute_runs = tasks.spawn_local(run_every_minute(world.product.clone()));
    until(&world, "the accounts", async |world| Ok(assignments(world).await? == 3)).await?;
    let person = world.hire_as(None).await.context("nobody is hired")?;
    // The minute run reads the permission sets for its own purposes.
    sleep(Duration::from_mins(2)).await;
    minute_runs.abort();
    let before = calls(&world).await?;
    let members = memberships(&world).await?;
    for change in 0..count {
        let joins = change % 2 == 0;
        if joins {
            world.add_member(&team, &person).await.context("somebody does not join")?;
        } else {
            world.remove_member(&team, &person).await.context("somebody does not leave")?;
        }
        let expected = members + usize::from(joins);
        until(&world, "the change", async |world| Ok(memberships(world).await? == expected)).await?;
    }
    Ok(total(&calls(&world).await?) - total(&before))
}

/// A group gets a permission set in so many accounts. Needs tokio's paused clock.
///
/// # Errors
/// When it does not get them all.
pub async fn first_assignments(accounts: usize) -> anyhow::Result<Made> {
    LocalSet::new().run_until(Box::pin(make(accounts))).await
}

async fn make(accounts: usize) -> anyhow::Result<Made> {
    let mut world = world(accounts).await?;
    let (mut tasks, _) = begin(&mut world).await?;
    tasks.spawn_local(run_every_minute(world.product.clone()));
    let create = "CreateAccountAssignment";
    until(&world, "a request", async |world| Ok(calls(world).await?.contains_key(create))).await?;
    let begun = Instant::now();
    until(&world, "every assignment", async |world| Ok(assignments(world).await? == accounts)).await?;
    let took = begun.elapsed();
    let made = calls(&world).await?.get(create).copied().unwrap_or_default();
    Ok(Made { took, refused: made - accounts as u64 })
}

/// The account assignments of so many groups are read, as the full sweep reads them. Needs tokio's paused clock.
///
/// # Errors
/// When others are read than there are.
pub async fn reading(groups: usize) -> anyhow::Result<Calls> {
    LocalSet::new().run_until(Box::pin(read(groups))).await
}

async fn read(groups: usize) -> anyhow::Result<Calls> {
    let held = |number: usize| HELD.iter().copied().cycle().nth(number).unwrap_or_default();
    let world = world(HELD.into_iter().max().unwrap_or_default()).await?;
    let named: Vec<Value> =
        (0..groups).map(|number| json!({"DisplayName": format!("Team {number}")})).collect();
    let sets = groups.div_ceil(GROUPS_OF_A_PERMISSION_SET);
    let sets: Vec<Value> = (0..sets).map(|number| json!({"name": format!("Set{number}")})).collect();
    let seeded = seed(&world, json!({"identity_center": {"groups": named}, "permission_sets": sets})).await?;
    let ids = seeded["identity_center"]["groups"].as_object().context("no groups were seeded")?;
    let mut expected: BTreeMap<GroupId, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    for number in 0..groups {
        let id = ids[&format!("Team {number}")].as_str().unwrap_or_default();
        let set = format!("Set{}", number / GROUPS_OF_A_PERMISSION_SET);
        rows.extend(
            (0..held(number)).map(|row| json!({"permission_set": set, "account": account(row), "group": id})),
        );
        expected.insert(GroupId::parse(id)?, held(number));
    }
    seed(&world, json!({"account_assignments": rows})).await?;
    let ids: BTreeSet<GroupId> = expected.keys().cloned().collect();
    let reader = world.product.account_assignments().context("the world has no rules")?;
    let HeldByGroups { caller, assignments } = reader.of_groups(&ids).await?;
    ensure!(caller == Caller::ManagementAccount, "read as {caller:?}");
    let read: BTreeMap<GroupId, usize> = assignments.into_iter().map(|(id, held)| (id, held.len())).collect();
    ensure!(read == expected, "other assignments were read than there are");
    let pages = |held: &usize| held.div_ceil(100).max(1) as u64;
    // A process asks once which instance there is.
    Ok(Calls { made: total(&calls(&world).await?), fewest: 1 + expected.values().map(pages).sum::<u64>() })
}

/// A world with so many accounts, and with a rule for its first group.
async fn world(accounts: usize) -> anyhow::Result<World> {
    let rules = "[[grant]]\ngroup = \"Group 1\"\npermission_set = \"Admin\"\naccounts = [\"all\"]\n";
    let choices = Choices { rules: Some(rules.to_owned()), small_pages: false };
    let world = World::new(1, Weather::fair(), None, choices).await?;
    let accounts: Vec<Value> = (0..accounts)
        .map(|number| json!({"id": account(number), "name": format!("account-{number}")}))
        .collect();
    seed(&world, json!({"accounts": accounts, "permission_sets": [{"name": "Admin"}]})).await?;
    Ok(world)
}

fn account(number: usize) -> String {
    format!("{:012}", 200_000_000_000 + number)
}

/// Starts the product, but for the minute run, and has its first group assigned, with one member; answers the group.
async fn begin(world: &mut World) -> anyhow::Result<(JoinSet<()>, String)> {
    world.make_group().await.context("no group is made")?;
    let team = world.truth.teams.keys().next().context("there is no group")?.clone();
    let person = world.hire_as(None).await.context("nobody is hired")?;
    world.add_member(&team, &person).await.context("nobody joins")?;
    world.assign(Some(team.clone())).await.context("the group is not assigned")?;
    let mut tasks = JoinSet::new();
    tasks.spawn_local(world.deliver());
    for _ in 0..MIRRORS {
        tasks.spawn_local(poll_queue(world.product.clone()));
    }
    Ok((tasks, team))
}

async fn until(
    world: &World,
    what: &str,
    is_there: impl AsyncFn(&World) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !is_there(world).await? {
        ensure!(begun.elapsed() < LONGEST, "{what} did not come about: {:#?}", world.product.journal.last());
        sleep(LOOK).await;
    }
    Ok(())
}

async fn seed(world: &World, seed: Value) -> anyhow::Result<Value> {
    world.administrator.seed(&seed).await.map_err(|refused| anyhow::anyhow!("the seed: {refused:?}"))
}

async fn state(world: &World) -> anyhow::Result<Value> {
    world.administrator.state().await.map_err(|refused| anyhow::anyhow!("the state: {refused:?}"))
}

/// How many account assignments there are.
async fn assignments(world: &World) -> anyhow::Result<usize> {
    Ok(state(world).await?["access"]["account_assignments"].as_array().map_or(0, Vec::len))
}

/// How many memberships there are.
async fn memberships(world: &World) -> anyhow::Result<usize> {
    Ok(state(world).await?["identity_center"]["memberships"].as_array().map_or(0, Vec::len))
}

/// The calls of sso-admin, by operation.
async fn calls(world: &World) -> anyhow::Result<BTreeMap<String, u64>> {
    let calls =
        world.administrator.calls().await.map_err(|refused| anyhow::anyhow!("the calls: {refused:?}"))?;
    let of_admin = calls["aws"]["sso"].as_object().cloned().unwrap_or_default();
    Ok(of_admin.into_iter().map(|(name, count)| (name, count.as_u64().unwrap_or_default())).collect())
}

fn total(calls: &BTreeMap<String, u64>) -> u64 {
    calls.values().sum()
}
