//! A small identity store: unique names and addresses, memberships, cascades, and faults on demand.

use async_trait::async_trait;
use engine::ports::{CallError, Cause, IdentityStoreReader, IdentityStoreWriter};
use planning::attributes::{UserAttribute, UserAttributes};
use planning::group_plan::IdentityGroup;
use planning::user_plan::IdentityUser;
use planning::{GroupId, MembershipId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub users: BTreeMap<UserId, UserAttributes>,
    pub groups: BTreeMap<GroupId, String>,
    pub memberships: BTreeMap<(UserId, GroupId), MembershipId>,
    pub calls: BTreeMap<&'static str, usize>,
    /// Every write in order: operation and object.
    pub writes: Vec<String>,
    /// The next call of this operation fails like this: before, or after it took effect.
    pub failing: BTreeMap<&'static str, (Cause, Moment)>,
    next: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

impl Store {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    pub fn id(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}-{}", self.next)
    }

    pub fn calls(&self) -> usize {
        self.calls.values().sum()
    }

    pub fn read(&mut self, operation: &'static str) -> Result<(), CallError> {
        *self.calls.entry(operation).or_default() += 1;
        match self.failing.remove(operation) {
            Some((cause, _)) => Err(CallError::new(operation, "", cause)),
            None => Ok(()),
        }
    }

    fn write<T>(
        &mut self,
        operation: &'static str,
        object: &str,
        effect: impl FnOnce(&mut Self) -> Result<T, Cause>,
    ) -> Result<T, CallError> {
        *self.calls.entry(operation).or_default() += 1;
        let error = |cause| CallError::new(operation, object, cause);
        let failing = self.failing.remove(operation);
        if let Some((cause, Moment::Before)) = failing {
            return Err(error(cause));
        }
        let result = effect(self).map_err(error)?;
        self.writes.push(format!("{operation} {object}"));
        match failing {
            Some((cause, _)) => Err(error(cause)),
            None => Ok(result),
        }
    }

    fn taken(&self, own: Option<&UserId>, attribute: UserAttribute, value: Option<&str>) -> bool {
        value.is_some() && self.users.iter().any(|(id, user)| Some(id) != own && user.get(attribute) == value)
    }

    fn conflicts(&self, own: Option<&UserId>, user: &UserAttributes) -> bool {
        [UserAttribute::UserName, UserAttribute::Email]
            .into_iter()
            .any(|attribute| self.taken(own, attribute, user.get(attribute)))
    }
}

#[async_trait]
impl IdentityStoreReader for Store {
    async fn user(&self, id: &UserId) -> Result<Option<IdentityUser>, CallError> {
        let mut state = self.state();
        state.read("DescribeUser")?;
        let attributes = state.users.get(id).cloned();
        Ok(attributes.map(|attributes| IdentityUser {
            user_id: id.clone(),
            attributes,
            revision: None,
            is_disabled: false,
        }))
    }

    async fn find_user(&self, attribute: UserAttribute, value: &str) -> Result<Option<UserId>, CallError> {
        let mut state = self.state();
        state.read("GetUserId")?;
        Ok(state.users.iter().find(|(_, user)| user.get(attribute) == Some(value)).map(|(id, _)| id.clone()))
    }

    async fn memberships_of(&self, user: &UserId) -> Result<BTreeMap<GroupId, MembershipId>, CallError> {
        let mut state = self.state();
        state.read("ListGroupMembershipsForMember")?;
        if !state.users.contains_key(user) {
            return Err(CallError::new("ListGroupMembershipsForMember", user, Cause::NotFound));
        }
        let own = state.memberships.iter().filter(|((member, _), _)| member == user);
        Ok(own.map(|((_, group), id)| (group.clone(), id.clone())).collect())
    }

    async fn find_membership(
        &self,
        user: &UserId,
        group: &GroupId,
    ) -> Result<Option<MembershipId>, CallError> {
        let mut state = self.state();
        state.read("GetGroupMembershipId")?;
        Ok(state.memberships.get(&(user.clone(), group.clone())).cloned())
    }

    async fn group(&self, id: &GroupId) -> Result<Option<IdentityGroup>, CallError> {
        let mut state = self.state();
        state.read("DescribeGroup")?;
        let name = state.groups.get(id).cloned();
        Ok(name.map(|name| IdentityGroup { group_id: id.clone(), name, revision: None }))
    }

