//! Reads both sides and the ledger into a snapshot. It can write nothing.

use crate::patience::{ask_of_all, patiently};
use crate::ports::{CallError, Cause, Clock, GroupRead, GroupReading};
use crate::sweep::ports::{BulkDirectory, IdentityStoreLister, ListPage, PARTS, Pace, SweepLedger};
use crate::trigger::Subject;
use async_trait::async_trait;
use futures::future::try_join;
use futures::{StreamExt, TryStreamExt, stream};
use planning::assigned::AssignedSet;
use planning::record::PrincipalKind;
use planning::snapshot::{
    AccessSide, EntraGroup, EntraSide, FORMAT, IdentityCenterSide, LedgerSide, Snapshot, SnapshotSettings,
};
use planning::{EntraObjectId, GroupId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Requests that fill a `$batch`.
const BATCH: usize = 20;

/// Batches, parts of the ledger and groups that are read at a time.
const AT_A_TIME: usize = 8;

/// Reads rules, accounts, permission sets and account assignments.
#[async_trait]
pub trait AccessReader: Send + Sync {
    /// All of it; `None` where no rules are in use. `groups` are those of the identity store.
    async fn access(
        &self,
        groups: &BTreeSet<GroupId>,
        ledger: &LedgerSide,
    ) -> Result<Option<AccessSide>, CallError>;
}

/// What a snapshot is read from.
pub struct SnapshotReader {
    /// The tenant.
    pub tenant: EntraObjectId,
    /// The enterprise application.
    pub service_principal: EntraObjectId,
    /// The operator's choices.
    pub settings: SnapshotSettings,
    /// Entra ID.
    pub directory: Arc<dyn BulkDirectory>,
    /// Identity Center.
    pub lister: Arc<dyn IdentityStoreLister>,
    /// The ledger.
    pub ledger: Arc<dyn SweepLedger>,
    /// Access to accounts.
    pub access: Arc<dyn AccessReader>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When to read.
    pub pace: Arc<dyn Pace>,
}

impl SnapshotReader {
    /// Reads everything.
    ///
    /// # Errors
    /// Any incomplete read: half a snapshot would show that people lose access.
    pub async fn read(&self) -> Result<Snapshot, CallError> {
        let taken_at = self.clock.now();
        let (mut ledger, identity_center) = try_join(self.read_ledger(), self.read_identity_center()).await?;
        let groups = identity_center.groups.iter().map(|group| group.group_id.clone()).collect();
        let (entra, access) =
            try_join(self.read_entra(&ledger), self.access.access(&groups, &ledger)).await?;
        // A link says nothing about either side, and leads into Graph.
        ledger.groups.iter_mut().for_each(|record| record.principal.delta_link = None);
        Ok(Snapshot {
            format: FORMAT,
            taken_at,
            tenant: self.tenant.clone(),
            service_principal: self.service_principal.clone(),
            settings: self.settings.clone(),
            entra,
            identity_center,
            ledger,
            access,
        })
    }

    async fn read_ledger(&self) -> Result<LedgerSide, CallError> {
        let pace = self.pace.as_ref();
        let bytes = (0..PARTS).filter_map(|part| u8::try_from(part).ok());
        let mut parts = stream::iter(bytes)
            .map(|byte| async move { patiently(pace, || self.ledger.part_of_records(byte)).await })
            .buffered(AT_A_TIME);
        let mut side = LedgerSide::default();
        while let Some(part) = parts.try_next().await? {
            side.users.extend(part.users);
            side.groups.extend(part.groups);
        }
        let assigned = match patiently(pace, || self.ledger.assigned_header()).await? {
            Some(header) => patiently(pace, || self.ledger.assigned_set(&header)).await?,
            None => AssignedSet::default(),
        };
        side.held_assignments = assigned.held;
        Ok(side)
    }

    async fn read_identity_center(&self) -> Result<IdentityCenterSide, CallError> {
        let (users, groups) = try_join(
            self.whole_list("ListUsers", |token| self.lister.users_page(token)),
            self.whole_list("ListGroups", |token| self.lister.groups_page(token)),
        )
        .await?;
        let pace = self.pace.as_ref();
        let mut lists = stream::iter(&groups)
            .map(|group| async move {
                let members = patiently(pace, || async {
                    pace.turn().await;
                    self.lister.memberships_in(&group.group_id).await
                });
                let members = members.await?.unwrap_or_default().members;
                Ok::<_, CallError>((group.group_id.clone(), members.into_iter().collect::<BTreeMap<_, _>>()))
            })
            .buffered(AT_A_TIME);
        let mut memberships = BTreeMap::new();
        while let Some((group, members)) = lists.try_next().await? {
            if !members.is_empty() {
                memberships.insert(group, members);
            }
        }
        drop(lists);
        Ok(IdentityCenterSide { users, groups, memberships })
    }

    async fn whole_list<T, F>(
        &self,
        operation: &str,
        page: impl Fn(Option<String>) -> F,
    ) -> Result<Vec<T>, CallError>
    where
        F: Future<Output = Result<ListPage<T>, CallError>>,
    {
        let (mut all, mut token, mut read) = (Vec::new(), None, BTreeSet::new());
        loop {
            let ListPage { items, next } = patiently(self.pace.as_ref(), || page(token.clone())).await?;
            all.extend(items);
            let Some(next) = next else { return Ok(all) };
            if !read.insert(next.clone()) {
                let missing = "the next page: its token leads back to a page already read".to_owned();
                return Err(CallError::new(operation, "", Cause::Incomplete { missing }));
            }
            token = Some(next);
        }
    }

    /// Whoever is assigned, in an assigned group, a manager of one of these or known to the ledger.
    async fn read_entra(&self, ledger: &LedgerSide) -> Result<EntraSide, CallError> {
        let assigned = patiently(self.pace.as_ref(), || self.directory.assigned_principals()).await?;
        let of_kind = |kind| assigned.iter().filter(move |(_, of)| **of == kind).map(|(id, _)| id.clone());
        let groups = self.read_groups(of_kind(PrincipalKind::Group).collect()).await?;
        let mut ids: BTreeSet<EntraObjectId> = of_kind(PrincipalKind::User).collect();
        ids.extend(groups.values().flat_map(|group| group.users.iter().cloned()));
        ids.extend(ledger.users.iter().map(|record| record.id.clone()));
        let mut side = EntraSide { assigned, groups, ..EntraSide::default() };
        let ids: Vec<EntraObjectId> = ids.into_iter().collect();
        let pace = self.pace.as_ref();
        let mut chunks = stream::iter(ids.chunks(BATCH))
            .map(|chunk| {
                let open = chunk.iter().cloned().collect();
                ask_of_all(pace, open, |ids| async move { self.directory.accounts(&ids).await })
            })
            .buffered(AT_A_TIME);
        let mut missing = BTreeSet::new();
        while let Some(accounts) = chunks.try_next().await? {
            for (id, account) in accounts {
                match account {
                    Some(user) => drop(side.users.insert(id, user)),
                    None => drop(missing.insert(id)),
                }
            }
        }
        drop(chunks);
        self.confirm_absence(&mut side, missing).await?;
        Ok(side)
    }

    /// Who was not found by one read is gone only if the next one agrees.
    async fn confirm_absence(
        &self,
        side: &mut EntraSide,
        missing: BTreeSet<EntraObjectId>,
    ) -> Result<(), CallError> {
        let confirmed = ask_of_all(self.pace.as_ref(), missing, |ids| async move {
            self.directory.confirm_absence(&ids).await
        });
        for (id, gone) in confirmed.await? {
            let Some(gone) = gone else {
                let missing = "one read shows the user and another does not: begin again".to_owned();
                return Err(CallError::new("GET /users/{id}", id, Cause::Incomplete { missing }));
            };
            side.gone.insert(id, gone);
        }
        Ok(())
    }

    /// Groups with their direct members; with nested groups flattened also the groups below them.
    async fn read_groups(
        &self,
        mut open: BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, EntraGroup>, CallError> {
        let mut groups = BTreeMap::new();
        let mut seen = open.clone();
        while !open.is_empty() {
            let ids: Vec<EntraObjectId> = std::mem::take(&mut open).into_iter().collect();
            let mut chunks = stream::iter(ids.chunks(BATCH))
                .map(|chunk| self.read_slice_of_groups(chunk))
                .buffered(AT_A_TIME);
            while let Some(readings) = chunks.try_next().await? {
                for (id, reading) in readings {
                    let Some(group) = direct_members(&id, reading)? else { continue };
                    if self.settings.flatten_nested_groups {
                        open.extend(group.groups.iter().filter(|id| seen.insert((*id).clone())).cloned());
                    }
                    groups.insert(id, group);
                }
            }
        }
        Ok(groups)
    }

    async fn read_slice_of_groups(
        &self,
        ids: &[EntraObjectId],
    ) -> Result<BTreeMap<EntraObjectId, Option<GroupReading>>, CallError> {
        let open = ids.iter().cloned().collect();
        let readings = ask_of_all(self.pace.as_ref(), open, |ids| async move {
            let reads: Vec<GroupRead> =
                ids.into_iter().map(|id| GroupRead { id, delta_link: None, ancestors: false }).collect();
            let readings = self.directory.groups(&reads).await.into_iter();
            let found = |reading| match reading {
                Err(CallError { cause: Cause::NotFound, .. }) => Ok(None),
                reading => reading.map(Some),
            };
            readings.map(|(id, reading)| (id, found(reading))).collect()
        });
        readings.await
    }
}

/// `None` for a group that is gone.
fn direct_members(
    id: &EntraObjectId,
    reading: Option<GroupReading>,
) -> Result<Option<EntraGroup>, CallError> {
    let Some(reading) = reading.filter(|reading| reading.gone.is_none()) else { return Ok(None) };
    let name = reading.name.ok_or_else(|| {
        let missing = "the group's name: begin again".to_owned();
        CallError::new("GET /groups/delta", id, Cause::Incomplete { missing })
    })?;
    let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for Subject { kind, id } in reading.joined {
        match kind {
            PrincipalKind::User => users.insert(id),
            PrincipalKind::Group => groups.insert(id),
        };
    }
    Ok(Some(EntraGroup { name, users, groups }))
}
