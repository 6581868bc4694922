//! One history: a world, sixty events, weather, and an end at which both sides must agree.

use super::access_watch;
use super::bugs::Bug;
use super::event_sources::{poll_queue, run_every_hour, run_every_minute};
use super::weather::Weather;
use super::world::{Choices, World};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep;

/// Events of a history.
pub const EVENTS: usize = 60;
/// Concurrent invocations of the mirror.
const INVOCATIONS: usize = 2;

/// What a history came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Events that happened.
    pub events: usize,
    /// Faults, by kind.
    pub injected: BTreeMap<&'static str, u64>,
    /// How long it lasted, in virtual time.
    pub lasted: Duration,
    /// Writes to the identity store.
    pub writes: u64,
    /// What did not hold.
    pub violation: Option<String>,
    /// The last lines of its journal.
    pub journal: Vec<String>,
    /// Depends on everything that happened.
    pub digest: u64,
}

/// Plays the history of a seed on this thread's runtime, whose clock must be paused.
///
/// # Errors
/// When the world cannot be put together: a defect of the simulation.
pub async fn play(seed: u64, bug: Option<Bug>) -> anyhow::Result<Report> {
    LocalSet::new().run_until(Box::pin(play_locally(seed, bug))).await
}

async fn play_locally(seed: u64, bug: Option<Bug>) -> anyhow::Result<Report> {
    let weather = Weather::of(seed);
    let choices = Choices { rules: weather.access.then(access_watch::rules), small_pages: true };
    let mut world = World::new(seed, weather, bug, choices).await?;
    // They stop when this is dropped.
    let mut tasks = JoinSet::new();
    tasks.spawn_local(world.deliver());
    for _ in 0..INVOCATIONS {
        tasks.spawn_local(poll_queue(world.product.clone()));
    }
    tasks.spawn_local(run_every_minute(world.product.clone()));
    let first = world.weather.first_full_sweep;
    world.full_sweeps = Some(tasks.spawn_local(run_every_hour(world.product.clone(), first)));
    settle(&mut world).await?;
    world.let_weather_in(seed);
    let mut events = 0;
    let outcome = loop {
        if let Err(violation) = step(&mut world).await {
            break Err(violation);
        }
        events += 1;
        if events == EVENTS {
            break world.end().await;
        }
    };
    Ok(Report {
        seed,
        events,
        injected: world.product.chaos.injected(),
        lasted: world.now(),
        writes: world.product.writes.load(std::sync::atomic::Ordering::Relaxed),
        violation: outcome.err(),
        journal: world.product.journal.last(),
        digest: world.product.journal.digest(),
    })
}

/// People, groups and assignments to begin with.
async fn settle(world: &mut World) -> anyhow::Result<()> {
    world.open_accounts().await?;
    world.let_others_settle().await?;
    for _ in 0..7 {
        world.hire(None).await;
    }
    for _ in 0..4 {
        world.make_group().await;
    }
    let teams: Vec<String> = world.truth.teams.keys().cloned().collect();
    for team in teams.iter().take(3) {
        world.assign(Some(team.clone())).await;
    }
    for _ in 0..12 {
        world.join().await;
    }
    if world.weather.crowd {
        world.let_a_crowd_in().await;
    }
    world.note_truth();
    Ok(())
}

/// Something happens, time passes, and everything that must hold is looked at.
async fn step(world: &mut World) -> Result<(), String> {
    let drawn = world.random.u32(0..100);
    let told = if world.weather.crowd && drawn < 6 {
        world.let_an_upheaval_begin().await
    } else if world.weather.storms && drawn < 20 {
        world.let_a_storm_break().await
    } else if world.weather.by_hand && (20..28).contains(&drawn) {
        world.change_by_hand().await.map_err(|error| error.to_string())?
    } else if let Some(decided) = world.let_the_operator_decide().await.map_err(|error| error.to_string())? {
        decided
    } else {
        world.let_something_happen().await
    };
    world.product.journal.write(told);
    let pause = match world.random.u32(0..100) {
        0..50 => Duration::from_millis(world.random.u64(0..3_000)),
        50..80 => Duration::from_secs(world.random.u64(3..90)),
        80..95 => Duration::from_secs(world.random.u64(90..600)),
        _ => Duration::from_secs(world.random.u64(600..2_400)),
    };
    sleep(pause).await;
    world.check_now().await
}
