//! What access depends on besides the groups, read now and then.

use super::ports::{OrganizationReader, PermissionSetReader, RulesReader};
use super::rules::usable;
use crate::ports::{CallError, Clock};
use futures::lock::Mutex;
use jiff::{SignedDuration, Timestamp};
use planning::access::Access;
use planning::digest::Digest;
use planning::organization::AccountTree;
use planning::permission_sets::PermissionSets;
use planning::rules::Rules;
use std::sync::Arc;

/// For so long accounts and permission sets are taken for what they were.
const KEPT: SignedDuration = SignedDuration::from_mins(5);
/// What was read within this time is not read afresh: many groups ask at the same time.
const FRESH: SignedDuration = SignedDuration::from_secs(20);

/// Rules, accounts and permission sets at one time.
#[derive(Debug)]
pub struct AccessWorld {
    /// The rules.
    pub rules: Rules,
    /// The accounts.
    pub accounts: Arc<AccountTree>,
    /// The permission sets.
    pub permission_sets: Arc<PermissionSets>,
    /// Tells one such world from another.
    pub digest: Digest,
}

/// Where these come from. Accounts and permission sets are kept for five minutes.
pub struct Worlds {
    rules: Arc<dyn RulesReader>,
    organization: Arc<dyn OrganizationReader>,
    permission_sets: Arc<dyn PermissionSetReader>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    world: Arc<AccessWorld>,
    places_read_at: Timestamp,
    rules_read_at: Timestamp,
}

impl AccessWorld {
    /// What the rules are compared with.
    pub fn access(&self) -> Access<'_> {
        Access::new(&self.rules, &self.accounts, &self.permission_sets)
    }
}

impl Worlds {
    /// Reads from these.
    pub fn new(
        rules: Arc<dyn RulesReader>,
        organization: Arc<dyn OrganizationReader>,
        permission_sets: Arc<dyn PermissionSetReader>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { rules, organization, permission_sets, clock, kept: Mutex::new(None) }
    }

    /// What was read last, unless that is too long ago.
    ///
    /// # Errors
    /// When something cannot be read in full, or the rules have an error.
    pub async fn kept(&self) -> Result<Arc<AccessWorld>, CallError> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        match kept.as_ref() {
            Some(kept) if now.duration_since(kept.rules_read_at) < KEPT => Ok(kept.world.clone()),
            _ => self.read(&mut kept, KEPT).await,
        }
    }

    /// The rules as they are now, with accounts and permission sets that are at most five minutes old.
    ///
    /// # Errors
    /// As [`Worlds::kept`].
    pub async fn present(&self) -> Result<Arc<AccessWorld>, CallError> {
        self.read(&mut *self.kept.lock().await, KEPT).await
    }

    /// Everything as it is now.
    ///
    /// # Errors
    /// As [`Worlds::kept`].
    pub async fn afresh(&self) -> Result<Arc<AccessWorld>, CallError> {
        self.read(&mut *self.kept.lock().await, FRESH).await
    }

    /// The accounts, whatever the rules are.
    ///
    /// # Errors
    /// When they cannot be read in full.
    pub async fn accounts(&self) -> Result<Arc<AccountTree>, CallError> {
        let kept = self.kept.lock().await;
        match kept.as_ref() {
            Some(kept) if self.clock.now().duration_since(kept.places_read_at) < KEPT => {
                Ok(kept.world.accounts.clone())
            }
            _ => Ok(Arc::new(self.organization.accounts().await?)),
        }
    }

    async fn read(
        &self,
        kept: &mut Option<Kept>,
        places_for: SignedDuration,
    ) -> Result<Arc<AccessWorld>, CallError> {
        let now = self.clock.now();
        let rules = usable(self.rules.as_ref()).await?;
        let places = match kept.as_ref() {
            Some(kept) if now.duration_since(kept.places_read_at) < places_for => {
                let world = &kept.world;
                (world.accounts.clone(), world.permission_sets.clone(), kept.places_read_at)
            }
            _ => {
                let (accounts, permission_sets) =
                    futures::try_join!(self.organization.accounts(), self.permission_sets.permission_sets())?;
                (Arc::new(accounts), Arc::new(permission_sets), now)
            }
        };
        let (accounts, permission_sets, places_read_at) = places;
        let digest = Access::new(&rules, &accounts, &permission_sets).digest();
        let world = Arc::new(AccessWorld { rules, accounts, permission_sets, digest });
        *kept = Some(Kept { world: world.clone(), places_read_at, rules_read_at: now });
        Ok(world)
    }
}
