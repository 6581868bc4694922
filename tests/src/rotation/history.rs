//! One history: events until long after the first certificate's expiry, and an end at which another signs.

use super::bugs::Decider;
use super::world::World;
use planning::rotation::{Mode, Persisted, days};
use std::collections::BTreeMap;

/// Events of a history at the least; it goes on until the first certificate has expired.
pub const EVENTS: usize = 50;
/// Events at the most.
const MOST_EVENTS: usize = 200;

/// What a history came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Events that happened.
    pub events: usize,
    /// Writes, by kind.
    pub writes: BTreeMap<&'static str, u64>,
    /// Looks at which somebody could not sign in.
    pub failed: u64,
    /// Looks at which somebody could not sign in because somebody lied.
    pub lied: u64,
    /// Activations after a lie that were undone.
    pub lies_undone: u64,
    /// Looks at which somebody could not sign in because people let the certificate expire.
    pub neglected: u64,
    /// What people did that may let it expire.
    pub excuse: Option<&'static str>,
    /// Whether the certificate was replaced before it expired.
    pub replaced: bool,
    /// What did not hold.
    pub violation: Option<String>,
    /// What happened.
    pub journal: Vec<String>,
}

/// Plays the history of a seed.
pub fn play(seed: u64, decider: Decider) -> Report {
    let mut world = World::new(seed, decider);
    let first = world.entra.certificates().next().map(|first| first.sha256);
    let mut events = 0;
    while events < EVENTS || (world.now < world.expiry + days(9) && events < MOST_EVENTS) {
        if world.watch.violation.is_some() {
            break;
        }
        world.let_something_happen();
        events += 1;
    }
    let replaced = world.entra.signing(world.now).map(|signing| signing.sha256) != first;
    if world.watch.violation.is_none() {
        world.watch.violation = remains_readable(&world.store).or_else(|| {
            let is_expected = world.policy.mode != Mode::Monitor && world.watch.excuse.is_none();
            (is_expected && !replaced)
                .then(|| "nothing was rotated although nobody was in the way".to_owned())
        });
    }
    let watch = world.watch;
    Report {
        seed,
        events,
        writes: watch.writes,
        failed: watch.failed,
        lied: watch.lied,
        lies_undone: watch.lies_undone,
        neglected: watch.neglected,
        excuse: watch.excuse,
        replaced,
        violation: watch.violation,
        journal: world.journal,
    }
}

/// What is remembered must be the same when it is read again.
fn remains_readable(store: &Persisted) -> Option<String> {
    let read = serde_json::to_string(store).and_then(|json| serde_json::from_str::<Persisted>(&json));
    match read {
        Ok(read) if read == *store => None,
        Ok(_) => Some("what is remembered is another thing when it is read again".to_owned()),
        Err(error) => Some(format!("what is remembered cannot be read again: {error}")),
    }
}
