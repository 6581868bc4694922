//! A small Entra ID: users, groups, members, assignments, and a log of every group's changes.

use async_trait::async_trait;
use engine::ports::{CallError, Cause, Directory, FirstLook, GroupRead, GroupReading};
use engine::trigger::Subject;
use planning::EntraObjectId;
use planning::assigned::Principals;
use planning::mapping::EntraUser;
use planning::record::PrincipalKind;
use planning::scope::{Gone, UserReading};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Clone, Default)]
pub struct Entra(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub users: BTreeMap<EntraObjectId, EntraUser>,
    pub groups: BTreeMap<EntraObjectId, Group>,
    pub assigned: Principals,
    /// Calls made, by kind.
    pub calls: BTreeMap<&'static str, usize>,
    /// Reads of users answer what is hidden here as "not found" once, then as they are.
    pub flapping: BTreeSet<EntraObjectId>,
    /// Errors for the next calls of a kind.
    pub failing: BTreeMap<&'static str, Cause>,
}

#[derive(Clone, Default)]
pub struct Group {
    pub name: String,
    pub members: BTreeSet<Subject>,
    /// Every change of members: (subject, joined).
    pub log: Vec<(Subject, bool)>,
    pub renames: Vec<(usize, String)>,
}

impl Entra {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn join(&self, group: &EntraObjectId, member: Subject) {
        let mut state = self.state();
        let group = state.groups.get_mut(group).unwrap();
        group.members.insert(member.clone());
        group.log.push((member, true));
    }

    pub fn leave(&self, group: &EntraObjectId, member: Subject) {
        let mut state = self.state();
        let group = state.groups.get_mut(group).unwrap();
        group.members.remove(&member);
        group.log.push((member, false));
    }

    pub fn rename_group(&self, group: &EntraObjectId, name: &str) {
        let mut state = self.state();
        let group = state.groups.get_mut(group).unwrap();
        group.name = name.to_owned();
        group.renames.push((group.log.len(), name.to_owned()));
    }
}

impl State {
    pub fn called(&mut self, kind: &'static str) -> Result<(), CallError> {
        *self.calls.entry(kind).or_default() += 1;
        match self.failing.remove(kind) {
            Some(cause) => Err(CallError::new(kind, "", cause)),
            None => Ok(()),
        }
    }

    fn groups_above(&self, member: &Subject, transitively: bool) -> BTreeSet<EntraObjectId> {
        let mut above = BTreeSet::new();
        let mut open = vec![member.clone()];
        while let Some(member) = open.pop() {
            for (id, group) in &self.groups {
                if group.members.contains(&member) && above.insert(id.clone()) && transitively {
                    open.push(Subject::group(id.clone()));
                }
            }
        }
        above
    }

    fn group(&self, read: &GroupRead) -> GroupReading {
        let Some(group) = self.groups.get(&read.id) else {
            return GroupReading {
                name: None,
                joined: BTreeSet::new(),
                left: BTreeSet::new(),
                gone: Some(Gone::Deleted),
                delta_link: None,
                ancestors: BTreeSet::new(),
            };
        };
        let since = read.delta_link.as_ref().map(|link| {
            let (log, renames) = link.split_once('/').unwrap();
            (log.parse::<usize>().unwrap(), renames.parse::<usize>().unwrap())
        });
        let (mut joined, mut left) = (BTreeSet::new(), BTreeSet::new());
        match since {
            None => joined = group.members.clone(),
            Some((seen, _)) => {
                for (member, came) in &group.log[seen..] {
                    joined.remove(member);
                    left.remove(member);
                    if *came {
                        joined.insert(member.clone())
                    } else {
                        left.insert(member.clone())
                    };
                }
            }
        }
        let renamed = since.is_none_or(|(_, renames)| renames < group.renames.len());
        GroupReading {
            name: renamed.then(|| group.name.clone()),
            joined,
            left,
            gone: None,
            delta_link: Some(format!("{}/{}", group.log.len(), group.renames.len())),
            ancestors: if read.ancestors {
                self.groups_above(&Subject::group(read.id.clone()), true)
            } else {
                BTreeSet::new()
            },
        }
    }
}

/// Reads of the small Entra ID, with or without nested groups flattened.
pub struct Reader {
    pub entra: Entra,
    pub flatten: bool,
}

#[async_trait]
impl Directory for Reader {
    async fn assigned_principals(&self) -> Result<Principals, CallError> {
        let mut state = self.entra.state();
        state.called("assignments")?;
        Ok(state.assigned.clone())
    }

    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<FirstLook, CallError>> {
        let mut state = self.entra.state();
        let failed = state.called("users").err();
        let look = |id: &EntraObjectId, state: &State| {
            if let Some(error) = &failed {
                return Err(error.clone());
            }
            let hidden = state.flapping.contains(id);
            Ok(match state.users.get(id).filter(|_| !hidden) {
                None => FirstLook::NotFound,
                Some(user) => FirstLook::Present(Box::new(UserReading::Present {
                    user: Box::new(user.clone()),
                    groups: state.groups_above(&Subject::user(id.clone()), self.flatten),
                })),
            })
        };
        ids.iter().map(|id| (id.clone(), look(id, &state))).collect()
    }

    async fn confirm_absence(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<Gone>, CallError>> {
        let mut state = self.entra.state();
        let _ = state.called("confirm");
        let gone = |id: &EntraObjectId| (!state.users.contains_key(id)).then_some(Gone::Deleted);
        ids.iter().map(|id| (id.clone(), Ok(gone(id)))).collect()
    }

    async fn groups(&self, reads: &[GroupRead]) -> BTreeMap<EntraObjectId, Result<GroupReading, CallError>> {
        let mut state = self.entra.state();
        let failed = state.called("groups").err();
        let answer = |read: &GroupRead| match &failed {
            Some(error) => Err(error.clone()),
            None => Ok(state.group(read)),
        };
        reads.iter().map(|read| (read.id.clone(), answer(read))).collect()
    }

    async fn group_name(&self, id: &EntraObjectId) -> Result<Option<String>, CallError> {
        Ok(self.entra.state().groups.get(id).map(|group| group.name.clone()))
    }
}

/// The kind of an id for the assigned set.
pub fn kind_of(state: &State, id: &EntraObjectId) -> PrincipalKind {
    if state.groups.contains_key(id) { PrincipalKind::Group } else { PrincipalKind::User }
}
