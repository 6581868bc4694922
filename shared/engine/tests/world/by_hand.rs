//! What somebody does in Identity Center by hand, and in the ledger behind the engine's back.

use super::World;
use engine::ports::Ledger;
use engine::trigger::Subject;
use planning::attributes::UserAttribute;
use planning::record::GroupRecord;
use planning::{GroupId, MembershipId, UserId};
use std::collections::BTreeSet;

impl World {
    /// Somebody writes a membership.
    pub fn hand_made_membership(&self, user: &UserId, group: &GroupId) -> MembershipId {
        let mut state = self.store.state();
        let id = MembershipId::parse(&state.id("m")).unwrap();
        state.memberships.insert((user.clone(), group.clone()), id.clone());
        id
    }

    /// Somebody makes a user.
    pub fn hand_made_user(&self, name: &str) -> UserId {
        let mut state = self.store.state();
        let id = UserId::parse(&state.id("u")).unwrap();
        state.users.insert(id.clone(), [(UserAttribute::UserName, name.to_owned())].into_iter().collect());
        id
    }

    /// Somebody makes a group.
    pub fn hand_made_group(&self, name: &str) {
        let mut state = self.store.state();
        let id = GroupId::parse(&state.id("g")).unwrap();
        state.groups.insert(id, name.to_owned());
    }

    /// Somebody deletes a user, and with it the memberships.
    pub async fn delete_user_by_hand(&self, user: &Subject) {
        let id = self.user_id(user).await;
        let mut state = self.store.state();
        state.users.remove(&id);
        state.memberships.retain(|(user, _), _| *user != id);
    }

    /// Somebody deletes a group, and with it the memberships.
    pub async fn delete_group_by_hand(&self, group: &Subject) {
        let id = self.group_id(group).await;
        let mut state = self.store.state();
        state.groups.remove(&id);
        state.memberships.retain(|(_, group), _| *group != id);
    }

    /// A group's record is changed.
    pub async fn change_group_record(&self, group: &Subject, change: impl FnOnce(&mut GroupRecord)) {
        let mut records = self.ledger.groups(&BTreeSet::from([group.id.clone()])).await.unwrap();
        let record = records.get_mut(&group.id).unwrap();
        change(&mut record.principal);
        self.ledger.put_group(record).await.unwrap();
    }
}
