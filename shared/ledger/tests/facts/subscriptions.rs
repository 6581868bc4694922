//! What is kept of the subscriptions to change notifications.

use crate::world::{World, at};
use engine::ports::Cause;
use planning::SubscriptionId;
use planning::digest::Digest;
use planning::subscriptions::Remembered;

fn something() -> Remembered {
    let mut remembered = Remembered { sweep_owed: true, ..Remembered::default() };
    let id = SubscriptionId::parse("d850b120-5c2d-49cc-bb2f-8cb0060fef8e").unwrap();
    remembered.note_created(id, Digest::of(&"secret"), at(7));
    remembered
}

pub async fn at_first_nothing_is_remembered_of_subscriptions(world: &World) {
    let (_, remembered) = world.subscriptions.begin(at(0), at(60)).await.unwrap().unwrap();
    assert_eq!(remembered, Remembered::default());
}

pub async fn one_holds_the_turn_until_it_is_over_or_given_back(world: &World) {
    let (first, _) = world.subscriptions.begin(at(0), at(60)).await.unwrap().unwrap();
    assert_eq!(world.subscriptions.begin(at(59), at(120)).await.unwrap(), None);
    world.subscriptions.end(&first).await.unwrap();
    let (second, _) = world.subscriptions.begin(at(59), at(120)).await.unwrap().unwrap();
    assert_ne!(first, second);
    assert_eq!(world.subscriptions.begin(at(119), at(180)).await.unwrap(), None);
    assert!(world.subscriptions.begin(at(120), at(180)).await.unwrap().is_some(), "its time is over");
}

pub async fn what_is_remembered_reads_back(world: &World) {
    let (lease, _) = world.subscriptions.begin(at(0), at(60)).await.unwrap().unwrap();
    world.subscriptions.store(&lease, &something()).await.unwrap();
    world.subscriptions.end(&lease).await.unwrap();
    let (_, remembered) = world.subscriptions.begin(at(1), at(60)).await.unwrap().unwrap();
    assert_eq!(remembered, something());
}

pub async fn who_lost_the_turn_stores_nothing_and_takes_it_from_nobody(world: &World) {
    let (late, _) = world.subscriptions.begin(at(0), at(60)).await.unwrap().unwrap();
    let (lease, _) = world.subscriptions.begin(at(60), at(120)).await.unwrap().unwrap();
    let error = world.subscriptions.store(&late, &something()).await.unwrap_err();
    assert_eq!(error.cause, Cause::Concurrent);
    world.subscriptions.end(&late).await.unwrap();
    assert_eq!(world.subscriptions.begin(at(61), at(180)).await.unwrap(), None);
    world.subscriptions.store(&lease, &something()).await.unwrap();
}
