//! Facts about nested groups: without flattening they do not count, with it all below an assigned group does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::sweep::DriftPolicy;
use world::set_up::{engineers_flattened, nested_in_engineers};
use world::{World, groups};

#[tokio::test(start_paused = true)]
async fn nested_groups_do_not_count_unless_flattened() {
    for flatten in [false, true] {
        let world = World::with(flatten);
        let (ada, bob) = (world.user("ada"), world.user("bob"));
        let inner = world.group("Inner", &[&bob]);
        let outer = world.group("Outer", &[&ada, &inner]);
        world.assign(&outer);
        world.settle().await;
        let expected: &[&str] = if flatten { &["ada", "bob"] } else { &["ada"] };
        assert_eq!(world.held(), groups(&[("Outer", expected)]));
    }
}

#[tokio::test(start_paused = true)]
async fn members_of_a_flattened_group_come_and_go_with_it() {
    let world = World::with(true);
    let (ada, bob, eve) = (world.user("ada"), world.user("bob"), world.user("eve"));
    let innermost = world.group("Innermost", &[&eve]);
    let inner = world.group("Inner", &[&bob, &innermost]);
    let outer = world.group("Outer", &[&ada]);
    world.assign(&outer);
    world.settle().await;
    world.entra.join(&outer.id, inner.clone());
    world.notified(&outer).await;
    assert_eq!(world.held(), groups(&[("Outer", &["ada", "bob", "eve"])]));
    world.entra.leave(&inner.id, bob);
    world.notified(&inner).await;
    assert_eq!(world.held(), groups(&[("Outer", &["ada", "eve"])]));
    world.entra.leave(&outer.id, inner);
    world.notified(&outer).await;
    assert_eq!(world.held(), groups(&[("Outer", &["ada"])]));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_joins_an_assigned_one_brings_its_members_and_takes_them_along() {
    let (world, engineers, ..) = engineers_flattened().await;
    let (eve, dan) = (world.user("eve"), world.user("dan"));
    let innermost = world.group("Innermost", &[&dan]);
    let inner = world.group("Inner", &[&eve, &innermost]);
    world.entra.join(&engineers.id, inner.clone());
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "dan", "eve"])]));
    // Now the groups below are known, and their changes are followed.
    let late = world.user("late");
    world.entra.join(&innermost.id, late);
    world.notified(&innermost).await;
    assert_eq!(world.held()["Engineers"].len(), 5);
    world.entra.leave(&engineers.id, inner);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_nested_group_that_is_taken_out_while_its_own_link_expired_takes_its_members_along() {
    let (world, engineers, inner, _) = nested_in_engineers().await;
    world.change_group_record(&inner, |group| group.delta_link = None).await;
    world.entra.leave(&engineers.id, inner);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn someone_who_leaves_a_nested_group_as_it_is_taken_out_loses_access_too() {
    let (world, engineers, inner, eve) = nested_in_engineers().await;
    world.entra.leave(&inner.id, eve);
    world.entra.leave(&engineers.id, inner);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_nested_group_that_is_deleted_takes_its_members_along() {
    let (world, engineers, inner, _) = nested_in_engineers().await;
    world.entra.leave(&engineers.id, inner.clone());
    world.entra.state().groups.remove(&inner.id);
    world.notify(&[&inner, &engineers]).await;
    world.drain().await;
    world.sweep_and_settle(DriftPolicy::Report).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn members_through_nested_groups_are_in_step_when_groups_are_flattened() {
    let world = World::with(true);
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let inner = world.group("Inner", &[&bob]);
    let outer = world.group("Outer", &[&ada, &inner]);
    world.assign(&outer);
    world.settle().await;
    assert!(world.sweep().await.differences.is_empty());
    world.entra.state().groups.get_mut(&inner.id).unwrap().members.clear();
    world.sweep_and_settle(DriftPolicy::Report).await;
    assert_eq!(world.held(), groups(&[("Outer", &["ada"])]));
}

#[tokio::test(start_paused = true)]
async fn a_nested_group_that_is_deleted_takes_along_what_it_gave_as_soon_as_it_is_known() {
    let (world, engineers, inner, _) = nested_in_engineers().await;
    world.entra.state().groups.remove(&inner.id);
    world.entra.state().groups.get_mut(&engineers.id).unwrap().members.remove(&inner);
    // Nothing but the deletion itself is told.
    world.notified(&inner).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn someone_who_left_a_nested_group_that_is_read_in_full_loses_access_too() {
    let (world, _, inner, eve) = nested_in_engineers().await;
    world.pass(3_600).await;
    world.change_group_record(&inner, |group| group.delta_link = None).await;
    world.entra.leave(&inner.id, eve);
    world.notified(&inner).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn members_of_an_assigned_group_follow_into_the_group_above_it_when_that_is_made_anew() {
    let (world, engineers, inner, _) = nested_in_engineers().await;
    world.assign(&inner);
    world.settle().await;
    let before = groups(&[("Engineers", &["ada", "bob", "eve"]), ("Inner", &["eve"])]);
    assert_eq!(world.held(), before);
    world.delete_group_by_hand(&engineers).await;
    world.sweep_and_settle(DriftPolicy::Report).await;
    assert_eq!(world.held(), before);
}

#[tokio::test(start_paused = true)]
async fn members_of_every_group_below_follow_into_a_group_that_is_made_anew() {
    let (world, engineers, inner, _) = nested_in_engineers().await;
    let dan = world.user("dan");
    let innermost = world.group("Innermost", &[&dan]);
    world.entra.join(&inner.id, innermost);
    world.notified(&inner).await;
    world.auditors().await;
    let before = groups(&[("Auditors", &["auditor"]), ("Engineers", &["ada", "bob", "dan", "eve"])]);
    assert_eq!(world.held(), before);
    world.delete_group_by_hand(&engineers).await;
    world.sweep_and_settle(DriftPolicy::Report).await;
    assert_eq!(world.held(), before);
}

#[tokio::test(start_paused = true)]
async fn groups_that_contain_each_other_are_made_anew_and_come_to_rest() {
    let (world, engineers, inner, _) = nested_in_engineers().await;
    world.entra.join(&inner.id, engineers.clone());
    world.notified(&inner).await;
    world.assign(&inner);
    world.settle().await;
    let everybody: &[&str] = &["ada", "bob", "eve"];
    let before = groups(&[("Engineers", everybody), ("Inner", everybody)]);
    assert_eq!(world.held(), before);
    world.delete_group_by_hand(&engineers).await;
    world.sweep_and_settle(DriftPolicy::Report).await;
    assert_eq!(world.held(), before);
}
