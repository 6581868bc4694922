//! The full sweep's part about account assignments: all of managed groups are read, and what differs is put on the
//! agenda. What somebody else made and no rule speaks of is only reported.

use super::ports::{AccountAssignmentReader, Weighed};
use super::watch::AccessWatch;
use super::world::AccessWorld;
use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::ports::CallError;
use crate::trigger::{Look, Subject};
use crate::urgency::{Urgency, with_urgency};
use planning::access::{AccountAssignment, Bindings, desired_of_group};
use planning::record::{GroupRecord, Record};
use planning::{EntraObjectId, GroupId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the comparison needs.
#[derive(Clone)]
pub struct AccessSweep {
    /// Records, rules and agenda.
    pub watch: AccessWatch,
    /// Reads account assignments.
    pub reader: Arc<dyn AccountAssignmentReader>,
}

/// What the comparison found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AccessSwept {
    /// Account assignments of managed groups.
    pub assignments: usize,
    /// Groups whose account assignments are not as they should be.
    pub groups: usize,
    /// Assignments that we made and somebody else deleted.
    pub missing: usize,
    /// Assignments that somebody else made and no rule speaks of.
    pub foreign: usize,
}

/// One group's differences.
#[derive(Debug, Default)]
struct Differences {
    missing: usize,
    foreign: BTreeSet<AccountAssignment>,
    /// It has to be looked at.
    look: bool,
}

impl AccessSweep {
    /// Reads the account assignments of every managed group and compares them with what the ledger and the rules say.
    ///
    /// # Errors
    /// Any incomplete read: nothing is concluded from it.
    pub async fn run(&self) -> Result<AccessSwept, CallError> {
        with_urgency(Urgency::Bulk, self.compare()).await
    }

    async fn compare(&self) -> Result<AccessSwept, CallError> {
        let world = self.watch.worlds.present().await?;
        let records = self.watch.assigned_groups().await?;
        let bound = self.watch.access.bound_names().await?;
        let managed: Vec<(&EntraObjectId, &Record<GroupRecord>, &GroupId)> = records
            .iter()
            .filter(|(_, record)| record.assigned)
            .filter_map(|(id, record)| Some((id, record, record.principal.group_id.as_ref()?)))
            .collect();
        let mut swept = AccessSwept::default();
        let ids: BTreeSet<GroupId> = managed.iter().map(|(_, _, group)| (*group).clone()).collect();
        let actual = self.reader.of_groups(&ids).await?.assignments;
        let access = world.access();
        for (id, record, group_id) in managed {
            let (Some(actual), Some(name)) = (actual.get(group_id), &record.principal.entra_name) else {
                continue;
            };
            swept.assignments += actual.len();
            let known_as = record.principal.access.known_as.clone().map(|name| (id.clone(), name));
            let mut bindings = Bindings::of(bound.clone(), known_as);
            let desired = desired_of_group(&access, id, name, &mut bindings);
            let differences = compared(record, &desired.granted.keys().cloned().collect(), actual);
            self.note(id, differences, &mut swept).await?;
        }
        self.recount(&world, &records).await?;
        Ok(swept)
    }

    /// Counts anew what is ours: bulk is measured by it.
    async fn recount(
        &self,
        world: &AccessWorld,
        records: &BTreeMap<EntraObjectId, Record<GroupRecord>>,
    ) -> Result<(), CallError> {
        let weighed = self.watch.access.weighed().await?;
        let Some(weighed) = weighed.filter(|weighed| weighed.digest == world.digest) else { return Ok(()) };
        let ours = records.values().map(|record| record.principal.access.recorded().len() as u64);
        let recounted = Weighed { assignments: ours.sum(), ..weighed };
        self.watch.access.store_weighed(&recounted).await
    }

    async fn note(
        &self,
        group: &EntraObjectId,
        differences: Differences,
        swept: &mut AccessSwept,
    ) -> Result<(), CallError> {
        swept.missing += differences.missing;
        swept.foreign += differences.foreign.len();
        for assignment in &differences.foreign {
            tracing::warn!(
                principal.id = %group,
                account.id = %assignment.account,
                permission_set = %assignment.permission_set,
                "drift: somebody else made an account assignment of a managed group that no rule speaks of; delete it, or \
                 give the group a rule"
            );
        }
        if !differences.look {
            return Ok(());
        }
        swept.groups += 1;
        let now = self.watch.clock.now();
        let entry = AgendaEntry {
            due: now,
            priority: Priority::Ordinary,
            subject: Subject::group(group.clone()),
            reason: Reason::Access,
            look: Look::InDoubt,
            expectations: Vec::new(),
            noticed_at: now,
        };
        self.watch.agenda.put(&[entry]).await
    }
}

/// Where the record, the rules and Identity Center do not agree. A group that is being changed has its own look ahead of
/// it, and gets another one in case that was lost.
fn compared(
    record: &Record<GroupRecord>,
    granted: &BTreeSet<AccountAssignment>,
    actual: &BTreeSet<AccountAssignment>,
) -> Differences {
    let access = &record.principal.access;
    let recorded = access.recorded();
    let missing = access.made.difference(actual).filter(|made| granted.contains(*made)).count();
    let foreign = actual.difference(&recorded).filter(|held| !granted.contains(*held)).cloned().collect();
    let wanted = granted.difference(actual).next().is_some();
    let unknown = actual.difference(&recorded).any(|held| granted.contains(held));
    let held = &record.marks.held_access;
    let unwanted = recorded.intersection(actual).any(|ours| !granted.contains(ours) && !held.contains(ours));
    Differences { missing, foreign, look: wanted || unknown || unwanted || access.applied.is_none() }
}
