//! What somebody else made, in what must hold at every moment: nothing foreign changes.

use super::truth::CalledFor;
use super::watch::{Look, Watch};
use super::weather::Weather;
use std::collections::BTreeSet;
use std::time::Duration;

/// A membership that somebody wrote by hand.
#[derive(Debug, Clone)]
pub struct ByHand {
    /// Whose.
    pub user: String,
    /// In which group.
    pub group: String,
    /// Entra ID has called for it since, so that the product may have taken it over.
    pub may_be_ours: bool,
}

impl Watch {
    /// Takes note of a membership that was written by hand, and of whose user and group it is.
    pub fn written_by_hand(&mut self, membership: String, (user, group): (String, String)) {
        self.foreign_memberships.insert(membership, ByHand { user, group, may_be_ours: false });
    }

    /// Looks at whether everything foreign is as it was left.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check_foreign(
        &mut self,
        look: &Look,
        called_for: &CalledFor,
        weather: &Weather,
        now: Duration,
    ) -> Result<(), String> {
        for (id, left) in &self.foreign {
            let present = look.users.get(id).or_else(|| look.groups.get(id));
            if present != Some(left) {
                return Err(format!("foreign object {id} was {left} and is {present:?}"));
            }
        }
        let owner =
            |object: &String| look.bound.iter().find(|(_, bound)| *bound == object).map(|(id, _)| id.clone());
        // What Entra ID called for, if only for a moment, the product may have taken over, and then away.
        let may_be_ours = |held: &ByHand| {
            let pair = owner(&held.user).zip(owner(&held.group));
            held.may_be_ours || pair.is_some_and(|pair| called_for.ago(now, &pair).is_some())
        };
        // A deletion takes every membership first, and the object with a later call: a function may die in between.
        let may_be_deleted = |object: &String| {
            let owner = owner(object);
            owner.is_some_and(|owner| self.may_be_deleted(Some(&owner), called_for, weather, now).is_ok())
        };
        let gone = self.foreign_memberships.iter().filter(|(id, _)| !look.memberships.contains_key(*id));
        let mut going = BTreeSet::new();
        for (id, ByHand { user, group, .. }) in gone.filter(|(_, held)| !may_be_ours(held)) {
            if !may_be_deleted(user) && !may_be_deleted(group) {
                return Err(format!("foreign membership {id} of {user} in {group} is gone"));
            }
            going.insert(id.clone());
        }
        self.foreign_memberships.retain(|id, _| !going.contains(id));
        Ok(())
    }
}
