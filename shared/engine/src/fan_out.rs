//! Fan-out: whom a group's handling names, and how they are queued.

use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::group_reading::GroupFacts;
use crate::mirror::Mirror;
use crate::ports::{CallError, GroupReading};
use crate::trigger::{Look, Origin, Subject, Trigger};
use crate::work::Work;
use planning::record::{GroupRecord, PrincipalKind, Record};
use planning::{EntraObjectId, GroupId};
use std::collections::BTreeSet;

/// A fan-out of at most this many goes to the queue at once, so that a single change is not slowed down;
/// a larger one is bulk work and belongs on the agenda.
const LIVE_FAN_OUT: usize = 25;

/// Whom a group's handling names: users whose membership may have changed, and groups nested in it.
pub(crate) type FanOut = BTreeSet<Subject>;

impl Mirror {
    /// A group that lost its assignment, or is gone: everybody in it is looked at. With nested groups
    /// flattened it may still count through a group above it.
    pub(crate) async fn fan_out_of_absent(
        &self,
        work: &Work,
        before: &Record<GroupRecord>,
        record: &mut Record<GroupRecord>,
        facts: &GroupFacts,
    ) -> Result<FanOut, CallError> {
        let mut fan_out = FanOut::new();
        let newly = !before.principal.standing.is_tombstone() || work.look == Look::InDoubt || before.dirty;
        if let Some(group_id) = record.principal.group_id.clone().filter(|_| newly) {
            fan_out.extend(self.owners_of_members(&group_id).await?.into_iter().map(Subject::user));
        }
        if let Some(reading) = &facts.reading {
            let nested_otherwise = facts.assigned_ancestors != record.principal.assigned_ancestors;
            if nested_otherwise || newly && record.principal.group_id.is_some() {
                let full = self.in_full(&record.id, reading, facts.read_in_full).await?;
                // Who left since the last read is in no full read, and may have had access through this group.
                fan_out.extend(full.joined.iter().chain(&reading.left).cloned());
                record.principal.delta_link = full.delta_link;
            } else if !facts.assigned_ancestors.is_empty() {
                fan_out.extend(reading.joined.iter().chain(&reading.left).cloned());
                record.principal.delta_link = reading.delta_link.clone();
            }
            record.principal.assigned_ancestors = facts.assigned_ancestors.clone();
        }
        Ok(self.only_what_counts(fan_out))
    }

    /// An assigned group: with a good delta link only the changes, else members of both sides, compared.
    pub(crate) async fn fan_out_of_present(
        &self,
        record: &mut Record<GroupRecord>,
        facts: &GroupFacts,
        created: bool,
    ) -> Result<FanOut, CallError> {
        let Some(reading) = &facts.reading else {
            return Ok(FanOut::new());
        };
        let nested_otherwise = facts.assigned_ancestors != record.principal.assigned_ancestors;
        record.principal.assigned_ancestors = facts.assigned_ancestors.clone();
        if !(facts.read_in_full || created || nested_otherwise) {
            record.principal.delta_link = reading.delta_link.clone();
            return Ok(self.only_what_counts(reading.joined.union(&reading.left).cloned().collect()));
        }
        let full = self.in_full(&record.id, reading, facts.read_in_full).await?;
        record.principal.delta_link = full.delta_link.clone();
        let in_entra: FanOut = full.joined;
        let in_aws: FanOut = match &record.principal.group_id {
            Some(group_id) if !created => {
                self.owners_of_members(group_id).await?.into_iter().map(Subject::user).collect()
            }
            _ => FanOut::new(),
        };
        let fan_out = if nested_otherwise {
            in_entra.union(&in_aws).cloned().collect()
        } else {
            in_entra.symmetric_difference(&in_aws).cloned().collect()
        };
        Ok(self.only_what_counts(fan_out))
    }

    /// Nested groups count only if they are flattened.
    fn only_what_counts(&self, fan_out: FanOut) -> FanOut {
        let flatten = self.settings.flatten_nested_groups;
        fan_out.into_iter().filter(|subject| flatten || subject.kind == PrincipalKind::User).collect()
    }

    async fn in_full(
        &self,
        id: &EntraObjectId,
        reading: &GroupReading,
        read_in_full: bool,
    ) -> Result<GroupReading, CallError> {
        if read_in_full || reading.gone.is_some() {
            Ok(reading.clone())
        } else {
            self.read_group_in_full(id).await
        }
    }

    async fn owners_of_members(&self, group: &GroupId) -> Result<BTreeSet<EntraObjectId>, CallError> {
        let members = self.members_now(group).await?;
        Ok(self.ledger.owners_of_users(&members).await?.into_values().collect())
    }

    pub(crate) async fn send_fan_out(
        &self,
        work: &Work,
        fan_out: FanOut,
        revokes: bool,
    ) -> Result<(), CallError> {
        let group = &work.subject.id;
        if fan_out.len() <= LIVE_FAN_OUT {
            let triggers = fan_out.into_iter().map(|subject| Trigger {
                look: Look::ReadAnyway,
                origin: Origin::FanOut { group: group.clone() },
                expectations: Vec::new(),
                noticed_at: work.noticed_at,
                subject,
            });
            let triggers: Vec<Trigger> = triggers.collect();
            return if triggers.is_empty() { Ok(()) } else { self.mover.queue.send(&triggers).await };
        }
        let due = self.clock.now();
        let entries = fan_out.into_iter().map(|subject| AgendaEntry {
            due,
            priority: if revokes { Priority::Revocation } else { Priority::Ordinary },
            reason: Reason::FanOut,
            look: Look::ReadAnyway,
            expectations: Vec::new(),
            noticed_at: work.noticed_at,
            subject,
        });
        self.agenda.put(&entries.collect::<Vec<_>>()).await?;
        self.mover.move_due().await.map(|_| ())
    }
}