    async fn find_group(&self, name: &str) -> Result<Option<GroupId>, CallError> {
        let mut state = self.state();
        state.read("GetGroupId")?;
        Ok(state.groups.iter().find(|(_, other)| *other == name).map(|(id, _)| id.clone()))
    }

    async fn members_of(&self, group: &GroupId) -> Result<BTreeSet<UserId>, CallError> {
        let mut state = self.state();
        state.read("ListGroupMemberships")?;
        if !state.groups.contains_key(group) {
            return Err(CallError::new("ListGroupMemberships", group, Cause::NotFound));
        }
        Ok(state.memberships.keys().filter(|(_, of)| of == group).map(|(user, _)| user.clone()).collect())
    }
}

#[async_trait]
impl IdentityStoreWriter for Store {
    async fn create_user(&self, attributes: &UserAttributes) -> Result<UserId, CallError> {
        let name = attributes.get(UserAttribute::UserName).unwrap_or_default().to_owned();
        self.state().write("CreateUser", &name, |state| {
            if state.conflicts(None, attributes) {
                return Err(Cause::Conflict);
            }
            let id = UserId::parse(&state.id("u")).unwrap();
            state.users.insert(id.clone(), attributes.clone());
            Ok(id)
        })
    }

    async fn update_user(
        &self,
        user: &UserId,
        attributes: &UserAttributes,
        changed: &BTreeSet<UserAttribute>,
        _revision: Option<&str>,
    ) -> Result<(), CallError> {
        self.state().write("UpdateUser", user.as_str(), |state| {
            let mut next = state.users.get(user).cloned().ok_or(Cause::NotFound)?;
            for attribute in changed {
                next.set(*attribute, attributes.get(*attribute).unwrap_or_default());
            }
            if state.conflicts(Some(user), &next) {
                return Err(Cause::Conflict);
            }
            state.users.insert(user.clone(), next);
            Ok(())
        })
    }

    async fn create_group(&self, name: &str) -> Result<GroupId, CallError> {
        self.state().write("CreateGroup", name, |state| {
            if state.groups.values().any(|other| other == name) {
                return Err(Cause::Conflict);
            }
            let id = GroupId::parse(&state.id("g")).unwrap();
            state.groups.insert(id.clone(), name.to_owned());
            Ok(id)
        })
    }

    async fn rename_group(&self, group: &GroupId, name: &str, _: Option<&str>) -> Result<(), CallError> {
        self.state().write("UpdateGroup", group.as_str(), |state| {
            if state.groups.iter().any(|(id, other)| id != group && other == name) {
                return Err(Cause::Conflict);
            }
            *state.groups.get_mut(group).ok_or(Cause::NotFound)? = name.to_owned();
            Ok(())
        })
    }

    async fn create_membership(&self, user: &UserId, group: &GroupId) -> Result<MembershipId, CallError> {
        self.state().write("CreateGroupMembership", group.as_str(), |state| {
            if !state.users.contains_key(user) || !state.groups.contains_key(group) {
                return Err(Cause::NotFound);
            }
            let key = (user.clone(), group.clone());
            if state.memberships.contains_key(&key) {
                return Err(Cause::Conflict);
            }
            let id = MembershipId::parse(&state.id("m")).unwrap();
            state.memberships.insert(key, id.clone());
            Ok(id)
        })
    }

    async fn delete_membership(&self, membership: &MembershipId) -> Result<(), CallError> {
        self.state().write("DeleteGroupMembership", membership.as_str(), |state| {
            let before = state.memberships.len();
            state.memberships.retain(|_, id| id != membership);
            if state.memberships.len() < before { Ok(()) } else { Err(Cause::NotFound) }
        })
    }

    async fn delete_user(&self, user: &UserId, _: Option<&str>) -> Result<(), CallError> {
        self.state().write("DeleteUser", user.as_str(), |state| {
            state.memberships.retain(|(member, _), _| member != user);
            state.users.remove(user).map(|_| ()).ok_or(Cause::NotFound)
        })
    }

    async fn delete_group(&self, group: &GroupId, _: Option<&str>) -> Result<(), CallError> {
        self.state().write("DeleteGroup", group.as_str(), |state| {
            state.memberships.retain(|(_, of), _| of != group);
            state.groups.remove(group).map(|_| ()).ok_or(Cause::NotFound)
        })
    }
}
