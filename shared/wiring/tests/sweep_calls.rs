//! What a full sweep costs, through the real adapters against the sandbox and its quotas, in virtual time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::ports::Clock;
use engine::sweep::{SweepReport, Swept, Wanted};
use jiff::SignedDuration;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use world::World;

async fn swept(world: &World) -> (SweepReport, Duration) {
    let start = Instant::now();
    let end = world.clock.now() + SignedDuration::from_mins(12);
    match world.full.run(Wanted::Everything, end, end).await.unwrap() {
        Swept::Finished(report) => (report, start.elapsed()),
        other => panic!("the sweep did not finish: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn both_sides_in_step_cost_exactly_the_fewest_calls_and_no_more_time_than_the_quotas_demand() {
    let (users, groups, each) = (400, 40, 100);
    let world =
        World::seeded(json!({"size": {"users": users, "groups": groups, "members_per_group": each}})).await;
    world.mirror_everything().await;
    world.quotas(true).await;
    world.forget_calls().await;
    let (report, took) = swept(&world).await;
    assert!(report.differences.is_empty(), "the mirror left a difference: {report:?}");
    assert_eq!((report.users, report.groups, report.memberships), (users, groups, groups * each));

    let calls = world.calls().await;
    let expected = json!({"identitystore": {
        "ListUsers": users.div_ceil(100), "ListGroups": groups.div_ceil(100),
        "ListGroupMemberships": groups * each.div_ceil(100),
    }});
    assert_eq!(calls["aws"], expected);
    // Accounts and groups fill their batches; the assignments are one list.
    let batches = users.div_ceil(20) + (2 * groups).div_ceil(20);
    assert_eq!(calls["graph"]["round_trips"], json!(batches + 1), "{}", calls["graph"]);

    // 4 pages of users one after the other take 0.4 seconds, 40 groups at 20 a second two.
    let bound = Duration::from_secs(groups as u64 / 20);
    assert!(took <= bound * 11 / 10, "{took:?} instead of at most 1.1 times {bound:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_by_hand_is_found_through_the_real_lists() {
    let world = World::seeded(json!({
        "users": (1..=130).map(|n| json!({
            "userPrincipalName": format!("user-{n}@contoso.example"), "mail": format!("user-{n}@contoso.example"),
            "displayName": format!("User {n}"), "givenName": "User", "surname": format!("{n}"),
            "jobTitle": "Analyst", "employeeId": format!("{n}"), "department": "Engines",
            "businessPhones": ["+44 20 7946 0000"], "city": "London", "preferredLanguage": "en",
        })).collect::<Vec<_>>(),
        "groups": [{
            "displayName": "Everyone", "assigned": true,
            "members": (1..=130).map(|n| format!("user-{n}@contoso.example")).collect::<Vec<_>>(),
        }],
    }))
    .await;
    world.mirror_everything().await;
    let (report, _) = swept(&world).await;
    assert!(report.differences.is_empty(), "what was written is not what is listed: {report:?}");
    assert_eq!((report.users, report.memberships), (130, 130));
    assert_eq!(report.identity_store_calls, 2 + 1 + 2);

    world
        .control(
            "POST",
            "seed",
            json!({"identity_center": {
                "users": [{"UserName": "stranger", "DisplayName": "A stranger",
                           "Name": {"GivenName": "A", "FamilyName": "Stranger"}}],
                "memberships": [{"UserName": "stranger", "GroupDisplayName": "Everyone"}],
            }}),
        )
        .await;
    let (report, _) = swept(&world).await;
    assert_eq!(report.differences["membership_foreign"], 1, "{report:?}");
    assert_eq!(report.differences.len(), 1, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_busy_graph_is_waited_for() {
    let world = World::seeded(json!({"size": {"users": 100, "groups": 10, "members_per_group": 20}})).await;
    world.mirror_everything().await;
    world.quotas(true).await;
    world
        .control("POST", "faults", json!({"rules": [
            {"service": "graph", "status": 429, "retry_after": 7, "times": 3},
            {"service": "identitystore", "operation": "ListGroupMemberships", "status": 429, "retry_after": 2, "times": 3},
        ]}))
        .await;
    let (report, _) = swept(&world).await;
    assert!(report.differences.is_empty(), "{report:?}");
}
