//! Entra ID, misread: one "not found" is believed; a group's link is saved as soon as it is read.

use super::Bug;
use super::ledger::SavedTooSoon;
use async_trait::async_trait;
use engine::ports::{CallError, Directory, FirstLook, GroupRead, GroupReading};
use engine::sweep::ports::SweepLedger;
use planning::EntraObjectId;
use planning::assigned::Principals;
use planning::scope::Gone;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

pub(super) struct Misread {
    pub(super) inner: Arc<dyn Directory>,
    pub(super) ledger: Arc<dyn SweepLedger>,
    pub(super) bug: Bug,
    pub(super) saved: SavedTooSoon,
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
