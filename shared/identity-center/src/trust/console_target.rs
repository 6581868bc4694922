//! Identity Center through its console's API.

use super::IDENTITY_CENTER;
use super::console::{ConsoleAccess, ConsoleApi};
use async_trait::async_trait;
use engine::ports::{CallError, Cause};
use engine::rotation::metadata::Metadata;
use engine::rotation::ports::{TargetMemory, TrustTarget};
use planning::rotation::{Certificate, Listed, ListedId, Sha256Fingerprint, Target, TargetId};
use std::sync::Arc;

/// Identity Center, as far as the API is allowed.
#[derive(Clone)]
pub struct ConsoleTarget {
    api: ConsoleApi,
    access: ConsoleAccess,
    id: TargetId,
    entity_id: String,
    memory: Arc<dyn TargetMemory>,
}

impl ConsoleTarget {
    /// With the identity provider of this entityID. `memory` keeps the provider's id, so that a look costs one call.
    pub fn new(
        api: ConsoleApi,
        access: ConsoleAccess,
        entity_id: String,
        memory: Arc<dyn TargetMemory>,
    ) -> Self {
        Self { api, access, id: TargetId(IDENTITY_CENTER.to_owned()), entity_id, memory }
    }

    /// The list of the provider that is remembered. If anything is wrong with it, the provider is looked for.
    async fn remembered(&self) -> Result<Option<Vec<Listed>>, CallError> {
        let Some(idp) = self.memory.recall(&self.id).await? else { return Ok(None) };
        Ok(self.api.certificates(&idp).await.ok())
    }
}

#[async_trait]
impl TrustTarget for ConsoleTarget {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn capabilities(&self) -> Target {
        match self.access {
            ConsoleAccess::Read => Target::identity_center(false, false),
            ConsoleAccess::Import => Target::identity_center(true, false),
            ConsoleAccess::Full => Target::identity_center(true, true),
        }
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        if let Some(listed) = self.remembered().await? {
            return Ok(listed);
        }
        let idp = self.api.identity_provider(&self.entity_id).await?;
        let listed = self.api.certificates(&idp).await?;
        self.memory.keep(&self.id, &idp).await?;
        Ok(listed)
    }

    /// The provider is looked for before every write: whoever may import may sign in as anybody.
    async fn import(&self, certificate: &Certificate, _: &Metadata) -> Result<(), CallError> {
        let idp = self.api.identity_provider(&self.entity_id).await?;
        let is_there = |listed: &[Listed]| listed.iter().any(|found| found.sha256 == certificate.sha256);
        if is_there(&self.api.certificates(&idp).await?) {
            return Ok(());
        }
        match self.api.import(&idp, &certificate.pem).await {
            Err(error) if error.cause == Cause::Conflict => {
                if is_there(&self.api.certificates(&idp).await?) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            answer => answer,
        }
    }

    /// By what it is: an id may have been given anew meanwhile.
    async fn remove(&self, _: &ListedId, certificate: Sha256Fingerprint) -> Result<(), CallError> {
        let idp = self.api.identity_provider(&self.entity_id).await?;
        let listed = self.api.certificates(&idp).await?;
        for found in listed.iter().filter(|found| found.sha256 == certificate) {
            match self.api.delete(&idp, &found.id.0).await {
                Err(error) if error.cause == Cause::NotFound => {}
                answer => answer?,
            }
        }
        Ok(())
    }
}
