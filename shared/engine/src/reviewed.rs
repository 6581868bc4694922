//! Has done what an operator reviewed, and follows it to its end.

use crate::agenda::{AgendaEntry, AgendaKey, Priority, Reason};
use crate::holds::{Holds, Mark};
use crate::ports::{Agenda, CallError, Cause, Clock};
use crate::trigger::{Look, Subject};
use async_trait::async_trait;
use planning::EntraObjectId;
use planning::plan::ChangeKind;
use planning::record::PrincipalKind;
use planning::snapshot::{PrincipalPlan, Snapshot};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Tells what is left of work on the agenda.
#[async_trait]
pub trait AgendaWatch: Send + Sync {
    /// Those of the entries that are not done.
    async fn open(&self, keys: &BTreeSet<AgendaKey>) -> Result<BTreeSet<AgendaKey>, CallError>;
}

/// Puts reviewed work on the agenda. Nothing is written to Identity Center here.
#[derive(Clone)]
pub struct ReviewedWork {
    /// Where revocations are approved.
    pub holds: Arc<dyn Holds>,
    /// Where the work is put.
    pub agenda: Arc<dyn Agenda>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl ReviewedWork {
    /// Approves what the plan of one principal takes away, and what it gives to a group, and has the mirror look at it. `snapshot` is what the plan was
    /// made from. Can be repeated.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn put(&self, plan: &PrincipalPlan, snapshot: &Snapshot) -> Result<AgendaKey, CallError> {
        let id = EntraObjectId::parse(&plan.principal.id).map_err(|error| {
            let missing = format!("{error}: make the plan anew");
            CallError::new("apply", &plan.principal.id, Cause::Incomplete { missing })
        })?;
        let groups = snapshot.groups_lost(plan);
        if !groups.is_empty() {
            self.holds.mark(&id, &groups, Mark::Approved).await?;
        }
        let access = snapshot.access_changed(plan);
        if !access.is_empty() {
            self.holds.mark_access(&id, &access, Mark::Approved).await?;
        }
        let revokes = plan.changes.iter().any(|(change, _)| change.kind() == ChangeKind::Revoke);
        let now = self.clock.now();
        let entry = AgendaEntry {
            due: now,
            priority: if revokes { Priority::Revocation } else { Priority::Ordinary },
            subject: match plan.kind {
                PrincipalKind::User => Subject::user(id),
                PrincipalKind::Group => Subject::group(id),
            },
            reason: Reason::Approved,
            look: Look::InDoubt,
            expectations: Vec::new(),
            noticed_at: now,
        };
        self.agenda.put(std::slice::from_ref(&entry)).await?;
        Ok(entry.key())
    }
}
