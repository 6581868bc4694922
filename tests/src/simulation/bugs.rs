//! Deliberate bugs, put between the engine and its ports: the proof that the simulation would find such a bug in
//! the engine. The product itself knows nothing of them.

use async_trait::async_trait;
use engine::agenda::{AgendaEntry, AgendaKey, Reason};
use engine::ports::{
    Agenda, CallError, Directory, DueWork, FirstLook, GroupRead, GroupReading, IdentityStoreReader,
    IdentityStoreWriter, Ledger,
};
use jiff::Timestamp;
use planning::assigned::{AssignedHeader, AssignedSet, Principals};
use planning::attributes::{UserAttribute, UserAttributes};
use planning::record::{GroupRecord, Record, UserRecord};
use planning::scope::Gone;
use planning::{EntraObjectId, GroupId, MembershipId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// A bug that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A record's dirty mark is not looked at.
    IgnoreTheDirtyMark,
    /// A list ends with its first page.
    TrustTheFirstPage,
    /// Nothing is looked at again.
    DropTheRecheck,
    /// A crash before the fan-out loses the changes that the saved link is past.
    SaveTheLinkBeforeTheFanOut,
    /// A crash after it loses what the agenda was to be told.
    StoreTheAssignedSetBeforeTheAgenda,
    /// Somebody new gets the object of somebody who left.
    RebindATombstone,
    /// One read that finds nobody is believed.
    TrustOneNotFound,
    /// What is about to be granted is not written down.
    ForgetGrantsBegun,
}

impl Bug {
    /// Every bug.
    pub const ALL: [Bug; 8] = [
        Bug::IgnoreTheDirtyMark,
        Bug::TrustTheFirstPage,
        Bug::DropTheRecheck,
        Bug::SaveTheLinkBeforeTheFanOut,
        Bug::StoreTheAssignedSetBeforeTheAgenda,
        Bug::RebindATombstone,
        Bug::TrustOneNotFound,
        Bug::ForgetGrantsBegun,
    ];

    /// Directory and ledger with this bug.
    pub fn beneath(
        self,
        directory: Arc<dyn Directory>,
        ledger: Arc<dyn Ledger>,
    ) -> (Arc<dyn Directory>, Arc<dyn Ledger>) {
        let saved = SavedTooSoon::default();
        let misread = Misread { inner: directory, ledger: ledger.clone(), bug: self, saved: saved.clone() };
        let misremembered = Misremembered { inner: ledger, bug: self, saved, held_back: Mutex::default() };
        (Arc::new(misread), Arc::new(misremembered))
    }

    /// The writer with this bug.
    pub fn in_writer(
        self,
        writer: Arc<dyn IdentityStoreWriter>,
        reader: Arc<dyn IdentityStoreReader>,
    ) -> Arc<dyn IdentityStoreWriter> {
        if self == Bug::RebindATombstone { Arc::new(Rebinding { writer, reader }) } else { writer }
    }

    /// The agenda with this bug.
    pub fn in_agenda(self, agenda: Arc<dyn Agenda>) -> Arc<dyn Agenda> {
        if self == Bug::DropTheRecheck { Arc::new(Forgetful(agenda)) } else { agenda }
    }
}

/// Versions of group records that were stored too soon: what the engine read, and what is stored.
type SavedTooSoon = Arc<Mutex<BTreeMap<EntraObjectId, (u64, u64)>>>;

struct Misread {
    inner: Arc<dyn Directory>,
    ledger: Arc<dyn Ledger>,
    bug: Bug,
    saved: SavedTooSoon,
}

impl Misread {
    async fn save(&self, id: &EntraObjectId, link: &str) -> Result<(), CallError> {
        let mut records = self.ledger.groups(&BTreeSet::from([id.clone()])).await?;
        let Some(mut record) = records.remove(id) else { return Ok(()) };
        record.principal.delta_link = Some(link.to_owned());
        let version = self.ledger.put_group(&record).await?;
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let first = saved.get(id).filter(|(_, stored)| *stored == record.version).map(|(first, _)| *first);
        saved.insert(id.clone(), (first.unwrap_or(record.version), version));
        Ok(())
    }
}

#[async_trait]
impl Directory for Misread {
    async fn assigned_principals(&self) -> Result<Principals, CallError> {
        self.inner.assigned_principals().await
    }

    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<FirstLook, CallError>> {
        self.inner.users(ids).await
    }

    async fn confirm_absence(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<Gone>, CallError>> {
        if self.bug == Bug::TrustOneNotFound {
            return ids.iter().map(|id| (id.clone(), Ok(Some(Gone::Deleted)))).collect();
        }
        self.inner.confirm_absence(ids).await
    }

    async fn groups(&self, reads: &[GroupRead]) -> BTreeMap<EntraObjectId, Result<GroupReading, CallError>> {
        let readings = self.inner.groups(reads).await;
        if self.bug == Bug::SaveTheLinkBeforeTheFanOut {
            for (id, reading) in &readings {
                if let Ok(GroupReading { delta_link: Some(link), .. }) = reading {
                    // Where this fails, the engine saves the link itself, later.
                    let _ = self.save(id, link).await;
                }
            }
        }
        readings
    }

    async fn group_name(&self, id: &EntraObjectId) -> Result<Option<String>, CallError> {
        self.inner.group_name(id).await
    }
}

struct Misremembered {
    inner: Arc<dyn Ledger>,
    bug: Bug,
    saved: SavedTooSoon,
    held_back: Mutex<Vec<(bool, AgendaEntry)>>,
}

impl Misremembered {
    fn clean<P>(&self, records: BTreeMap<EntraObjectId, Record<P>>) -> BTreeMap<EntraObjectId, Record<P>> {
        let ignored = self.bug == Bug::IgnoreTheDirtyMark;
        records
            .into_iter()
            .map(|(id, record)| (id, Record { dirty: record.dirty && !ignored, ..record }))
            .collect()
    }

