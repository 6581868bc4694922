//! What the ledger in memory holds, and how it changes: every method is one atomic step.

use super::access::AccessItems;
use super::rotation::RotationItems;
use super::subscriptions::SubscriptionItem;
use super::sweep::SweepItem;
use crate::item::{Item, Remembered};
use engine::agenda::{AgendaEntry, AgendaKey, Priority, sortable};
use engine::holds::Loss;
use engine::ports::{CallError, Cause, DueWork};
use engine::trigger::Subject;
use jiff::Timestamp;
use planning::EntraObjectId;
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::hold::{Held, Hold, HoldId, HoldMarks};
use planning::record::{PrincipalKind, Record};
use std::collections::{BTreeMap, BTreeSet};

/// Everything, ordered, so that equal histories give equal results.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(super) records: BTreeMap<EntraObjectId, Item>,
    owners: BTreeMap<String, Subject>,
    assigned: Option<(AssignedHeader, AssignedSet)>,
    agenda: BTreeMap<Priority, BTreeMap<String, Planned>>,
    pub(super) holds: BTreeMap<HoldId, (Hold, BTreeMap<EntraObjectId, Held>)>,
    pub(super) losses: BTreeMap<(Loss, i64), u64>,
    pub(super) sweep: SweepItem,
    pub(super) access: AccessItems,
    pub(super) rotation: RotationItems,
    pub(super) subscriptions: SubscriptionItem,
}

/// An entry of the agenda.
#[derive(Debug)]
struct Planned {
    entry: AgendaEntry,
    in_flight_until: Option<Timestamp>,
}

impl Planned {
    fn is_in_flight(&self, now: Timestamp) -> bool {
        self.in_flight_until.is_some_and(|until| until > now)
    }
}

impl Store {
    pub fn records<P: Remembered>(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<P>>, CallError> {
        let mut found = BTreeMap::new();
        for id in ids {
            if let Some(item) = self.records.get(id)
                && let Some(record) = item.record(id)?
            {
                found.insert(id.clone(), record);
            }
        }
        Ok(found)
    }

    pub fn put_record<P: Remembered>(&mut self, record: &Record<P>) -> Result<u64, CallError> {
        let refused = |cause| CallError::new("put record of", &record.id, cause);
        let mut item = Item::following(record)?;
        let stored = self.records.get(&record.id);
        let (version, kind) = stored.map_or((0, P::KIND), |stored| (stored.version, stored.kind));
        if (version, kind) != (record.version, P::KIND) {
            return Err(refused(Cause::Concurrent));
        }
        let subject = Subject { kind: P::KIND, id: record.id.clone() };
        if let Some(object) = &item.object
            && self.owners.get(object).is_some_and(|owner| *owner != subject)
        {
            return Err(refused(Cause::Conflict));
        }
        item.assigned = stored.is_some_and(|stored| stored.assigned);
        item.marks = stored.map(|stored| stored.marks.clone()).unwrap_or_default();
        if let Some(object) = stored.and_then(|stored| stored.object.as_ref()) {
            self.owners.remove(object);
        }
        if let Some(object) = &item.object {
            self.owners.insert(object.clone(), subject);
        }
        let version = item.version;
        self.records.insert(record.id.clone(), item);
        Ok(version)
    }

    pub fn mark_dirty(&mut self, id: &EntraObjectId) {
        if let Some(item) = self.records.get_mut(id) {
            item.dirty = true;
        }
    }

    pub fn owner(&self, kind: PrincipalKind, object: &str) -> Option<EntraObjectId> {
        let owner = self.owners.get(object).filter(|owner| owner.kind == kind)?;
        Some(owner.id.clone())
    }

    pub fn assigned_header(&self) -> Option<AssignedHeader> {
        self.assigned.as_ref().map(|(header, _)| header.clone())
    }

    pub fn assigned_set(&self, header: &AssignedHeader) -> Result<AssignedSet, CallError> {
        match &self.assigned {
            Some((stored, set)) if stored == header => Ok(set.clone()),
            _ => Err(CallError::new("read", "the assigned set", Cause::Concurrent)),
        }
    }

    pub fn store_assigned_set(
        &mut self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        if self.assigned.as_ref().map(|(header, _)| header) != previous {
            return Err(CallError::new("store", "the assigned set", Cause::Concurrent));
        }
        let header = set.header(previous.map_or(1, |previous| previous.version + 1));
        self.assigned = Some((header.clone(), set.clone()));
        Ok(header)
    }

    pub fn set_assigned(&mut self, assigned: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        let Subject { kind, id } = &entry.subject;
        let item = self.records.entry(id.clone()).or_insert(Item {
            kind: *kind,
            version: 0,
            assigned,
            dirty: false,
            marks: HoldMarks::default(),
            object: None,
            body: None,
        });
        if item.kind != *kind {
            return Err(CallError::new("set the assigned flag of", &entry.subject, Cause::Conflict));
        }
        item.assigned = assigned;
        self.plan(entry);
        Ok(())
    }

    /// Puts an entry on the agenda. One that is there stays, but is not in flight any more: who works on it
    /// may have looked before what is planned now came about.
    pub fn plan(&mut self, entry: &AgendaEntry) {
        let list = self.agenda.entry(entry.priority).or_default();
        let planned = || Planned { entry: entry.clone(), in_flight_until: None };
        list.entry(entry.key().place).or_insert_with(planned).in_flight_until = None;
    }

    /// Takes an entry off that was moved, and not put again since.
    pub fn tick_off(&mut self, key: &AgendaKey) {
        if let Some(list) = self.agenda.get_mut(&key.priority)
            && list.get(&key.place).is_some_and(|planned| planned.in_flight_until.is_some())
        {
            list.remove(&key.place);
        }
    }

    pub fn due(&self, now: Timestamp, limit: usize) -> DueWork {
        let mut due = DueWork::default();
        // `$` is the character after `#`, which ends the due time in a place.
        let bound = format!("{}$", sortable(now));
        for list in self.agenda.values() {
            let mut ready = 0;
            for (_, planned) in list.range(..bound.clone()) {
                if ready == limit {
                    break;
                }
                if planned.is_in_flight(now) {
                    due.in_flight.push(planned.entry.key());
                } else {
                    ready += 1;
                    due.ready.push(planned.entry.clone());
                }
            }
        }
        due
    }

    pub fn set_in_flight(&mut self, key: &AgendaKey, now: Timestamp, until: Timestamp) -> bool {
        let planned = self.agenda.get_mut(&key.priority).and_then(|list| list.get_mut(&key.place));
        match planned {
            Some(planned) if !planned.is_in_flight(now) => {
                planned.in_flight_until = Some(until);
                true
            }
            _ => false,
        }
    }

    pub fn open_agenda(&self) -> Vec<AgendaEntry> {
        self.agenda.values().flat_map(BTreeMap::values).map(|planned| planned.entry.clone()).collect()
    }
}
