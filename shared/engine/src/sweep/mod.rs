//! The full sweep: reads both sides and the ledger completely, and puts whatever differs on the agenda. It
//! writes nothing to Identity Center.
//!
//! Three comparisons run beside each other, because each waits for another quota: the identity store's lists,
//! the groups with their members, the users with their accounts. Each rests on fresh reads of its own, and on a
//! picture of the ledger that is older than these. So a run can stop after any slice, and go on later.

pub mod ports;

mod assignments;
mod groups;
mod lists;
mod outcome;
mod patience;
mod picture;
mod run;
mod users;

pub use outcome::{SweepError, SweepReport, Swept};

use crate::ports::{Agenda, Clock};
use crate::urgency::{Urgency, with_urgency};
use jiff::{SignedDuration, Timestamp};
use planning::mapping::MappingSettings;
use ports::{BulkDirectory, Pace, SweepLedger, SweepProgress, SweepState, SweepTelemetry};
use ports::{IdentityStoreLister, SweepLease};
use run::Run;
use std::sync::Arc;

/// What becomes of memberships that somebody else wrote in a managed group. Whatever we wrote is always
/// repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DriftPolicy {
    /// They are counted and logged.
    #[default]
    Report,
    /// They are taken away.
    Repair,
}

/// The operator's choices.
#[derive(Debug, Clone)]
pub struct SweepSettings {
    /// Which attributes come from where; as the mirror has it.
    pub mapping: MappingSettings,
    /// What becomes of drift.
    pub drift: DriftPolicy,
    /// How long a tombstone stands.
    pub grace: SignedDuration,
}

/// Which run is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The unfinished one, or else a new one.
    Everything,
    /// The unfinished one, if there is one; or a new one, if somebody asked for it.
    Unfinished,
}

/// What a full sweep needs: readers, no writer of Identity Center.
#[derive(Clone)]
pub struct FullSweep {
    /// Entra ID.
    pub directory: Arc<dyn BulkDirectory>,
    /// Identity Center.
    pub lister: Arc<dyn IdentityStoreLister>,
    /// The ledger.
    pub ledger: Arc<dyn SweepLedger>,
    /// Where differences go.
    pub agenda: Arc<dyn Agenda>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When to read.
    pub pace: Arc<dyn Pace>,
    /// Reports.
    pub telemetry: Arc<dyn SweepTelemetry>,
    /// The operator's choices.
    pub settings: SweepSettings,
}

impl FullSweep {
    /// Runs the sweep until it is finished, or `stop_at` has come. Nobody else runs one before `killed_at`, when
    /// this process is known to have ended.
    ///
    /// # Errors
    /// Any incomplete read: nothing is concluded from it. What was compared before stays compared.
    pub async fn run(
        &self,
        wanted: Wanted,
        stop_at: Timestamp,
        killed_at: Timestamp,
    ) -> Result<Swept, SweepError> {
        let state = self.ledger.sweep_state().await?;
        if wanted == Wanted::Unfinished && state == SweepState::default() {
            return Ok(Swept::NothingToDo);
        }
        let Some(lease) = self.ledger.take_sweep_lease(self.clock.now(), killed_at).await? else {
            return Ok(Swept::SomebodyElse);
        };
        let swept = self.run_with(&lease, wanted, stop_at).await;
        let returned = self.ledger.return_sweep_lease(&lease).await;
        let swept = swept?;
        returned?;
        Ok(swept)
    }

    async fn run_with(
        &self,
        lease: &SweepLease,
        wanted: Wanted,
        stop_at: Timestamp,
    ) -> Result<Swept, SweepError> {
        // Read again under the lease: whoever held it before may have gone on, or finished.
        let SweepState { progress, wanted_at } = self.ledger.sweep_state().await?;
        let progress = match (progress, wanted) {
            (Some(progress), _) => progress,
            (None, Wanted::Unfinished) if wanted_at.is_none() => return Ok(Swept::NothingToDo),
            (None, _) => SweepProgress::begun_at(self.clock.now()),
        };
        let picture = self.picture().await?;
        let managed = picture.users_after(None).iter().filter(|user| user.user_id.is_some()).count();
        self.ledger.store_managed_users(managed as u64).await?;
        let run = Run::new(self, lease, progress, &picture, stop_at);
        self.compare_assignments(&run).await?;
        run.save().await?;
        let comparisons = async {
            futures::try_join!(
                async { self.compare_lists(&run).await },
                async { self.compare_groups(&run).await },
                async { self.compare_users(&run).await },
            )
        };
        // Live work goes before, where it shares a budget.
        with_urgency(Urgency::Bulk, comparisons).await?;
        run.conclude(wanted_at).await
    }
}