    fn held_back(&self) -> Vec<(bool, AgendaEntry)> {
        std::mem::take(&mut *self.held_back.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Ledger for Misremembered {
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError> {
        self.inner.users(ids).await.map(|records| self.clean(records))
    }

    async fn groups(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        self.inner.groups(ids).await.map(|records| self.clean(records))
    }

    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError> {
        let mut record = record.clone();
        if self.bug == Bug::ForgetGrantsBegun {
            record.principal.granting.clear();
        }
        self.inner.put_user(&record).await
    }

    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError> {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner).get(&record.id).copied();
        let version = match saved {
            Some((read, stored)) if read == record.version => stored,
            _ => record.version,
        };
        self.inner.put_group(&Record { version, ..record.clone() }).await
    }

    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError> {
        self.inner.mark_dirty(id).await
    }

    async fn owners_of_users(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
        self.inner.owners_of_users(users).await
    }

    async fn owner_of_group(&self, group: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
        self.inner.owner_of_group(group).await
    }

    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError> {
        self.inner.assigned_header().await
    }

    async fn assigned_set(&self, header: &AssignedHeader) -> Result<AssignedSet, CallError> {
        self.inner.assigned_set(header).await
    }

    async fn set_assigned(&self, assigned: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        if self.bug == Bug::StoreTheAssignedSetBeforeTheAgenda {
            let mut held_back = self.held_back.lock().unwrap_or_else(PoisonError::into_inner);
            held_back.push((assigned, entry.clone()));
            return Ok(());
        }
        self.inner.set_assigned(assigned, entry).await
    }

    async fn store_assigned_set(
        &self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        let held_back = self.held_back();
        let header = self.inner.store_assigned_set(previous, set).await?;
        for (assigned, entry) in held_back {
            self.inner.set_assigned(assigned, &entry).await?;
        }
        Ok(header)
    }
}

/// Takes the object that stands under a name for the one that is to be created.
struct Rebinding {
    writer: Arc<dyn IdentityStoreWriter>,
    reader: Arc<dyn IdentityStoreReader>,
}

#[async_trait]
impl IdentityStoreWriter for Rebinding {
    async fn create_user(&self, attributes: &UserAttributes) -> Result<UserId, CallError> {
        let name = attributes.get(UserAttribute::UserName).unwrap_or_default();
        match self.reader.find_user(UserAttribute::UserName, name).await? {
            Some(found) => Ok(found),
            None => self.writer.create_user(attributes).await,
        }
    }

    async fn update_user(
        &self,
        user: &UserId,
        attributes: &UserAttributes,
        changed: &BTreeSet<UserAttribute>,
        revision: Option<&str>,
    ) -> Result<(), CallError> {
        if attributes.get(UserAttribute::UserName).is_some_and(|name| name.starts_with("retired-")) {
            return Ok(());
        }
        self.writer.update_user(user, attributes, changed, revision).await
    }

    async fn create_group(&self, name: &str) -> Result<GroupId, CallError> {
        self.writer.create_group(name).await
    }

    async fn rename_group(
        &self,
        group: &GroupId,
        name: &str,
        revision: Option<&str>,
    ) -> Result<(), CallError> {
        self.writer.rename_group(group, name, revision).await
    }

    async fn create_membership(&self, user: &UserId, group: &GroupId) -> Result<MembershipId, CallError> {
        self.writer.create_membership(user, group).await
    }

    async fn delete_membership(&self, membership: &MembershipId) -> Result<(), CallError> {
        self.writer.delete_membership(membership).await
    }

    async fn delete_user(&self, user: &UserId, revision: Option<&str>) -> Result<(), CallError> {
        self.writer.delete_user(user, revision).await
    }

    async fn delete_group(&self, group: &GroupId, revision: Option<&str>) -> Result<(), CallError> {
        self.writer.delete_group(group, revision).await
    }
}

/// An agenda that takes no re-checks.
struct Forgetful(Arc<dyn Agenda>);

#[async_trait]
impl Agenda for Forgetful {
    async fn put(&self, entries: &[AgendaEntry]) -> Result<(), CallError> {
        let recheck =
            |entry: &&AgendaEntry| matches!(entry.reason, Reason::RevocationCheck | Reason::Contradiction);
        let kept: Vec<AgendaEntry> = entries.iter().filter(|entry| !recheck(entry)).cloned().collect();
        if kept.is_empty() { Ok(()) } else { self.0.put(&kept).await }
    }

    async fn done(&self, keys: &BTreeSet<AgendaKey>) -> Result<(), CallError> {
        self.0.done(keys).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<DueWork, CallError> {
        self.0.due(now, limit).await
    }

    async fn set_in_flight(
        &self,
        key: &AgendaKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, CallError> {
        self.0.set_in_flight(key, now, until).await
    }
}
