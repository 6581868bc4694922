//! The full sweep of the small world: lists of its two sides, and time that does not pass.

use super::entra::Reader;
use super::store::Store;
use super::{Reports, World};
use async_trait::async_trait;
use engine::agenda::{AgendaEntry, Reason};
use engine::ports::{CallError, Clock};
use engine::sweep::ports::{
    BulkDirectory, GroupMembers, IdentityStoreLister, ListPage, Memberships, Pace, SweepTelemetry,
};
use engine::sweep::{DriftPolicy, FullSweep, SweepError, SweepReport, SweepSettings, Swept, Wanted};
use engine::trigger::Subject;
use jiff::{SignedDuration, Timestamp};
use planning::group_plan::IdentityGroup;
use planning::mapping::{EntraUser, MappingSettings};
use planning::record::PrincipalKind;
use planning::sweep::ForeignMember;
use planning::user_plan::IdentityUser;
use planning::{EntraObjectId, GroupId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Objects of one page.
const PAGE: usize = 100;

pub struct NoWaiting;

#[async_trait]
impl Pace for NoWaiting {
    async fn turn(&self) {}
    async fn rest(&self, _: SignedDuration) {}
}

/// Every turn takes the time that the quota demands.
pub struct TickingPace(pub Arc<super::SetClock>);

#[async_trait]
impl Pace for TickingPace {
    async fn turn(&self) {
        self.0.put_forward(SignedDuration::from_millis(50));
    }
    async fn rest(&self, time: SignedDuration) {
        self.0.put_forward(time);
    }
}

impl SweepTelemetry for Reports {
    fn foreign_member(&self, member: &ForeignMember, _: bool) {
        self.foreign.lock().unwrap().push(member.clone());
    }
    fn swept(&self, _: &SweepReport, _: SignedDuration) {}
}

#[async_trait]
impl BulkDirectory for Reader {
    async fn accounts(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<EntraUser>, CallError>> {
        let mut state = self.entra.state();
        let failed = state.called("accounts").err();
        let answer = |id: &EntraObjectId| match &failed {
            Some(error) => Err(error.clone()),
            None => Ok(state.users.get(id).filter(|_| !state.flapping.contains(id)).cloned()),
        };
        ids.iter().map(|id| (id.clone(), answer(id))).collect()
    }

    async fn members(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<GroupMembers>, CallError>> {
        let mut state = self.entra.state();
        let failed = state.called("members").err();
        let users_in = |id: &EntraObjectId| {
            let mut users = BTreeSet::new();
            let (mut seen, mut open) = (BTreeSet::new(), vec![id.clone()]);
            while let Some(group) = open.pop() {
                for member in &state.groups[&group].members {
                    match member.kind {
                        PrincipalKind::User => drop(users.insert(member.id.clone())),
                        PrincipalKind::Group if self.flatten && seen.insert(member.id.clone()) => {
                            open.push(member.id.clone());
                        }
                        PrincipalKind::Group => {}
                    }
                }
            }
            users.into_iter().collect()
        };
        let answer = |id: &EntraObjectId| match (&failed, state.groups.get(id)) {
            (Some(error), _) => Err(error.clone()),
            (None, None) => Ok(None),
            (None, Some(group)) => {
                Ok(Some(GroupMembers { name: Some(group.name.clone()), users: users_in(id) }))
            }
        };
        ids.iter().map(|id| (id.clone(), answer(id))).collect()
    }
}

#[async_trait]
impl IdentityStoreLister for Store {
    async fn users_page(&self, token: Option<String>) -> Result<ListPage<IdentityUser>, CallError> {
        let mut state = self.state();
        state.read("ListUsers")?;
        let users = state.users.iter().map(|(id, attributes)| IdentityUser {
            user_id: id.clone(),
            attributes: attributes.clone(),
            revision: None,
            is_disabled: false,
        });
        Ok(page(users.collect(), token))
    }

    async fn groups_page(&self, token: Option<String>) -> Result<ListPage<IdentityGroup>, CallError> {
        let mut state = self.state();
        state.read("ListGroups")?;
        let groups = state.groups.iter().map(|(id, name)| IdentityGroup {
            group_id: id.clone(),
            name: name.clone(),
            revision: None,
        });
        Ok(page(groups.collect(), token))
    }

    async fn memberships_in(&self, group: &GroupId) -> Result<Option<Memberships>, CallError> {
        let mut state = self.state();
        let held = state.memberships.iter().filter(|((_, of), _)| of == group);
        let members: Vec<_> = held.map(|((user, _), id)| (user.clone(), id.clone())).collect();
        let calls = members.len().div_ceil(PAGE).max(1);
        (0..calls).try_for_each(|_| state.read("ListGroupMemberships"))?;
        Ok(state.groups.contains_key(group).then_some(Memberships { members, calls }))
    }
}

fn page<T>(all: Vec<T>, token: Option<String>) -> ListPage<T> {
    let start: usize = token.map_or(0, |token| token.parse().unwrap());
    let more = all.len() > start + PAGE;
    ListPage {
        items: all.into_iter().skip(start).take(PAGE).collect(),
        next: more.then(|| (start + PAGE).to_string()),
    }
}

impl World {
    pub fn full_sweep(&self, drift: DriftPolicy) -> FullSweep {
        let flatten = self.flatten;
        FullSweep {
            directory: Arc::new(Reader { entra: self.entra.clone(), flatten }),
            lister: Arc::new(self.store.clone()),
            ledger: Arc::new(self.ledger.clone()),
            agenda: Arc::new(self.ledger.clone()),
            clock: self.clock.clone(),
            pace: Arc::new(NoWaiting),
            telemetry: self.reports.clone(),
            settings: SweepSettings {
                mapping: MappingSettings::default(),
                drift,
                grace: SignedDuration::from_hours(7 * 24),
            },
        }
    }

    /// A full sweep that has all the time it needs.
    pub async fn sweep_with(&self, drift: DriftPolicy) -> Result<SweepReport, SweepError> {
        let end = self.clock.now() + SignedDuration::from_mins(12);
        match self.full_sweep(drift).run(Wanted::Everything, end, end).await? {
            Swept::Finished(report) => Ok(report),
            other => panic!("the sweep did not finish: {other:?}"),
        }
    }

    pub async fn sweep(&self) -> SweepReport {
        self.sweep_with(DriftPolicy::Report).await.unwrap()
    }

    /// What a sweep put on the agenda, apart from what was there before.
    pub fn planned(&self) -> Vec<AgendaEntry> {
        let mut entries = self.ledger.open_agenda();
        let of_a_sweep = [Reason::Sweep, Reason::Doubt, Reason::Repair, Reason::GraceOver];
        entries.retain(|entry| of_a_sweep.contains(&entry.reason));
        entries
    }

    /// A full sweep, and everything that is due after it.
    pub async fn sweep_and_settle(&self, drift: DriftPolicy) -> SweepReport {
        let report = self.sweep_with(drift).await.unwrap();
        self.drain().await;
        report
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The Entra object id's user in the identity store.
    pub async fn user_id(&self, user: &Subject) -> planning::UserId {
        use engine::ports::Ledger;
        let records = self.ledger.users(&BTreeSet::from([user.id.clone()])).await.unwrap();
        records[&user.id].principal.user_id.clone().unwrap()
    }

    /// The group's object in the identity store.
    pub async fn group_id(&self, group: &Subject) -> GroupId {
        use engine::ports::Ledger;
        let records = self.ledger.groups(&BTreeSet::from([group.id.clone()])).await.unwrap();
        records[&group.id].principal.group_id.clone().unwrap()
    }
}
