//! Facts about names and addresses, which must be unique: renames, swaps, rehires, and what is not ours.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use planning::attributes::UserAttribute;
use world::set_up::engineers;
use world::{World, groups};

#[tokio::test(start_paused = true)]
async fn a_rename_keeps_every_id() {
    let (world, engineers, ada, _) = engineers().await;
    let before: Vec<_> = world.store.state().users.keys().cloned().collect();
    world.rename(&ada, "ada.king");
    world.entra.rename_group(&engineers.id, "Platform");
    world.notify(&[&ada, &engineers]).await;
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Platform", &["ada.king", "bob"])]));
    assert_eq!(world.store.state().users.keys().cloned().collect::<Vec<_>>(), before);
}

#[tokio::test(start_paused = true)]
async fn a_rehire_gets_the_name_and_not_the_object_of_the_tombstone() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.state().users.remove(&ada.id);
    world.entra.leave(&engineers.id, ada.clone());
    world.notified(&ada).await;
    let again = world.user("ada");
    world.entra.join(&engineers.id, again);
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    let retired = format!("retired-{}", ada.id);
    assert!(world.user_names().contains(&retired), "{:?}", world.user_names());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_waits_for_adoption_and_is_left_alone() {
    let world = World::new();
    let ada = world.user("ada");
    let engineers = world.group("Engineers", &[&ada]);
    {
        let mut state = world.store.state();
        let (user, group) = (state.id("u"), state.id("g"));
        let mut hand_made = planning::attributes::UserAttributes::default();
        hand_made.set(UserAttribute::UserName, "ada@example.com");
        state.users.insert(planning::UserId::parse(&user).unwrap(), hand_made);
        state.groups.insert(planning::GroupId::parse(&group).unwrap(), "Engineers".to_owned());
    }
    world.assign(&engineers);
    world.settle().await;
    assert!(world.store.state().writes.is_empty(), "{:?}", world.store.state().writes);
    let skips = world.skips();
    assert!(skips.contains(&"user_awaits_adoption".to_owned()), "{skips:?}");
    assert!(skips.contains(&"group_awaits_adoption".to_owned()), "{skips:?}");
}

#[tokio::test(start_paused = true)]
async fn the_second_group_of_a_name_is_skipped_and_its_members_are_still_users() {
    let (world, ..) = engineers().await;
    let eve = world.user("eve");
    let second = world.group("Engineers", &[&eve]);
    world.assign(&second);
    world.settle().await;
    assert!(world.skips().contains(&"group_name_taken".to_owned()), "{:?}", world.skips());
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    assert!(world.user_names().contains("eve"));
}

#[tokio::test(start_paused = true)]
async fn user_names_that_swap_reach_their_new_owners() {
    let (world, _, ada, bob) = engineers().await;
    let objects = world.store.state().users.len();
    world.rename(&ada, "bob");
    world.rename(&bob, "ada");
    world.notify(&[&ada, &bob]).await;
    world.drain().await;
    for _ in 0..5 {
        world.pass(5).await;
    }
    let state = world.store.state();
    assert_eq!(state.users.len(), objects);
    let names: Vec<_> = state.users.values().map(|user| user.get(UserAttribute::UserName).unwrap()).collect();
    assert!(!names.iter().any(|name| name.starts_with("moving-")), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn group_names_that_swap_reach_their_new_owners() {
    let (world, engineers, ada, _) = engineers().await;
    let auditors = world.group("Auditors", &[&ada]);
    world.assign(&auditors);
    world.settle().await;
    world.entra.rename_group(&engineers.id, "Auditors");
    world.entra.rename_group(&auditors.id, "Engineers");
    world.notify(&[&engineers, &auditors]).await;
    world.drain().await;
    for _ in 0..5 {
        world.pass(5).await;
    }
    assert_eq!(world.held(), groups(&[("Auditors", &["ada", "bob"]), ("Engineers", &["ada"])]));
}

#[tokio::test(start_paused = true)]
async fn a_group_name_reaches_its_new_owner_though_the_former_one_cannot_have_another() {
    let (world, engineers, ada, _) = engineers().await;
    let auditors = world.group("Auditors", &[&ada]);
    world.assign(&auditors);
    world.settle().await;
    world.hand_made_group("Platform");
    world.entra.rename_group(&engineers.id, "Platform");
    world.entra.rename_group(&auditors.id, "Engineers");
    world.notify(&[&engineers, &auditors]).await;
    world.drain().await;
    for _ in 0..5 {
        world.pass(5).await;
    }
    let aside = format!("moving-{}", engineers.id);
    let held: &[(&str, &[&str])] =
        &[(aside.as_str(), &["ada", "bob"]), ("Engineers", &["ada"]), ("Platform", &[])];
    assert_eq!(world.held(), groups(held));
    assert!(world.skips().contains(&"group_awaits_adoption".to_owned()), "{:?}", world.skips());
}

#[tokio::test(start_paused = true)]
async fn a_user_name_reaches_its_new_owner_though_the_former_one_cannot_have_another() {
    let (world, engineers, ada, _) = engineers().await;
    world.hand_made_user("ada.king@example.com");
    world.rename(&ada, "ada.king");
    let namesake = world.user("ada");
    world.entra.join(&engineers.id, namesake);
    world.notify(&[&ada, &engineers]).await;
    world.drain().await;
    for _ in 0..5 {
        world.pass(5).await;
    }
    let aside = format!("moving-{}", ada.id);
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", aside.as_str()])]));
    assert!(world.skips().contains(&"user_awaits_adoption".to_owned()), "{:?}", world.skips());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_nobody_needs_is_kept_until_another_can_be_had() {
    let (world, engineers, ..) = engineers().await;
    world.hand_made_group("Platform");
    world.entra.rename_group(&engineers.id, "Platform");
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"]), ("Platform", &[])]));
}

#[tokio::test(start_paused = true)]
async fn an_email_that_somebody_else_has_skips_the_user() {
    let (world, engineers, ..) = engineers().await;
    let eve = world.user("eve");
    world.change(&eve, |eve| eve.mail = Some("ada@example.com".into()));
    world.entra.join(&engineers.id, eve);
    world.notified(&engineers).await;
    assert!(world.skips().contains(&"email_taken".to_owned()), "{:?}", world.skips());
    assert_eq!(world.queue.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_that_stepped_aside_is_looked_at_for_it_may_be_back() {
    let (world, engineers, ada, _) = engineers().await;
    world.entra.leave(&engineers.id, ada.clone());
    world.notified(&engineers).await;
    world.rename(&ada, "ada.king");
    let namesake = world.user("ada");
    world.entra.join(&engineers.id, namesake);
    world.notify(&[&engineers]).await;
    // Ada returns as her tombstone steps aside, and another mirror has just written that she is in step.
    assert!(world.handle_batch().await);
    assert!(world.handle_batch().await);
    let retired = format!("retired-{}", ada.id);
    assert!(world.user_names().contains(&retired), "{:?}", world.user_names());
    world.entra.join(&engineers.id, ada.clone());
    world.drain().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "ada.king", "bob"])]));
}
