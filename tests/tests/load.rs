//! The product under load, small. `tests/bench` measures the same at full size.

#![allow(clippy::unwrap_used, reason = "a test stops where its world is not as it should be")]

use std::time::Duration;
use tests::load;
use tests::organisation::Size;

/// What a live revocation may take, whatever else is to be done.
const LAG: Duration = Duration::from_secs(5);
/// Calls a second of one API of the identity store.
const QUOTA: f64 = 20.0;

#[tokio::test(start_paused = true)]
async fn a_live_revocation_does_not_wait_behind_the_agenda_and_slows_it_by_a_tenth_at_most() {
    let load::Backlog { lag, alone, beside, .. } = load::backlog(300, Duration::from_secs(30)).await.unwrap();
    assert!(lag.longest <= LAG, "{lag:?}");
    assert!(lag.revocations >= 10, "{lag:?}");
    assert!(alone >= QUOTA * 0.8, "the agenda's work alone makes only {alone} writes a second");
    assert!(beside >= alone * 0.9, "{beside} writes a second beside revocations, and {alone} alone");
}

#[tokio::test(start_paused = true)]
async fn a_live_revocation_does_not_wait_behind_updates_that_arrive_faster_than_they_can_be_written() {
    let lag = load::updates(3_000, 100).await.unwrap();
    assert!(lag.longest <= LAG, "{lag:?}");
    assert!(lag.revocations >= 10, "{lag:?}");
}

#[tokio::test(start_paused = true)]
async fn a_live_revocation_does_not_wait_behind_those_that_an_operator_approved() {
    let lag = load::unassigned(1_000, Duration::from_secs(30)).await.unwrap();
    assert!(lag.longest <= LAG, "{lag:?}");
    assert!(lag.revocations >= 10, "{lag:?}");
}

#[tokio::test(start_paused = true)]
async fn a_whole_organisation_is_mirrored_at_the_speed_of_the_quota() {
    let size = Size { users: 1_000, groups: 100, members_per_group: 100 };
    let load = load::initial_load(size).await.unwrap();
    let fewest = Duration::from_secs_f64(size.memberships() as f64 / QUOTA);
    // The last to step back may wait for the minute run, which weighs little in a larger organisation.
    let most = fewest * 115 / 100 + Duration::from_mins(1);
    assert!(load.took <= most, "{load:?}, and the quota demands {fewest:?}");
    assert_eq!((load.time_outs, load.dead_letters), (0, 0), "{load:?}");
}
