//! Fan-out: whom a group's handling names, and how they are queued.

use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::group_reading::GroupFacts;
use crate::mirror::Mirror;
use crate::ports::{CallError, GroupReading};
use crate::trigger::{Look, Origin, Subject, Trigger};
use crate::work::Work;
use planning::group_plan;
use planning::record::{GroupRecord, PrincipalKind, Record};
use planning::{EntraObjectId, GroupId};
use std::collections::{BTreeMap, BTreeSet};

/// A fan-out of at most this many goes to the queue at once, so that a single change is not slowed down;
/// a larger one is bulk work and belongs on the agenda.
const LIVE_FAN_OUT: usize = 25;

/// Whom a group's handling names, and what they may lose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FanOut {
    /// Users whose membership may have changed, and groups nested in this one.
    pub(crate) look_at: BTreeSet<Subject>,
    /// Those of the users who may lose a membership.
    pub(crate) losers: BTreeSet<EntraObjectId>,
    /// The groups of Identity Center in which they may lose it.
    pub(crate) lost_groups: BTreeSet<GroupId>,
    /// The group itself is still assigned.
    pub(crate) still_assigned: bool,
    /// Groups nested in this one that name all their members, not only those who changed.
    pub(crate) in_doubt: BTreeSet<EntraObjectId>,
    /// How many users are left in it, where the reading tells.
    pub(crate) members_left: Option<usize>,
}

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
        let mut fan_out = FanOut::default();
        let newly = !before.principal.standing.is_tombstone() || work.look == Look::InDoubt || before.dirty;
        if let Some(group_id) = record.principal.group_id.clone().filter(|_| newly) {
            fan_out.losers = self.owners_of_members(&group_id).await?;
            fan_out.look_at.extend(fan_out.losers.iter().cloned().map(Subject::user));
            fan_out.lost_groups.insert(group_id);
        }
        if let Some(reading) = &facts.reading {
            let above = &record.principal.assigned_ancestors;
            let nested_otherwise = facts.assigned_ancestors != *above;
            let objects = self.objects_of(above).await?;
            if reading.gone.is_some() || facts.read_in_full {
                // Nothing says any more who has left it: everybody in the groups above is looked at.
                for object in &objects {
                    let members = self.owners_of_members(object).await?;
                    fan_out.look_at.extend(members.into_iter().map(Subject::user));
                }
            }
            fan_out.lost_groups.extend(objects);
            if nested_otherwise || newly && record.principal.group_id.is_some() {
                let full = self.in_full(&record.id, reading, facts.read_in_full).await?;
                // Who left since the last read is in no full read, and may have had access through this group.
                fan_out.losers.extend(users_of(full.joined.iter().chain(&reading.left)));
                fan_out.look_at.extend(full.joined.iter().chain(&reading.left).cloned());
                record.principal.delta_link = full.delta_link;
            } else if !facts.assigned_ancestors.is_empty() {
                fan_out.losers.extend(users_of(&reading.left));
                fan_out.look_at.extend(reading.joined.iter().chain(&reading.left).cloned());
                record.principal.delta_link = reading.delta_link.clone();
            }
            record.principal.assigned_ancestors = facts.assigned_ancestors.clone();
        }
        if record.principal.group_id.is_none() && facts.assigned_ancestors.is_empty() {
            // Nobody follows its members now. Should it be assigned again they are all news, and no tombstone says so.
            record.principal.delta_link = None;
        }
        Ok(self.only_what_counts(work, facts, false, fan_out))
    }

    /// An assigned group: with a good delta link only the changes, else members of both sides, compared.
    pub(crate) async fn fan_out_of_present(
        &self,
        work: &Work,
        record: &mut Record<GroupRecord>,
        facts: &GroupFacts,
        created: bool,
    ) -> Result<FanOut, CallError> {
        let mut fan_out = FanOut { still_assigned: true, ..FanOut::default() };
        let Some(reading) = &facts.reading else {
            return Ok(fan_out);
        };
        fan_out.lost_groups.extend(record.principal.group_id.clone());
        let nested_otherwise = facts.assigned_ancestors != record.principal.assigned_ancestors;
        record.principal.assigned_ancestors = facts.assigned_ancestors.clone();
        // While it was a tombstone, nothing but what was held could follow its members.
        let returns = facts.record.principal.standing.is_tombstone();
        if !(facts.read_in_full || created || nested_otherwise) {
            record.principal.delta_link = reading.delta_link.clone();
            fan_out.losers = users_of(&reading.left).collect();
            fan_out.look_at = reading.joined.union(&reading.left).cloned().collect();
            return Ok(self.only_what_counts(work, facts, created, fan_out));
        }
        let full = self.in_full(&record.id, reading, facts.read_in_full).await?;
        record.principal.delta_link = full.delta_link.clone();
        let in_aws: BTreeSet<Subject> = match &record.principal.group_id {
            Some(group_id) if !created => {
                self.owners_of_members(group_id).await?.into_iter().map(Subject::user).collect()
            }
            _ => BTreeSet::new(),
        };
        fan_out.members_left = Some(users_of(&full.joined).count());
        fan_out.losers = users_of(in_aws.difference(&full.joined)).collect();
        // The members of its own object tell nothing of one above it that is new.
        fan_out.look_at = if nested_otherwise || returns || is_below_a_new_object(work, facts) {
            full.joined.union(&in_aws).cloned().collect()
        } else {
            full.joined.symmetric_difference(&in_aws).cloned().collect()
        };
        if self.settings.flatten_nested_groups {
            // Members through nested groups are no direct members, and lose nothing by it: the breaker counts.
            fan_out.losers.clear();
        }
        Ok(self.only_what_counts(work, facts, created, fan_out))
    }

    /// Nested groups count only if they are flattened.
    fn only_what_counts(
        &self,
        work: &Work,
        facts: &GroupFacts,
        created: bool,
        mut fan_out: FanOut,
    ) -> FanOut {
        let flatten = self.settings.flatten_nested_groups;
        fan_out.look_at.retain(|subject| flatten || subject.kind == PrincipalKind::User);
        if let Some(reading) = &facts.reading {
            let nested = fan_out.look_at.iter().filter(|subject| subject.kind == PrincipalKind::Group);
            let nested = nested.map(|subject| &subject.id);
            let above_is_new = is_below_a_new_object(work, facts);
            fan_out.in_doubt = group_plan::named_in_full(nested, &reading.ancestors, created, above_is_new);
        }
        fan_out
    }

    /// The objects of these groups in Identity Center.
    async fn objects_of(&self, groups: &BTreeSet<EntraObjectId>) -> Result<Vec<GroupId>, CallError> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let records = self.ledger.groups(groups).await?;
        Ok(records.into_values().filter_map(|record| record.principal.group_id).collect())
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

    /// Queues a small fan-out of a live change, and puts any other on the agenda: what came from there must not
    /// grow on its way, and it remembers what an operator approved. Few who lose something do not wait for many who
    /// gain. On the agenda everybody has the place of the change that they follow from; users whom several groups of
    /// that change name are looked at once.
    pub(crate) async fn send_fan_out(&self, work: &Work, fan_out: FanOut) -> Result<(), CallError> {
        let FanOut { look_at, losers, in_doubt, .. } = fan_out;
        let look = |subject: Subject| match subject.kind {
            PrincipalKind::Group if in_doubt.contains(&subject.id) => (subject, Look::InDoubt),
            _ => (subject, Look::ReadAnyway),
        };
        let looks = look_at.into_iter().map(look);
        let (losing, others): (Looks, Looks) = looks.partition(|(subject, _)| losers.contains(&subject.id));
        let live = work.is_urgent() && !work.approved;
        if live && losing.len() + others.len() <= LIVE_FAN_OUT {
            return self.send_at_once(work, losing.into_iter().chain(others)).await;
        }
        let losing = if live && losing.len() <= LIVE_FAN_OUT {
            self.send_at_once(work, losing).await?;
            Looks::new()
        } else {
            losing
        };
        self.plan_fan_out(work, losing, Priority::Revocation).await?;
        self.plan_fan_out(work, others, Priority::Ordinary).await
    }

    async fn send_at_once(
        &self,
        work: &Work,
        looks: impl IntoIterator<Item = (Subject, Look)>,
    ) -> Result<(), CallError> {
        let triggers = looks.into_iter().map(|(subject, look)| Trigger {
            subject,
            look,
            origin: Origin::FanOut { group: work.subject.id.clone() },
            expectations: Vec::new(),
            noticed_at: work.noticed_at,
        });
        let triggers: Vec<Trigger> = triggers.collect();
        if triggers.is_empty() { Ok(()) } else { self.mover.queue.send(&triggers).await }
    }

    async fn plan_fan_out(&self, work: &Work, looks: Looks, priority: Priority) -> Result<(), CallError> {
        if looks.is_empty() {
            return Ok(());
        }
        let entries = looks.into_iter().map(|(subject, look)| AgendaEntry {
            due: work.noticed_at,
            priority,
            subject,
            reason: if work.approved { Reason::Approved } else { Reason::FanOut },
            look,
            expectations: Vec::new(),
            noticed_at: work.noticed_at,
        });
        self.agenda.put(&entries.collect::<Vec<_>>()).await?;
        self.mover.move_due().await.map(|_| ())
    }
}

/// Whom to look at, and how closely.
type Looks = BTreeMap<Subject, Look>;

/// A group above whose object is new has those below it looked at in doubt.
fn is_below_a_new_object(work: &Work, facts: &GroupFacts) -> bool {
    work.look == Look::InDoubt && !facts.assigned_ancestors.is_empty()
}

fn users_of<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> impl Iterator<Item = EntraObjectId> {
    let users = subjects.into_iter().filter(|subject| subject.kind == PrincipalKind::User);
    users.map(|subject| subject.id.clone())
}
