//! Notices what changes without any group changing: rules, accounts, permission sets.

use super::ports::{AccessLedger, Weighed};
use super::world::{AccessWorld, Worlds};
use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::holds::{Holds, Loss, hold_for};
use crate::ports::{Agenda, CallError, Clock, Ledger};
use crate::telemetry::{Count, Telemetry};
use crate::trigger::{Look, Subject};
use jiff::Timestamp;
use planning::EntraObjectId;
use planning::access::{GroupToLookAt, Review, review};
use planning::hold::{Held, HoldCause, is_bulk};
use planning::record::{GroupRecord, PrincipalKind, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the watch needs: readers, the ledger and the agenda.
#[derive(Clone)]
pub struct AccessWatch {
    /// Rules, accounts and permission sets.
    pub worlds: Arc<Worlds>,
    /// The groups' records.
    pub ledger: Arc<dyn Ledger>,
    /// What is remembered of all groups together.
    pub access: Arc<dyn AccessLedger>,
    /// Where bulk revocations wait.
    pub holds: Arc<dyn Holds>,
    /// Where the groups go that are to be looked at.
    pub agenda: Arc<dyn Agenda>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Reports.
    pub telemetry: Arc<dyn Telemetry>,
}

/// What the watch found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watched {
    /// Groups that are to be looked at.
    pub groups: usize,
    /// Account assignments that wait for an operator since now.
    pub held: usize,
}

impl AccessWatch {
    /// Compares rules, accounts and permission sets with those that every group was last weighed by. If they differ,
    /// every group is weighed: what would go in bulk is held, and groups that have other access than they should are put
    /// on the agenda. Only then may a group's handling go by them. A crash in between repeats the whole.
    ///
    /// # Errors
    /// When something cannot be read in full, or the rules have an error: nobody's access changes.
    pub async fn run(&self) -> Result<Watched, CallError> {
        let world = self.worlds.present().await?;
        if self.access.weighed().await?.is_some_and(|weighed| weighed.digest == world.digest) {
            return Ok(Watched::default());
        }
        self.weigh(&world).await
    }

    /// True if requests to sso-admin are under way.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn is_under_way(&self) -> Result<bool, CallError> {
        Ok(!self.access.outstanding().await?.0.is_empty())
    }

    async fn weigh(&self, world: &AccessWorld) -> Result<Watched, CallError> {
        let records = self.assigned_groups().await?;
        let bound = self.access.bound_names().await?;
        let review = review(&world.access(), &records, &bound);
        let now = self.clock.now();
        let held = self.hold_if_bulk(&review, now).await?;
        let entries: Vec<AgendaEntry> = review.groups.iter().map(|group| entry(group, now)).collect();
        self.agenda.put(&entries).await?;
        let weighed = Weighed { digest: world.digest.clone(), assignments: review.managed };
        self.access.store_weighed(&weighed).await?;
        for (assignment, groups) in &review.crowded {
            tracing::warn!(
                account.id = %assignment.account,
                permission_set = %assignment.permission_set,
                groups,
                "nearly as many groups as AWS allows are to have this permission set in this account: put people into \
                 fewer groups, or give others a copy of the permission set"
            );
        }
        Ok(Watched { groups: entries.len(), held })
    }

    /// The records of the groups that are assigned.
    pub(super) async fn assigned_groups(
        &self,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        let Some(header) = self.ledger.assigned_header().await? else { return Ok(BTreeMap::new()) };
        let set = self.ledger.assigned_set(&header).await?;
        let groups = set.principals.iter().filter(|(_, kind)| **kind == PrincipalKind::Group);
        let groups: BTreeSet<EntraObjectId> = groups.map(|(id, _)| id.clone()).collect();
        self.ledger.groups(&groups).await
    }

    async fn hold_if_bulk(&self, review: &Review, now: Timestamp) -> Result<usize, CallError> {
        let lost = review.newly_lost();
        let recent = self.holds.recent_losses(Loss::Access, now).await?;
        if lost == 0 || !is_bulk(lost + recent, review.managed) {
            return Ok(0);
        }
        let hold = hold_for(self.holds.as_ref(), HoldCause::Access, now).await?;
        let losing = review.groups.iter().filter(|group| !group.newly_lost.is_empty());
        let held: Vec<Held> = losing.map(held).collect();
        self.holds.hold(&hold, &held).await?;
        self.telemetry.count(Count::Held, held.len() as u64);
        tracing::error!(
            hold.id = %hold.id,
            hold.assignments = lost,
            hold.principals = held.len(),
            "rules, accounts or permission sets changed, and many account assignments would go: look at them with \
             `entra-mirror holds {}`, then approve or discard them",
            hold.id
        );
        Ok(usize::try_from(lost).unwrap_or(usize::MAX))
    }
}

fn held(group: &GroupToLookAt) -> Held {
    Held {
        principal: group.group.clone(),
        kind: PrincipalKind::Group,
        groups: BTreeSet::new(),
        access: group.newly_lost.clone(),
        approved: false,
    }
}

fn entry(group: &GroupToLookAt, now: Timestamp) -> AgendaEntry {
    AgendaEntry {
        due: now,
        priority: if group.lost.is_empty() { Priority::Ordinary } else { Priority::Revocation },
        subject: Subject::group(group.group.clone()),
        reason: Reason::Access,
        look: Look::ReadAnyway,
        expectations: Vec::new(),
        noticed_at: now,
    }
}
