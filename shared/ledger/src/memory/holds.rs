//! Holds, marks and losses in memory, behind their port.

use super::ledger::MemoryLedger;
use super::store::Store;
use async_trait::async_trait;
use engine::holds::{Holds, Loss, Mark};
use engine::ports::CallError;
use jiff::Timestamp;
use planning::access::AccountAssignment;
use planning::hold::{Held, Hold, HoldId};
use planning::record::PrincipalKind;
use planning::{EntraObjectId, GroupId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// The window in which losses are counted.
const WINDOW_MINUTES: i64 = 10;

#[async_trait]
impl Holds for MemoryLedger {
    async fn open_holds(&self) -> Result<Vec<Hold>, CallError> {
        let mut holds: Vec<Hold> = self.store().holds.values().map(|(hold, _)| hold.clone()).collect();
        holds.sort_by_key(|hold| hold.since);
        Ok(holds)
    }

    async fn hold(&self, hold: &Hold, held: &[Held]) -> Result<(), CallError> {
        self.store().hold(hold, held);
        Ok(())
    }

    async fn held(
        &self,
        hold: &HoldId,
        after: Option<&EntraObjectId>,
        limit: usize,
    ) -> Result<Vec<Held>, CallError> {
        let store = self.store();
        let Some((_, held)) = store.holds.get(hold) else { return Ok(Vec::new()) };
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = held.range((start, Bound::Unbounded)).take(limit);
        Ok(page.map(|(_, held)| held.clone()).collect())
    }

    async fn approve_assignment(&self, hold: &HoldId, principal: &EntraObjectId) -> Result<(), CallError> {
        let mut store = self.store();
        let held = store.holds.get_mut(hold).and_then(|(_, held)| held.get_mut(principal));
        if let Some(held) = held {
            held.approved = true;
        }
        Ok(())
    }

    async fn strike(&self, hold: &HoldId, principals: &BTreeSet<EntraObjectId>) -> Result<(), CallError> {
        let mut store = self.store();
        if let Some((_, held)) = store.holds.get_mut(hold) {
            held.retain(|id, _| !principals.contains(id));
        }
        store.holds.retain(|_, (_, held)| !held.is_empty());
        Ok(())
    }

    async fn mark(
        &self,
        user: &EntraObjectId,
        groups: &BTreeSet<GroupId>,
        mark: Mark,
    ) -> Result<(), CallError> {
        self.store().mark(user, groups, mark);
        Ok(())
    }

    async fn mark_access(
        &self,
        group: &EntraObjectId,
        assignments: &BTreeSet<AccountAssignment>,
        mark: Mark,
    ) -> Result<(), CallError> {
        self.store().mark_access(group, assignments, mark);
        Ok(())
    }

    async fn note_losses(&self, loss: Loss, now: Timestamp, principals: u64) -> Result<(), CallError> {
        *self.store().losses.entry((loss, minute(now))).or_default() += principals;
        Ok(())
    }

    async fn recent_losses(&self, loss: Loss, now: Timestamp) -> Result<u64, CallError> {
        let mut store = self.store();
        let first = minute(now) - WINDOW_MINUTES;
        store.losses.retain(|(_, minute), _| *minute > first);
        Ok(store.losses.iter().filter(|((of, _), _)| *of == loss).map(|(_, count)| count).sum())
    }

    async fn managed_users(&self) -> Result<u64, CallError> {
        let store = self.store();
        let managed = store.records.values().filter(|item| item.kind == PrincipalKind::User);
        Ok(managed.filter(|item| item.object.is_some()).count() as u64)
    }
}

impl Store {
    fn hold(&mut self, hold: &Hold, held: &[Held]) {
        for held in held {
            self.mark(&held.principal, &held.groups, Mark::Held);
            self.mark_access(&held.principal, &held.access, Mark::Held);
        }
        let (_, all) = self.holds.entry(hold.id.clone()).or_insert_with(|| (hold.clone(), BTreeMap::new()));
        for held in held {
            let stored = all.entry(held.principal.clone()).or_insert_with(|| held.clone());
            stored.groups.extend(held.groups.iter().cloned());
            stored.access.extend(held.access.iter().cloned());
        }
    }

    fn mark(&mut self, user: &EntraObjectId, groups: &BTreeSet<GroupId>, mark: Mark) {
        let Some(item) = self.records.get_mut(user) else { return };
        item.marks.held.retain(|group| !groups.contains(group));
        item.marks.approved.retain(|group| !groups.contains(group));
        match mark {
            Mark::Held => item.marks.held.extend(groups.iter().cloned()),
            Mark::Approved => item.marks.approved.extend(groups.iter().cloned()),
            Mark::None => {}
        }
    }
}

impl Store {
    fn mark_access(&mut self, group: &EntraObjectId, assignments: &BTreeSet<AccountAssignment>, mark: Mark) {
        let Some(item) = self.records.get_mut(group) else { return };
        item.marks.held_access.retain(|assignment| !assignments.contains(assignment));
        item.marks.approved_access.retain(|assignment| !assignments.contains(assignment));
        match mark {
            Mark::Held => item.marks.held_access.extend(assignments.iter().cloned()),
            Mark::Approved => item.marks.approved_access.extend(assignments.iter().cloned()),
            Mark::None => {}
        }
    }
}

fn minute(instant: Timestamp) -> i64 {
    instant.as_second().div_euclid(60)
}
