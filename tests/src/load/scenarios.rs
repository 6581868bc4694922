//! What is measured: live revocations beside much other work, and the mirroring of a whole organisation.

use super::probes::{self, notification};
use super::tenant::Tenant;
use super::world::{World, entry};
use crate::organisation::{Size, USER, entra_id};
use anyhow::ensure;
use engine::agenda::{AgendaEntry, Reason};
use engine::holds::{HoldDecisions, Holds, all_held};
use engine::ports::{Agenda, TriggerQueue};
use engine::trigger::{Subject, Trigger};
use planning::hold::HoldCause;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};

/// Until the mirrors have found their pace.
const WARMING_UP: Duration = Duration::from_secs(10);
/// Between two live revocations.
const PAUSE: Duration = Duration::from_secs(3);
/// Users of a group, and groups of a user.
const MEMBERS: usize = 100;
const GROUPS_OF_A_USER: usize = 3;
/// Writes of one API in a second, all mirrors together.
const QUOTA: f64 = 20.0;
/// Triggers that the webhook sends at a time.
const SENT_AT_ONCE: usize = 10;
/// What never ends is not waited for.
const LONGEST: Duration = Duration::from_hours(6);

/// The longest time until a revocation landed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    /// Virtual time from the queue's taking in the notification until `DeleteGroupMembership` was accepted.
    pub longest: Duration,
    /// How many revocations there were.
    pub revocations: usize,
}

/// Live revocations beside a long agenda, and what became of the agenda's work.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Backlog {
    /// Of the revocations.
    pub lag: Lag,
    /// Memberships granted a second while nothing else happened.
    pub alone: f64,
    /// The same while there were revocations.
    pub beside: f64,
    /// How many items still waited at the end.
    pub waiting: usize,
}

/// The mirroring of a whole organisation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InitialLoad {
    /// Virtual time from the first poll until the last membership stood.
    pub took: Duration,
    /// Batches that took longer than the function may.
    pub time_outs: u64,
    /// Messages that were given up.
    pub dead_letters: usize,
    /// Messages that came back to the queue.
    pub returned: u64,
    /// Calls that the identity store refused because there were too many.
    pub throttled: u64,
}

/// While at least so many grants wait on the agenda, people lose something; `time` each for the agenda's work by itself
/// and for both. Needs tokio's paused clock.
///
/// # Errors
/// When a revocation never lands, or the agenda runs short.
pub async fn backlog(items: usize, time: Duration) -> anyhow::Result<Backlog> {
    LocalSet::new().run_until(revoke_beside_agenda(items, time)).await
}

async fn revoke_beside_agenda(items: usize, time: Duration) -> anyhow::Result<Backlog> {
    let done_meanwhile = (2.5 * QUOTA * (WARMING_UP + time).as_secs_f64()) as usize;
    let size = size_of(items + done_meanwhile);
    let everybody = Tenant::everybody(size);
    let mut world = World::new(size, 0..=everybody);
    world.is_mirrored(&[everybody]).await;
    let users = (0..size.users).map(|user| Subject::user(entra_id(USER, user)));
    let entries: Vec<AgendaEntry> = users.map(|user| entry(user, Reason::FanOut)).collect();
    world.ledger.put(&entries).await?;
    world.start();
    sleep(WARMING_UP).await;
    let alone = given_a_second(&world, sleep(time)).await.0;
    let (beside, probes) = given_a_second(&world, probes::every(&world, PAUSE, time)).await;
    let probes = probes?;
    let waiting = world.waiting();
    ensure!(waiting >= items, "only {waiting} items wait");
    let lag = Lag { longest: probes::longest(&world, &probes).await?, revocations: probes.len() };
    without_trouble(&world)?;
    Ok(Backlog { lag, alone, beside, waiting })
}

/// While so many mirrored users are updated, and so many of the updates arrive a second, people lose something. Needs
/// tokio's paused clock.
///
/// # Errors
/// When a revocation never lands.
pub async fn updates(count: usize, a_second: usize) -> anyhow::Result<Lag> {
    LocalSet::new().run_until(revoke_beside_updates(count, a_second)).await
}

async fn revoke_beside_updates(count: usize, a_second: usize) -> anyhow::Result<Lag> {
    let size = size_of(count);
    let mut world = World::new(size, 0..size.groups);
    world.is_mirrored(&[]).await;
    world.start();
    let time = Duration::from_secs_f64(count as f64 / a_second as f64);
    let arriving = async {
        let begun = Instant::now();
        for first in (0..size.users).step_by(SENT_AT_ONCE) {
            let due = Duration::from_secs_f64(first as f64 / a_second as f64);
            sleep_until(begun + due).await;
            let users = first..(first + SENT_AT_ONCE).min(size.users);
            users.clone().for_each(|user| world.tenant.promote(user));
            let triggers: Vec<Trigger> =
                users.map(|user| notification(&world, Subject::user(entra_id(USER, user)))).collect();
            world.queue.send(&triggers).await?;
        }
        anyhow::Ok(())
    };
    let (arrived, probes) = futures::join!(arriving, probes::every(&world, PAUSE, time));
    arrived?;
    let probes = probes?;
    let lag = Lag { longest: probes::longest(&world, &probes).await?, revocations: probes.len() };
    without_trouble(&world)?;
    Ok(lag)
}

