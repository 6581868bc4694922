//! What account assignments cost, in small worlds. `tests/bench` measures larger ones.

#![allow(clippy::unwrap_used, reason = "a test stops where its world is not as it should be")]

use std::time::Duration;
use tests::access;

#[tokio::test(start_paused = true)]
async fn a_change_of_members_asks_nothing_of_sso_admin() {
    assert_eq!(access::membership_changes(4).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_group_gets_its_accounts_as_fast_as_so_many_requests_at_a_time_allow() {
    let made = access::first_assignments(45).await.unwrap();
    // Three times fifteen requests of fifteen seconds; fourteen at a time are ours.
    let bound = Duration::from_secs(4 * 15).mul_f64(1.15);
    assert!(made.took <= bound, "{made:?} instead of at most {bound:?}");
    assert_eq!(made.refused, 0, "{made:?}");
}

#[tokio::test(start_paused = true)]
async fn reading_account_assignments_costs_a_call_for_every_group_and_hundred() {
    let calls = access::reading(40).await.unwrap();
    assert_eq!(calls.made, calls.fewest);
}
