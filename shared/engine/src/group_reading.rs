//! Reads what a group's handling rests on: its changes, or all of it, and with nested groups its ancestors.

use crate::mirror::Mirror;
use crate::ports::{CallError, Cause, GroupRead, GroupReading};
use crate::trigger::{Look, Subject};
use crate::work::Work;
use planning::EntraObjectId;
use planning::record::{GroupRecord, Record};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is known of one group before Identity Center is asked.
#[derive(Debug, Clone)]
pub(crate) struct GroupFacts {
    pub(crate) record: Record<GroupRecord>,
    /// `None` if the group is not assigned and Entra ID was not asked.
    pub(crate) reading: Option<GroupReading>,
    /// The reading holds every member, not only changes.
    pub(crate) read_in_full: bool,
    /// With nested groups flattened: the assigned groups above this one.
    pub(crate) assigned_ancestors: BTreeSet<EntraObjectId>,
}

impl Mirror {
    /// Facts about every group of the batch that is no stranger, in one round trip to Graph where the
    /// delta links are good.
    pub(crate) async fn group_facts(
        &self,
        work: &BTreeMap<Subject, Work>,
        mut records: BTreeMap<EntraObjectId, Record<GroupRecord>>,
    ) -> BTreeMap<EntraObjectId, Result<GroupFacts, CallError>> {
        let known = work.values().filter(|work| !is_stranger(work, records.get(&work.subject.id)));
        let known: Vec<&Work> = known.collect();
        let reads: Vec<GroupRead> =
            known.iter().filter_map(|work| self.read_of(work, records.get(&work.subject.id))).collect();
        let mut readings = self.read_groups(&reads).await;
        let mut facts = BTreeMap::new();
        for work in known {
            let id = &work.subject.id;
            let record = records.remove(id).unwrap_or_else(|| Record::unknown(id.clone()));
            let read_in_full = reads.iter().all(|read| read.id != *id || read.delta_link.is_none());
            let gathered = match readings.remove(id) {
                Some(Ok((reading, fell_back))) => {
                    self.with_ancestors(record, reading, read_in_full || fell_back).await
                }
                Some(Err(error)) => Err(error),
                None => Ok(GroupFacts {
                    record,
                    reading: None,
                    read_in_full: false,
                    assigned_ancestors: BTreeSet::new(),
                }),
            };
            facts.insert(id.clone(), gathered);
        }
        facts
    }

    /// Every member and the name, whatever the delta link says.
    pub(crate) async fn read_group_in_full(&self, id: &EntraObjectId) -> Result<GroupReading, CallError> {
        let read =
            GroupRead { id: id.clone(), delta_link: None, ancestors: self.settings.flatten_nested_groups };
        let mut readings = self.directory.groups(&[read]).await;
        readings.remove(id).unwrap_or_else(|| Err(no_answer(id)))
    }

    /// What to read of a group; nothing of one that is not assigned, unless nested groups count.
    fn read_of(&self, work: &Work, record: Option<&Record<GroupRecord>>) -> Option<GroupRead> {
        let flatten = self.settings.flatten_nested_groups;
        let assigned = record.is_some_and(|record| record.assigned);
        if !assigned && !flatten {
            return None;
        }
        if work.is_only_access() && record.is_some_and(is_as_it_seems) {
            return None;
        }
        let in_doubt = work.look == Look::InDoubt || record.is_none_or(|record| record.dirty);
        // A tombstone that is assigned again has lost all its members; a link tells only what changed since.
        let returns = assigned && record.is_some_and(|record| record.principal.standing.is_tombstone());
        let link = record.and_then(|record| record.principal.delta_link.clone());
        Some(GroupRead {
            id: work.subject.id.clone(),
            delta_link: link.filter(|_| !in_doubt && !returns),
            ancestors: flatten,
        })
    }

    /// Reads groups; one whose delta link is no longer good is read in full, which the flag tells.
    async fn read_groups(
        &self,
        reads: &[GroupRead],
    ) -> BTreeMap<EntraObjectId, Result<(GroupReading, bool), CallError>> {
        if reads.is_empty() {
            return BTreeMap::new();
        }
        let mut answers = BTreeMap::new();
        for (id, reading) in self.directory.groups(reads).await {
            let answer = match reading {
                Ok(reading) => Ok((reading, false)),
                Err(error) if error.cause == Cause::LinkExpired => {
                    self.read_group_in_full(&id).await.map(|reading| (reading, true))
                }
                Err(error) => Err(error),
            };
            answers.insert(id, answer);
        }
        answers
    }

    async fn with_ancestors(
        &self,
        record: Record<GroupRecord>,
        reading: GroupReading,
        read_in_full: bool,
    ) -> Result<GroupFacts, CallError> {
        let above = if reading.ancestors.is_empty() {
            BTreeMap::new()
        } else {
            self.ledger.groups(&reading.ancestors).await?
        };
        let assigned_ancestors =
            above.into_iter().filter(|(_, record)| record.assigned).map(|(id, _)| id).collect();
        Ok(GroupFacts { record, reading: Some(reading), read_in_full, assigned_ancestors })
    }
}

/// False if Entra ID has to say how the group stands: the record is in doubt, or a tombstone that counts as assigned.
fn is_as_it_seems(record: &Record<GroupRecord>) -> bool {
    !(record.dirty || record.assigned && record.principal.standing.is_tombstone())
}

fn is_stranger(work: &Work, record: Option<&Record<GroupRecord>>) -> bool {
    record.is_none() && work.look == Look::Ordinary
}

fn no_answer(id: &EntraObjectId) -> CallError {
    CallError::new(
        "GET /groups/delta",
        id,
        Cause::Incomplete { missing: "no answer for this group".to_owned() },
    )
}
