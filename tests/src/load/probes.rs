//! Probes: people who lose something, and how long it takes until it is gone.

use super::world::World;
use crate::organisation::{GROUP, USER, entra_id};
use anyhow::{Context, ensure};
use engine::ports::{Clock, TriggerQueue};
use engine::trigger::{Look, Origin, Subject, Trigger};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// A revocation that has not landed within this time never does.
const PATIENCE: Duration = Duration::from_mins(2);

/// Somebody loses these memberships, and we learned of it then.
pub(super) struct Probe {
    user: usize,
    groups: Vec<usize>,
    at: Instant,
}

/// A notification about somebody or something, as the webhook queues it.
pub(super) fn notification(world: &World, subject: Subject) -> Trigger {
    Trigger {
        subject,
        look: Look::Ordinary,
        origin: Origin::Notification { id: None },
        expectations: Vec::new(),
        noticed_at: world.clock.now(),
    }
}

/// Has people lose something, one at a time, evenly over `time`: in turn somebody is disabled, and somebody taken out
/// of a group, whose notification does not say whom it is about.
pub(super) async fn every(world: &World, pause: Duration, time: Duration) -> anyhow::Result<Vec<Probe>> {
    let size = world.tenant.size;
    let end = Instant::now() + time;
    let mut probes = Vec::new();
    for turn in 0.. {
        // Neighbours in number have the same groups, and are handled at about the same time: none is taken.
        let user = (turn * 7_919 + 13) % size.users;
        probes.push(if turn % 2 == 0 { disable(world, user).await? } else { remove(world, user).await? });
        sleep(pause).await;
        if Instant::now() >= end {
            return Ok(probes);
        }
    }
    Ok(probes)
}

async fn disable(world: &World, user: usize) -> anyhow::Result<Probe> {
    let groups = held_by(world, user);
    ensure!(!groups.is_empty(), "user {user} has nothing to lose");
    world.tenant.disable(user);
    let subject = Subject::user(entra_id(USER, user));
    world.queue.send(&[notification(world, subject)]).await?;
    Ok(Probe { user, groups, at: Instant::now() })
}

async fn remove(world: &World, user: usize) -> anyhow::Result<Probe> {
    let group = *held_by(world, user).first().context("somebody has nothing to lose")?;
    world.tenant.remove(user, group);
    let subject = Subject::group(entra_id(GROUP, group));
    world.queue.send(&[notification(world, subject)]).await?;
    Ok(Probe { user, groups: vec![group], at: Instant::now() })
}

fn held_by(world: &World, user: usize) -> Vec<usize> {
    let content = world.content.lock().unwrap();
    content.memberships.range((user, 0)..(user + 1, 0)).map(|(_, group)| *group).collect()
}

/// The longest time from the arrival of a notification until the last membership was gone.
///
/// # Errors
/// When a membership never goes.
pub(super) async fn longest(world: &World, probes: &[Probe]) -> anyhow::Result<Duration> {
    let mut longest = Duration::ZERO;
    for probe in probes {
        for group in &probe.groups {
            let gone = gone(world, probe, *group).await?;
            longest = longest.max(gone.duration_since(probe.at));
        }
    }
    Ok(longest)
}

async fn gone(world: &World, probe: &Probe, group: usize) -> anyhow::Result<Instant> {
    let deadline = Instant::now().max(probe.at + PATIENCE);
    loop {
        if let Some(at) = world.content.lock().unwrap().taken_away.get(&(probe.user, group)) {
            return Ok(*at);
        }
        ensure!(
            Instant::now() < deadline,
            "user {} is in group {group} after {:?}",
            probe.user,
            probe.at.elapsed()
        );
        sleep_until(Instant::now() + Duration::from_millis(100)).await;
    }
}
