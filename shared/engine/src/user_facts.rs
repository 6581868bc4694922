//! Reads what a user's handling rests on: both of Entra ID's answers and the ledger's records.

use crate::mirror::Mirror;
use crate::ports::{CallError, Cause, FirstLook};
use crate::trigger::{Look, Subject};
use crate::work::Work;
use planning::desired::AssignedGroups;
use planning::record::{GroupRecord, Record, Standing, UserRecord};
use planning::scope::UserReading;
use planning::{EntraObjectId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is known of one user before Identity Center is asked.
#[derive(Debug, Clone)]
pub(crate) struct UserFacts {
    pub(crate) record: Record<UserRecord>,
    pub(crate) reading: UserReading,
    pub(crate) assigned_groups: AssignedGroups,
    pub(crate) manager: Option<UserId>,
}

type Records<P> = BTreeMap<EntraObjectId, Record<P>>;
type Readings = BTreeMap<EntraObjectId, Result<UserReading, CallError>>;

impl Mirror {
    /// Facts about every user of the batch who is no stranger, in one round trip to Graph and two to the
    /// ledger, however many users there are.
    pub(crate) async fn user_facts(
        &self,
        work: &BTreeMap<Subject, Work>,
        mut records: Records<UserRecord>,
    ) -> Result<BTreeMap<EntraObjectId, Result<UserFacts, CallError>>, CallError> {
        let known = work.values().filter(|work| !is_stranger(work, records.get(&work.subject.id)));
        let ids: BTreeSet<EntraObjectId> = known.map(|work| work.subject.id.clone()).collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let readings = self.read_users(&ids).await;
        let (groups, managers) = named_in(&readings);
        let (groups, managers) =
            futures::try_join!(self.ledger.groups(&groups), self.ledger.users(&managers))?;
        let facts = readings.into_iter().map(|(id, reading)| {
            let record = records.remove(&id).unwrap_or_else(|| Record::unknown(id.clone()));
            let facts = reading.map(|reading| UserFacts {
                assigned_groups: assigned_among(&reading, &groups, &record),
                manager: manager_of(&reading, &managers),
                record,
                reading,
            });
            (id, facts)
        });
        Ok(facts.collect())
    }

    /// Reads users; who is not found is read a second time before it counts.
    async fn read_users(&self, ids: &BTreeSet<EntraObjectId>) -> Readings {
        let looks = self.directory.users(ids).await;
        let missing: BTreeSet<EntraObjectId> = looks
            .iter()
            .filter(|(_, look)| matches!(look, Ok(FirstLook::NotFound)))
            .map(|(id, _)| id.clone())
            .collect();
        let mut confirmed =
            if missing.is_empty() { BTreeMap::new() } else { self.directory.confirm_absence(&missing).await };
        let readings = looks.into_iter().map(|(id, look)| {
            let reading = match look {
                Ok(FirstLook::Present(reading)) => Ok(*reading),
                Ok(FirstLook::NotFound) => match confirmed.remove(&id) {
                    Some(Ok(Some(gone))) => Ok(UserReading::Gone(gone)),
                    Some(Err(error)) => Err(error),
                    Some(Ok(None)) | None => Err(two_answers(&id)),
                },
                Err(error) => Err(error),
            };
            (id, reading)
        });
        readings.collect()
    }
}

fn two_answers(id: &EntraObjectId) -> CallError {
    let missing = "one read shows the user and another does not; it is read again".to_owned();
    CallError::new("GET /users/{id}", id, Cause::Incomplete { missing })
}

/// A stranger is not assigned, not in the ledger, and nobody but a notification names them.
fn is_stranger(work: &Work, record: Option<&Record<UserRecord>>) -> bool {
    record.is_none() && work.look == Look::Ordinary
}

fn named_in(readings: &Readings) -> (BTreeSet<EntraObjectId>, BTreeSet<EntraObjectId>) {
    let (mut all_groups, mut managers) = (BTreeSet::new(), BTreeSet::new());
    for reading in readings.values() {
        if let Ok(UserReading::Present { user, groups }) = reading {
            all_groups.extend(groups.iter().cloned());
            managers.extend(user.manager.clone());
        }
    }
    (all_groups, managers)
}

/// The groups that count. One that lost its assignment counts for its members until its own handler has
/// weighed what they would lose.
fn assigned_among(
    reading: &UserReading,
    records: &Records<GroupRecord>,
    user: &Record<UserRecord>,
) -> AssignedGroups {
    let UserReading::Present { groups, .. } = reading else {
        return AssignedGroups::new();
    };
    let is_weighed = |group: &GroupRecord| group.standing != Standing::Mirrored;
    let is_member = |group: &GroupRecord| {
        group.group_id.as_ref().is_some_and(|group| user.principal.memberships.contains_key(group))
    };
    let counts = |record: &Record<GroupRecord>| {
        record.assigned || (!is_weighed(&record.principal) && is_member(&record.principal))
    };
    let known = groups.iter().filter_map(|id| Some((id, records.get(id)?)));
    let assigned = known.filter(|(_, record)| counts(record));
    assigned.map(|(id, record)| (id.clone(), record.principal.group_id.clone())).collect()
}

fn manager_of(reading: &UserReading, records: &Records<UserRecord>) -> Option<UserId> {
    let UserReading::Present { user, .. } = reading else {
        return None;
    };
    let record = records.get(user.manager.as_ref()?)?;
    let mirrored = record.principal.standing == Standing::Mirrored;
    record.principal.user_id.clone().filter(|_| mirrored)
}
