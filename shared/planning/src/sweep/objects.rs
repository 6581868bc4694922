//! Compares the identity store's lists of users and groups with the ledger, page by page.

use super::findings::{Difference, Finding, NothingListed};
use super::picture::Picture;
use crate::attributes::{UserAttribute, UserAttributes};
use crate::digest::Digest;
use crate::group_plan::IdentityGroup;
use crate::record::Standing;
use crate::user_plan::IdentityUser;
use std::collections::BTreeSet;

/// The list of users so far.
#[derive(Debug)]
pub struct UserList<'a> {
    picture: &'a Picture,
    managed: &'a BTreeSet<UserAttribute>,
    seen: Vec<bool>,
    listed: usize,
}

/// The list of groups so far.
#[derive(Debug)]
pub struct GroupList<'a> {
    picture: &'a Picture,
    seen: Vec<bool>,
    listed: usize,
}

impl<'a> UserList<'a> {
    /// Nothing is listed yet. The picture must be older than the list: what it knows had been created then.
    pub fn new(picture: &'a Picture, managed: &'a BTreeSet<UserAttribute>) -> Self {
        Self { picture, managed, seen: vec![false; picture.users.len()], listed: 0 }
    }

    /// Takes in a page. Users of ours whose managed attributes are not those that we wrote are findings.
    pub fn add(&mut self, page: &[IdentityUser]) -> Vec<Finding> {
        self.listed += page.len();
        page.iter().filter_map(|user| self.judge(user)).collect()
    }

    fn judge(&mut self, listed: &IdentityUser) -> Option<Finding> {
        let place = self.picture.owner_of_user(&listed.user_id)? as usize;
        self.seen[place] = true;
        let user = &self.picture.users[place];
        // A tombstone may bear another name; whoever is dirty or unsettled is looked at anyway.
        if user.standing != Standing::Mirrored || user.dirty || !user.settled {
            return None;
        }
        let managed: UserAttributes = listed
            .attributes
            .iter()
            .filter(|(attribute, _)| self.managed.contains(attribute))
            .map(|(attribute, value)| (attribute, value.to_owned()))
            .collect();
        let changed = user.attributes != Some(Digest::of(&managed));
        changed.then(|| Finding::user(&user.id, Difference::ObjectChanged))
    }

    /// The list is complete: users that the ledger knows and that it does not show.
    ///
    /// # Errors
    /// [`NothingListed`] if it is empty although the ledger knows mirrored users.
    pub fn finish(self) -> Result<Vec<Finding>, NothingListed> {
        let users = &self.picture.users;
        let mirrored = users.iter().filter(|user| user.standing == Standing::Mirrored).count();
        if self.listed == 0 && mirrored > 0 {
            return Err(NothingListed { operation: "ListUsers", known: mirrored });
        }
        let missing = users.iter().zip(self.seen).filter(|(user, seen)| user.user_id.is_some() && !seen);
        Ok(missing.map(|(user, _)| Finding::user(&user.id, Difference::ObjectMissing)).collect())
    }
}

impl<'a> GroupList<'a> {
    /// Nothing is listed yet.
    pub fn new(picture: &'a Picture) -> Self {
        Self { picture, seen: vec![false; picture.groups.len()], listed: 0 }
    }

    /// Takes in a page. Groups of ours that bear another name than we gave them are findings.
    pub fn add(&mut self, page: &[IdentityGroup]) -> Vec<Finding> {
        self.listed += page.len();
        page.iter().filter_map(|group| self.judge(group)).collect()
    }

    fn judge(&mut self, listed: &IdentityGroup) -> Option<Finding> {
        let place = self.picture.owner_of_group(&listed.group_id)? as usize;
        self.seen[place] = true;
        let group = &self.picture.groups[place];
        let renamed = group.standing == Standing::Mirrored
            && group.settled
            && !group.dirty
            && group.name.as_ref() != Some(&listed.name);
        renamed.then(|| Finding::group(&group.id, Difference::ObjectChanged))
    }

    /// The list is complete: groups that the ledger knows and that it does not show.
    ///
    /// # Errors
    /// [`NothingListed`] if it is empty although the ledger knows mirrored groups.
    pub fn finish(self) -> Result<Vec<Finding>, NothingListed> {
        let groups = &self.picture.groups;
        let mirrored = groups.iter().filter(|group| group.standing == Standing::Mirrored).count();
        if self.listed == 0 && mirrored > 0 {
            return Err(NothingListed { operation: "ListGroups", known: mirrored });
        }
        let missing = groups.iter().zip(self.seen).filter(|(group, seen)| group.group_id.is_some() && !seen);
        Ok(missing.map(|(group, _)| Finding::group(&group.id, Difference::ObjectMissing)).collect())
    }
}
