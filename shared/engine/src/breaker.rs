//! The breaker: revocations that arrive one by one are counted, and held once they are too many.

use crate::holds::{Loss, hold_for};
use crate::mirror::Mirror;
use crate::ports::CallError;
use crate::telemetry::Count;
use crate::user_task::UserTask;
use planning::GroupId;
use planning::hold::{Held, HoldCause, most_at_once};
use planning::record::PrincipalKind;
use std::collections::BTreeSet;

impl Mirror {
    /// Holds the revocations that exceed what may go within ten minutes. Those of people who are disabled or
    /// deleted in Entra ID, and those that an operator approved, are neither counted nor held.
    pub(crate) async fn break_bulk(&self, tasks: &mut [UserTask]) -> Result<(), CallError> {
        let mut counted: Vec<(&mut UserTask, BTreeSet<GroupId>)> = tasks
            .iter_mut()
            .filter_map(|task| {
                let groups = task.counted_revocations();
                (!groups.is_empty()).then_some((task, groups))
            })
            .collect();
        if counted.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let (recent, managed) =
            futures::try_join!(self.holds.recent_losses(Loss::Membership, now), self.holds.managed_users())?;
        let room = usize::try_from(most_at_once(managed).saturating_sub(recent)).unwrap_or(usize::MAX);
        let excess = counted.split_off(room.min(counted.len()));
        if !counted.is_empty() {
            self.holds.note_losses(Loss::Membership, now, counted.len() as u64).await?;
        }
        if excess.is_empty() {
            return Ok(());
        }
        let held: Vec<Held> = excess.iter().map(|(task, groups)| held(task, groups)).collect();
        self.hold(HoldCause::Breaker, &held).await?;
        for (task, groups) in excess {
            task.withhold(groups);
        }
        Ok(())
    }
}

impl Mirror {
    /// Puts these principals on hold, and says so.
    pub(crate) async fn hold(&self, cause: HoldCause, held: &[Held]) -> Result<(), CallError> {
        let hold = hold_for(self.holds.as_ref(), cause, self.clock.now()).await?;
        self.holds.hold(&hold, held).await?;
        self.telemetry.count(Count::Held, held.len() as u64);
        tracing::error!(
            hold.id = %hold.id,
            hold.principals = held.len(),
            "revocations are held, for they are many: look at them with `entra-mirror holds {}`, then approve \
             or discard them",
            hold.id
        );
        Ok(())
    }
}

fn held(task: &UserTask, groups: &BTreeSet<GroupId>) -> Held {
    Held {
        principal: task.work.subject.id.clone(),
        kind: PrincipalKind::User,
        groups: groups.clone(),
        access: BTreeSet::new(),
        approved: false,
    }
}
