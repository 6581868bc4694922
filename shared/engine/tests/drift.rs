//! Facts about drift: what somebody changed in Identity Center by hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::ports::{IdentityStoreWriter, Ledger};
use engine::sweep::DriftPolicy;
use planning::attributes::UserAttribute;
use std::collections::BTreeSet;
use world::groups;
use world::set_up::engineers;

const REPORT: DriftPolicy = DriftPolicy::Report;
const REPAIR: DriftPolicy = DriftPolicy::Repair;

#[tokio::test(start_paused = true)]
async fn attributes_and_names_that_were_changed_by_hand_are_set_right() {
    let (world, engineers, ada, _) = engineers().await;
    let (ada, group) = (world.user_id(&ada).await, world.group_id(&engineers).await);
    world.store.state().users.get_mut(&ada).unwrap().set(UserAttribute::Title, "Queen");
    world.store.state().groups.insert(group, "Hackers".into());
    let report = world.sweep_and_settle(REPORT).await;
    assert_eq!(report.differences["object_changed"], 2);
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    assert_eq!(world.store.state().users[&ada].get(UserAttribute::Title), None);
}

#[tokio::test(start_paused = true)]
async fn an_attribute_that_is_not_managed_may_be_changed_by_hand() {
    let (world, _, ada, _) = engineers().await;
    let ada = world.user_id(&ada).await;
    world.store.state().users.get_mut(&ada).unwrap().set(UserAttribute::Locale, "en-GB");
    assert!(world.sweep().await.differences.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_user_who_was_deleted_by_hand_is_made_anew() {
    let (world, _, ada, _) = engineers().await;
    world.delete_user_by_hand(&ada).await;
    let report = world.sweep_and_settle(REPORT).await;
    assert_eq!(report.differences["object_missing"], 1);
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn someone_who_left_and_was_deleted_by_hand_is_let_go() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.leave(&engineers.id, ada.clone());
    world.delete_user_by_hand(&ada).await;
    world.sweep_and_settle(REPORT).await;
    assert_eq!(world.queue.open(), 0, "the handling fails and comes again");
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_deleted_by_hand_is_made_anew_with_its_members() {
    let (world, engineers, ..) = engineers().await;
    let other = world.group("Other", &[]);
    world.assign(&other);
    world.settle().await;
    world.delete_group_by_hand(&engineers).await;
    world.sweep_and_settle(REPORT).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"]), ("Other", &[])]));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_deleted_by_hand_and_is_no_longer_assigned_is_let_go() {
    let (world, engineers, ada, _) = engineers().await;
    let other = world.group("Other", &[]);
    world.assign(&other);
    world.settle().await;
    world.delete_group_by_hand(&engineers).await;
    world.unassign(&engineers);
    world.settle().await;
    assert_eq!(world.queue.open(), 0, "the handling fails and comes again");
    world.sweep_and_settle(REPORT).await;
    assert_eq!(world.held(), groups(&[("Other", &[])]));
    let records = world.ledger.users(&BTreeSet::from([ada.id.clone()])).await.unwrap();
    assert!(records[&ada.id].principal.standing.is_tombstone(), "nobody noticed that Ada is out of scope");
    assert!(records[&ada.id].principal.memberships.is_empty());
    assert!(world.sweep().await.differences.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_membership_of_ours_that_was_deleted_by_hand_is_made_anew() {
    let (world, ..) = engineers().await;
    world.store.state().memberships.pop_first();
    let report = world.sweep_and_settle(REPORT).await;
    assert_eq!(report.differences["membership_missing"], 1);
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_membership_that_was_made_anew_by_hand_goes_when_entra_id_says_so() {
    let (world, engineers, ada, _) = engineers().await;
    let (user, group) = (world.user_id(&ada).await, world.group_id(&engineers).await);
    world.hand_made_membership(&user, &group);
    world.entra.leave(&engineers.id, ada);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_membership_that_was_made_anew_by_hand_is_known_under_its_new_id() {
    let (world, engineers, ada, _) = engineers().await;
    let (user, group) = (world.user_id(&ada).await, world.group_id(&engineers).await);
    let made = world.hand_made_membership(&user, &group);
    world.sweep_and_settle(REPORT).await;
    let records = world.ledger.users(&BTreeSet::from([ada.id.clone()])).await.unwrap();
    assert_eq!(records[&ada.id].principal.memberships[&group], made);
}

#[tokio::test(start_paused = true)]
async fn drift_is_reported_and_left_alone_unless_it_is_to_be_repaired() {
    for policy in [REPORT, REPAIR] {
        let (world, engineers, ..) = engineers().await;
        let auditor = world.auditors().await;
        let group = world.group_id(&engineers).await;
        world.hand_made_membership(&world.user_id(&auditor).await, &group);
        world.hand_made_membership(&world.hand_made_user("stranger"), &group);
        let report = world.sweep_and_settle(policy).await;
        assert_eq!(report.differences["membership_foreign"], 2);
        assert_eq!(world.reports.foreign.lock().unwrap().len(), 2);
        let left: &[&str] = match policy {
            REPORT => &["ada", "auditor", "bob", "stranger"],
            REPAIR => &["ada", "bob"],
        };
        assert_eq!(world.held(), groups(&[("Auditors", &["auditor"]), ("Engineers", left)]));
        assert!(world.store.state().users.len() == 4, "no user is deleted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_of_somebody_elses_keeps_its_members_even_if_drift_is_repaired() {
    let (world, engineers, ada, _) = engineers().await;
    let foreign = world.store.create_group("ControlTower").await.unwrap();
    let (ada, group) = (world.user_id(&ada).await, world.group_id(&engineers).await);
    world.hand_made_membership(&ada, &foreign);
    world.hand_made_membership(&world.hand_made_user("stranger"), &group);
    let stranger = world.user("late");
    world.entra.join(&engineers.id, stranger);
    world.sweep_and_settle(REPAIR).await;
    assert_eq!(world.held()["ControlTower"], BTreeSet::from(["ada".to_owned()]));
    assert_eq!(world.held()["Engineers"].len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_membership_that_somebody_wrote_and_entra_id_calls_for_is_no_drift() {
    let (world, engineers, ..) = engineers().await;
    let auditor = world.auditors().await;
    world.hand_made_membership(&world.user_id(&auditor).await, &world.group_id(&engineers).await);
    world.entra.join(&engineers.id, auditor.clone());
    let report = world.sweep_and_settle(REPORT).await;
    assert_eq!(report.differences["membership_unknown"], 1);
    world.entra.leave(&engineers.id, auditor);
    world.notified(&engineers).await;
    assert_eq!(world.held()["Engineers"], BTreeSet::from(["ada".to_owned(), "bob".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn objects_deleted_by_hand_come_back_at_the_next_change() {
    let (world, engineers, ada, _) = engineers().await;
    {
        let mut state = world.store.state();
        state.users.clear();
        state.groups.clear();
        state.memberships.clear();
    }
    let eve = world.user("eve");
    world.entra.join(&engineers.id, eve);
    world.rename(&ada, "ada.king");
    world.notify(&[&engineers, &ada]).await;
    for _ in 0..8 {
        world.pass(5).await;
    }
    let held = world.held();
    assert!(held["Engineers"].contains("eve") && held["Engineers"].contains("ada.king"), "{held:?}");
}
