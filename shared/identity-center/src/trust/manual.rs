//! Identity Center where a person imports, and nothing can be read: there is no public API for it.

use super::IDENTITY_CENTER;
use async_trait::async_trait;
use engine::ports::{CallError, Cause};
use engine::rotation::metadata::Metadata;
use engine::rotation::ports::TrustTarget;
use planning::rotation::{Certificate, Listed, ListedId, Sha256Fingerprint, Target, TargetId};

/// Only people change it, and say so.
#[derive(Debug, Clone)]
pub struct ManualTarget(TargetId);

impl Default for ManualTarget {
    fn default() -> Self {
        Self(TargetId(IDENTITY_CENTER.to_owned()))
    }
}

impl ManualTarget {
    fn refused(&self, operation: &str) -> CallError {
        let remedy = "only a person can do that: in IAM Identity Center, Settings > Identity source > Actions > Manage \
                      authentication";
        CallError::new(operation, &self.0, Cause::Denied { remedy: remedy.to_owned() })
    }
}

#[async_trait]
impl TrustTarget for ManualTarget {
    fn id(&self) -> &TargetId {
        &self.0
    }

    fn capabilities(&self) -> Target {
        Target::MANUAL
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        Err(self.refused("list certificates of"))
    }

    async fn import(&self, _: &Certificate, _: &Metadata) -> Result<(), CallError> {
        Err(self.refused("import a certificate into"))
    }

    async fn remove(&self, _: &ListedId, _: Sha256Fingerprint) -> Result<(), CallError> {
        Err(self.refused("remove a certificate from"))
    }
}
