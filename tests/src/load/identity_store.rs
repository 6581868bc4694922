//! The organisation's identity store as one mirror sees it: budgets of its own, 100 ms a call, the quotas of all.

use super::quota::Quota;
use super::tenant::name_of;
use crate::organisation::{LATENCY, PAGE, attributes, group_id, membership_id, number, user_id};
use async_trait::async_trait;
use engine::budget::{Budgets, RunsShort};
use engine::ports::{CallError, Cause, IdentityStoreReader, IdentityStoreWriter};
use planning::attributes::{UserAttribute, UserAttributes};
use planning::group_plan::IdentityGroup;
use planning::user_plan::IdentityUser;
use planning::{GroupId, MembershipId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// Calls per second of each API (Identity Center quotas page).
const CALLS: f64 = 20.0;
/// Attempts at a call that is throttled, as `identity-center` makes them.
const ATTEMPTS: usize = 3;

/// What stands in the identity store.
#[derive(Default)]
pub(super) struct Content {
    pub users: BTreeSet<usize>,
    /// Attributes that are no longer those of `organisation`.
    updated: BTreeMap<usize, UserAttributes>,
    pub groups: BTreeSet<usize>,
    /// By user.
    pub memberships: BTreeSet<(usize, usize)>,
    /// The same by group.
    members: BTreeSet<(usize, usize)>,
    /// When a membership was taken away last.
    pub taken_away: BTreeMap<(usize, usize), Instant>,
    /// Writes that give, or update: each takes what bulk work is limited by.
    pub given: u64,
    /// Calls that were refused because there were too many.
    pub throttled: u64,
    quotas: BTreeMap<&'static str, Arc<Quota>>,
}

/// The identity store. Clones share its content, and what one mirror may call.
#[derive(Clone)]
pub(super) struct Store {
    pub content: Arc<Mutex<Content>>,
    pub budgets: Budgets,
}

impl Content {
    pub fn join(&mut self, user: usize, group: usize) -> bool {
        self.members.insert((group, user));
        self.memberships.insert((user, group))
    }

    fn leave(&mut self, user: usize, group: usize) -> bool {
        self.members.remove(&(group, user));
        self.taken_away.insert((user, group), Instant::now());
        self.memberships.remove(&(user, group))
    }

    fn quota(&mut self, api: &'static str) -> Arc<Quota> {
        self.quotas.entry(api).or_insert_with(|| Arc::new(Quota::new(CALLS, CALLS))).clone()
    }

    fn attributes(&self, user: usize) -> UserAttributes {
        self.updated.get(&user).cloned().unwrap_or_else(|| attributes(user))
    }
}

impl Store {
    pub fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call: it takes effect half way. A throttled one has none, and is tried again when its budget allows.
    async fn call<T>(
        &self,
        api: &'static str,
        object: impl ToString,
        effect: impl Fn(&mut Content) -> Result<T, Cause>,
    ) -> Result<T, CallError> {
        let budget = self.budgets.of(api);
        let error = |cause| CallError::new(api, object.to_string(), cause);
        let mut asked = None;
        for _ in 0..ATTEMPTS {
            if let Err(RunsShort { retry_after }) = budget.take(1.0).await {
                return Err(error(Cause::Throttled { retry_after: Some(retry_after) }));
            }
            tokio::time::sleep(LATENCY / 2).await;
            let answer = {
                let mut content = self.content();
                let taken = content.quota(api).take(1.0);
                content.throttled += u64::from(taken.is_err());
                taken.map(|()| effect(&mut content))
            };
            tokio::time::sleep(LATENCY / 2).await;
            match answer {
                Ok(answer) => return answer.map_err(error),
                Err(wait) => {
                    budget.throttled(Some(wait));
                    asked = Some(wait);
                }
            }
        }
        Err(error(Cause::Throttled { retry_after: asked }))
    }
}

#[async_trait]
impl IdentityStoreReader for Store {
    async fn user(&self, id: &UserId) -> Result<Option<IdentityUser>, CallError> {
        let user = number(id.as_str());
        self.call("DescribeUser", id, |content| {
            let found = content.users.contains(&user);
            let attributes = || content.attributes(user);
            Ok(found.then(|| IdentityUser {
                user_id: id.clone(),
                attributes: attributes(),
                revision: None,
                is_disabled: false,
            }))
        })
        .await
    }

    async fn find_user(&self, _: UserAttribute, value: &str) -> Result<Option<UserId>, CallError> {
        let user = number_in_address(value);
        self.call("GetUserId", "user", |content| Ok(content.users.contains(&user).then(|| user_id(user))))
            .await
    }

    async fn memberships_of(&self, user: &UserId) -> Result<BTreeMap<GroupId, MembershipId>, CallError> {
        let user = number(user.as_str());
        self.call("ListGroupMembershipsForMember", user, |content| {
            let groups = content.memberships.range((user, 0)..(user + 1, 0));
            Ok(groups.map(|(_, group)| (group_id(*group), membership_id(user, *group))).collect())
        })
        .await
    }

    async fn find_membership(
        &self,
        user: &UserId,
        group: &GroupId,
    ) -> Result<Option<MembershipId>, CallError> {
        let (user, group) = (number(user.as_str()), number(group.as_str()));
        self.call("GetGroupMembershipId", user, |content| {
            Ok(content.memberships.contains(&(user, group)).then(|| membership_id(user, group)))
        })
        .await
    }

    async fn group(&self, id: &GroupId) -> Result<Option<IdentityGroup>, CallError> {
        let group = number(id.as_str());
        self.call("DescribeGroup", id, |content| {
            let found = content.groups.contains(&group);
            let name = name_of(group);
            Ok(found.then(|| IdentityGroup { group_id: id.clone(), name, revision: None }))
        })
        .await
    }

    async fn find_group(&self, name: &str) -> Result<Option<GroupId>, CallError> {
        let group = number_of_group(name);
        self.call("GetGroupId", "group", |content| {
            Ok(content.groups.contains(&group).then(|| group_id(group)))
        })
        .await
    }

    async fn members_of(&self, group: &GroupId) -> Result<BTreeSet<UserId>, CallError> {
        let group = number(group.as_str());
        let mut members = BTreeSet::new();
        let mut after = 0;
        loop {
            let page: Vec<usize> = self
                .call("ListGroupMemberships", group, |content| {
                    let from_here = content.members.range((group, after)..(group + 1, 0));
                    Ok(from_here.take(PAGE).map(|(_, user)| *user).collect())
                })
                .await?;
            members.extend(page.iter().map(|user| user_id(*user)));
            match page.last() {
                Some(last) if page.len() == PAGE => after = last + 1,
                _ => return Ok(members),
            }
        }
    }
}

#[async_trait]
impl IdentityStoreWriter for Store {
    async fn create_user(&self, attributes: &UserAttributes) -> Result<UserId, CallError> {
        let user = number_in_address(attributes.get(UserAttribute::UserName).unwrap_or_default());
        self.call("CreateUser", "a new user", |content| {
            content.given += 1;
            content.updated.insert(user, attributes.clone());
            if content.users.insert(user) { Ok(user_id(user)) } else { Err(Cause::Conflict) }
        })
        .await
    }

    async fn update_user(
        &self,
        user: &UserId,
        attributes: &UserAttributes,
        _: &BTreeSet<UserAttribute>,
        _: Option<&str>,
    ) -> Result<(), CallError> {
        let number = number(user.as_str());
        self.call("UpdateUser", user, |content| {
            content.given += 1;
            content.updated.insert(number, attributes.clone());
            Ok(())
        })
        .await
    }

    async fn create_group(&self, name: &str) -> Result<GroupId, CallError> {
        let group = number_of_group(name);
        self.call("CreateGroup", "a new group", |content| {
            if content.groups.insert(group) { Ok(group_id(group)) } else { Err(Cause::Conflict) }
        })
        .await
    }

    async fn rename_group(&self, group: &GroupId, _: &str, _: Option<&str>) -> Result<(), CallError> {
        panic!("{group} is renamed");
    }

    async fn create_membership(&self, user: &UserId, group: &GroupId) -> Result<MembershipId, CallError> {
        let (user, group) = (number(user.as_str()), number(group.as_str()));
        self.call("CreateGroupMembership", user, |content| {
            content.given += 1;
            if content.join(user, group) { Ok(membership_id(user, group)) } else { Err(Cause::Conflict) }
        })
        .await
    }

    async fn delete_membership(&self, membership: &MembershipId) -> Result<(), CallError> {
        let (user, group) = parts_of(membership);
        self.call("DeleteGroupMembership", membership, |content| {
            if content.leave(user, group) { Ok(()) } else { Err(Cause::NotFound) }
        })
        .await
    }

    async fn delete_user(&self, user: &UserId, _: Option<&str>) -> Result<(), CallError> {
        panic!("{user} is deleted");
    }

    async fn delete_group(&self, group: &GroupId, _: Option<&str>) -> Result<(), CallError> {
        panic!("{group} is deleted");
    }
}

/// `user-7@contoso.example` is 7.
fn number_in_address(address: &str) -> usize {
    let digits: String = address.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn number_of_group(name: &str) -> usize {
    name.rsplit(' ').next().unwrap().parse().unwrap()
}

/// What `membership_id` made the id of.
fn parts_of(membership: &MembershipId) -> (usize, usize) {
    let user = membership.as_str().split('-').nth(1).unwrap();
    (usize::from_str_radix(user, 16).unwrap(), number(membership.as_str()))
}
