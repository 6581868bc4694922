//! The full sweep of an organisation in step, and its comparison where something differs. `tests/bench` measures
//! larger ones.

#![allow(clippy::unwrap_used, reason = "a test stops where its world is not as it should be")]

use tests::organisation::sweep::Fewest;
use tests::organisation::{Size, comparison, sweep};

const SIZE: Size = Size { users: 2_000, groups: 200, members_per_group: 100 };

#[tokio::test(start_paused = true)]
async fn a_sweep_of_two_sides_in_step_costs_the_fewest_calls_and_the_time_that_the_quotas_demand() {
    for members_per_group in [100, 250] {
        let size = Size { members_per_group, ..SIZE };
        let cost = sweep::measure(size).await.unwrap();
        let fewest = Fewest::of(size);
        assert_eq!(cost.identity_store_calls, fewest.identity_store_calls);
        assert_eq!(cost.graph_calls, fewest.graph_calls);
        assert_eq!(cost.memberships, size.memberships());
        assert!(cost.took <= fewest.time * 11 / 10, "{cost:?} instead of at most 1.1 times {fewest:?}");
    }
}

#[test]
fn exactly_what_differs_is_found() {
    let found = comparison::measure(SIZE).unwrap();
    assert_eq!((found.findings, found.foreign), comparison::expected(SIZE));
}
