//! Facts about reads that run behind the truth: whatever they hide is seen a little later.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::agenda::{AgendaEntry, Priority, Reason};
use engine::ports::{Agenda, Clock, Ledger};
use engine::trigger::Look;
use world::set_up::engineers;
use world::{World, groups};

#[tokio::test(start_paused = true)]
async fn someone_whose_disabling_was_announced_before_it_could_be_read_loses_access_all_the_same() {
    let (world, _, ada, _) = engineers().await;
    world.notified(&ada).await;
    world.change(&ada, |ada| ada.account_enabled = false);
    world.pass(299).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    world.pass(2).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_first_read_of_a_group_that_lacks_somebody_is_not_the_last() {
    let world = World::new();
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let engineers = world.group("Engineers", &[&ada]);
    world.assign(&engineers);
    world.settle().await;
    // Bob was there all the time, and nobody tells.
    world.entra.join(&engineers.id, bob);
    world.pass(61).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_recheck_that_changes_something_is_checked_again() {
    let (world, engineers, ada, _) = engineers().await;
    world.pass(3_600).await;
    world.entra.leave(&engineers.id, ada.clone());
    world.notified(&engineers).await;
    // The re-check after a minute sees what was before, as from a replica that is late.
    world.entra.join(&engineers.id, ada.clone());
    world.pass(61).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    world.entra.leave(&engineers.id, ada);
    world.pass(61).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["bob"])]));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_returns_has_everybody_in_it_looked_at() {
    let (world, engineers, ada, _) = engineers().await;
    let root = world.user("root");
    world.assign(&root);
    world.unassign(&engineers);
    world.settle().await;
    // Somebody's membership came back meanwhile, as what is held stays: both sides name the same members.
    let (user, group) = (world.user_id(&ada).await, world.group_id(&engineers).await);
    world.hand_made_membership(&user, &group);
    world.rename(&ada, "ada.king");
    world.assign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada.king", "bob"])]));
}

#[tokio::test(start_paused = true)]
async fn whoever_a_group_names_is_looked_at_again_though_an_earlier_failure_left_the_record_dirty() {
    let (world, engineers, _, bob) = engineers().await;
    world.assign(&bob);
    world.entra.leave(&engineers.id, bob.clone());
    world.notified(&engineers).await;
    world.settle().await;
    world.pass(3_600).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada"])]));
    // The group names Bob before he can be seen in it.
    world.ledger.mark_dirty(&bob.id).await.unwrap();
    let named = AgendaEntry {
        due: world.clock.now(),
        priority: Priority::Ordinary,
        subject: bob.clone(),
        reason: Reason::FanOut,
        look: Look::ReadAnyway,
        expectations: vec![],
        noticed_at: world.clock.now(),
    };
    world.ledger.put(&[named]).await.unwrap();
    world.drain().await;
    world.entra.join(&engineers.id, bob);
    world.pass(301).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
}