/// A group of so many members is no longer assigned, an operator has approved that all of them lose it, and while this
/// is done, for `time`, other people lose something. Needs tokio's paused clock.
///
/// # Errors
/// When the group is not held, a revocation never lands, or the approved ones are done too soon.
pub async fn unassigned(members: usize, time: Duration) -> anyhow::Result<Lag> {
    LocalSet::new().run_until(revoke_beside_approved(members, time)).await
}

async fn revoke_beside_approved(members: usize, time: Duration) -> anyhow::Result<Lag> {
    let size = size_of(members);
    let everybody = Tenant::everybody(size);
    let mut world = World::new(size, 0..=everybody);
    world.is_mirrored(&[]).await;
    world.start();
    world.tenant.unassign(everybody);
    approve_hold_of(&world, members).await?;
    sleep(WARMING_UP).await;
    let probes = probes::every(&world, PAUSE, time).await?;
    let left =
        world.content.lock().unwrap().memberships.iter().filter(|(_, group)| *group == everybody).count();
    ensure!(left > 0, "all {members} were done before the last live revocation");
    let lag = Lag { longest: probes::longest(&world, &probes).await?, revocations: probes.len() };
    without_trouble(&world)?;
    Ok(lag)
}

/// Mirrors an organisation of which nothing is mirrored yet. Needs tokio's paused clock.
///
/// # Errors
/// When it never ends.
pub async fn initial_load(size: Size) -> anyhow::Result<InitialLoad> {
    LocalSet::new().run_until(mirror_everything(size)).await
}

async fn mirror_everything(size: Size) -> anyhow::Result<InitialLoad> {
    let mut world = World::new(size, 0..size.groups);
    let begun = Instant::now();
    world.start();
    loop {
        sleep(Duration::from_millis(500)).await;
        let content = world.content.lock().unwrap();
        if content.memberships.len() == size.memberships() {
            return Ok(InitialLoad {
                took: begun.elapsed(),
                time_outs: world.trouble.time_outs.load(Ordering::Relaxed),
                dead_letters: world.queue.dead_letters().len(),
                returned: world.trouble.returned.load(Ordering::Relaxed),
                throttled: content.throttled,
            });
        }
        ensure!(
            begun.elapsed() < LONGEST,
            "after {LONGEST:?} only {} of {} memberships stand",
            content.memberships.len(),
            size.memberships()
        );
    }
}

fn size_of(users: usize) -> Size {
    let users = users.next_multiple_of(MEMBERS);
    Size { users, groups: users * GROUPS_OF_A_USER / MEMBERS, members_per_group: MEMBERS }
}

/// How many memberships are granted a second while something goes on.
async fn given_a_second<F: Future>(world: &World, meanwhile: F) -> (f64, F::Output) {
    let given = || world.content.lock().unwrap().given;
    let (before, begun) = (given(), Instant::now());
    let done = meanwhile.await;
    ((given() - before) as f64 / begun.elapsed().as_secs_f64(), done)
}

/// Waits until the loss of a group's members is held, and approves it.
async fn approve_hold_of(world: &World, members: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let holds = world.remote();
    loop {
        sleep(Duration::from_secs(1)).await;
        for hold in world.ledger.open_holds().await? {
            let is_group = matches!(hold.cause, HoldCause::Group { .. });
            if is_group && all_held(&world.ledger, &hold.id).await?.len() >= members {
                let decisions = HoldDecisions {
                    holds: Arc::new(holds.clone()),
                    agenda: Arc::new(holds),
                    clock: Arc::new(world.clock),
                };
                decisions.approve(&hold, None).await?;
                return Ok(());
            }
        }
        ensure!(begun.elapsed() < LONGEST, "the loss of {members} members was never held");
    }
}

fn without_trouble(world: &World) -> anyhow::Result<()> {
    let dead = world.queue.dead_letters().len();
    ensure!(dead == 0, "{dead} messages were given up");
    let trouble = &world.trouble;
    let (time_outs, polls) =
        (trouble.time_outs.load(Ordering::Relaxed), trouble.failed_polls.load(Ordering::Relaxed));
    ensure!(time_outs == 0 && polls == 0, "{time_outs} batches timed out, and {polls} polls failed");
    Ok(())
}
