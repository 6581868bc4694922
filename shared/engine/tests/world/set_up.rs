//! Where many facts begin: a group that is assigned and mirrored, with its members.

use super::{World, groups};
use engine::trigger::Subject;

/// Ada and Bob in the assigned group Engineers, mirrored.
pub async fn engineers() -> (World, Subject, Subject, Subject) {
    engineers_in(World::new()).await
}

/// The same where nested groups are flattened.
pub async fn engineers_flattened() -> (World, Subject, Subject, Subject) {
    engineers_in(World::with(true)).await
}

async fn engineers_in(world: World) -> (World, Subject, Subject, Subject) {
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let engineers = world.group("Engineers", &[&ada, &bob]);
    world.assign(&engineers);
    world.settle().await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob"])]));
    world.reset_calls();
    (world, engineers, ada, bob)
}

/// The same with Eve in Inner, a group nested in Engineers, flattened: Engineers, Inner and Eve.
pub async fn nested_in_engineers() -> (World, Subject, Subject, Subject) {
    let (world, engineers, ..) = engineers_flattened().await;
    let eve = world.user("eve");
    let inner = world.group("Inner", &[&eve]);
    world.entra.join(&engineers.id, inner.clone());
    world.notified(&engineers).await;
    assert_eq!(world.held(), groups(&[("Engineers", &["ada", "bob", "eve"])]));
    (world, engineers, inner, eve)
}

impl World {
    /// An assigned group with one member, mirrored.
    pub async fn auditors(&self) -> Subject {
        let auditor = self.user("auditor");
        self.assign(&self.group("Auditors", &[&auditor]));
        self.settle().await;
        auditor
    }

    /// A notification about the subject arrives, and everything that follows from it is done.
    pub async fn notified(&self, subject: &Subject) {
        self.notify(&[subject]).await;
        self.drain().await;
    }
}
