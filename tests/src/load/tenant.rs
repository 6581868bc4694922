//! The organisation's Entra ID: what is computed of it, and what has changed since.

use super::quota::Quota;
use crate::organisation::{GROUP, Size, account, entra_id};
use engine::ports::GroupReading;
use engine::trigger::Subject;
use planning::EntraObjectId;
use planning::assigned::Principals;
use planning::mapping::EntraUser;
use planning::record::PrincipalKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Resource units in ten seconds of the smallest tenants: what the product's budgets are made for.
const RESOURCE_UNITS: f64 = 3_500.0;

/// Entra ID, with the quota that all who ask it share.
pub(super) struct Tenant {
    pub size: Size,
    pub quota: Quota,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    assigned: BTreeSet<usize>,
    disabled: BTreeSet<usize>,
    /// How often a user's job title has changed.
    titles: BTreeMap<usize, u32>,
    /// Who is no longer in which group: user and group, in the order in which they left.
    left: Vec<(usize, usize)>,
}

impl Tenant {
    /// A tenant that has these groups assigned. Beyond the groups of `size` there is one more, of which every user is
    /// a member: see [`Tenant::everybody`].
    pub fn new(size: Size, assigned: impl IntoIterator<Item = usize>) -> Self {
        let state = State { assigned: assigned.into_iter().collect(), ..State::default() };
        let quota = Quota::new(RESOURCE_UNITS, RESOURCE_UNITS / 10.0);
        Self { size, quota, state: Mutex::new(state) }
    }

    /// The group of every user.
    pub fn everybody(size: Size) -> usize {
        size.groups
    }

    pub fn disable(&self, user: usize) {
        self.state().disabled.insert(user);
    }

    /// Takes somebody out of a group.
    pub fn remove(&self, user: usize, group: usize) {
        self.state().left.push((user, group));
    }

    /// Gives somebody another job title.
    pub fn promote(&self, user: usize) {
        *self.state().titles.entry(user).or_default() += 1;
    }

    pub fn unassign(&self, group: usize) {
        self.state().assigned.remove(&group);
    }

    pub fn assigned(&self) -> Principals {
        let state = self.state();
        state.assigned.iter().map(|group| (entra_id(GROUP, *group), PrincipalKind::Group)).collect()
    }

    /// A user with the groups of which it is a member, assigned or not.
    pub fn user(&self, number: usize) -> (EntraUser, BTreeSet<EntraObjectId>) {
        let state = self.state();
        let mut user = account(number);
        user.account_enabled = !state.disabled.contains(&number);
        if let Some(times) = state.titles.get(&number) {
            user.job_title = Some(format!("Analyst of grade {times}"));
        }
        let groups = self.size.groups_of(number).chain([Self::everybody(self.size)]);
        let groups = groups.filter(|group| !state.left.contains(&(number, *group)));
        (user, groups.map(|group| entra_id(GROUP, group)).collect())
    }

    /// All members of a group, or with a link what has changed since it was given.
    pub fn group(&self, number: usize, link: Option<&str>) -> GroupReading {
        let state = self.state();
        let since = link.map(|link| link.parse().unwrap_or_default());
        let gone = |since: usize| state.left[since..].iter().filter(|(_, group)| *group == number);
        let left: BTreeSet<Subject> =
            gone(since.unwrap_or_default()).map(|(user, _)| subject(*user)).collect();
        let everybody = number == Self::everybody(self.size);
        let joined: BTreeSet<Subject> = match since {
            Some(_) => BTreeSet::new(),
            None if everybody => (0..self.size.users).map(subject).collect(),
            None => self.size.members(number).map(subject).filter(|user| !left.contains(user)).collect(),
        };
        GroupReading {
            name: since.is_none().then(|| name_of(number)),
            joined,
            left: if since.is_some() { left } else { BTreeSet::new() },
            gone: None,
            delta_link: Some(state.left.len().to_string()),
            ancestors: BTreeSet::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a group, as `organisation` has it.
pub(super) fn name_of(group: usize) -> String {
    format!("Group {group}")
}

fn subject(user: usize) -> Subject {
    Subject::user(entra_id(crate::organisation::USER, user))
}
