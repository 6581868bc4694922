//! What a group's name calls for, by rules that every group was weighed by.

use super::AccessPorts;
use super::ports::Weighed;
use super::world::AccessWorld;
use crate::ports::{CallError, Cause};
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::access::{Bindings, DesiredAssignments, desired_of_group};
use planning::organization::AccountTree;
use planning::record::{GroupRecord, Record};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a group waits for the minute run to weigh a change of rules, accounts or permission sets.
const UNTIL_WEIGHED: SignedDuration = SignedDuration::from_secs(30);
/// How often names are bound anew because another group was faster.
const ATTEMPTS: usize = 3;

/// What a group should have, and what that was concluded from.
pub(super) struct CalledFor {
    pub desired: DesiredAssignments,
    pub accounts: Arc<AccountTree>,
    /// The name by which it has this.
    pub known_as: Option<String>,
    /// How many account assignments of all groups are ours; nothing is weighed where there is no number.
    pub managed: Option<u64>,
}

impl AccessPorts {
    /// A group that is gone, or not assigned any more, should have nothing, whatever the rules are.
    pub(super) async fn nothing(&self) -> Result<CalledFor, CallError> {
        let accounts = self.worlds.accounts().await?;
        Ok(CalledFor { desired: DesiredAssignments::default(), accounts, known_as: None, managed: None })
    }

    /// What the group should have by its name. Names that rules mean for the first time are bound to the group before
    /// it gets anything by them. `displaces` is told, beforehand, of the group that a name means no longer.
    pub(super) async fn called_for(
        &self,
        record: &Record<GroupRecord>,
        name: &str,
        displaces: impl AsyncFn(&EntraObjectId) -> Result<(), CallError>,
    ) -> Result<CalledFor, CallError> {
        let (world, weighed) = self.weighed_world().await?;
        for _ in 0..ATTEMPTS {
            let bound = self.ledger.bound_names().await?;
            let (desired, bindings) = desired_by(&world, record, name, &bound);
            if self.bind(&record.id, &bound, &bindings, &displaces).await? {
                return Ok(CalledFor {
                    desired,
                    accounts: world.accounts.clone(),
                    known_as: bindings.name_of(&record.id).map(str::to_owned),
                    managed: Some(weighed.assignments),
                });
            }
        }
        Err(CallError::new("bind names to", &record.id, Cause::Throttled { retry_after: None }))
    }

    /// Rules, accounts and permission sets that the minute run has weighed every group by. Until then nobody's access
    /// changes because of them.
    async fn weighed_world(&self) -> Result<(Arc<AccessWorld>, Weighed), CallError> {
        let not_yet = || {
            let cause = Cause::Throttled { retry_after: Some(UNTIL_WEIGHED) };
            CallError::new("look at", "rules that are not weighed yet", cause)
        };
        let Some(weighed) = self.ledger.weighed().await? else { return Err(not_yet()) };
        let kept = self.worlds.kept().await?;
        let world = if kept.digest == weighed.digest { kept } else { self.worlds.afresh().await? };
        if world.digest == weighed.digest { Ok((world, weighed)) } else { Err(not_yet()) }
    }

    /// True if the new names mean this group now; false if another group was faster.
    async fn bind(
        &self,
        group: &EntraObjectId,
        bound: &BTreeMap<String, EntraObjectId>,
        bindings: &Bindings,
        displaces: &impl AsyncFn(&EntraObjectId) -> Result<(), CallError>,
    ) -> Result<bool, CallError> {
        for name in bindings.bound_to(group) {
            match bound.get(&name) {
                Some(holder) if holder == group => {}
                // Only an operator's word takes a name away from a group.
                Some(holder) => {
                    displaces(holder).await?;
                    self.ledger.rebind_name(&name, group).await?;
                }
                None if self.ledger.bind_name(&name, group).await? == *group => {}
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// What the name calls for. If an operator approved all that waits for approval, the name counts.
fn desired_by(
    world: &AccessWorld,
    record: &Record<GroupRecord>,
    name: &str,
    bound: &BTreeMap<String, EntraObjectId>,
) -> (DesiredAssignments, Bindings) {
    let access = world.access();
    let known_as = record.principal.access.known_as.clone().map(|name| (record.id.clone(), name));
    let mut bindings = Bindings::of(bound.clone(), known_as);
    let before = bindings.clone();
    let desired = desired_of_group(&access, &record.id, name, &mut bindings);
    let approved = &record.marks.approved_access;
    if desired.held.is_empty() || !desired.held.keys().all(|held| approved.contains(held)) {
        return (desired, bindings);
    }
    let mut bindings = before;
    bindings.approve(&record.id, name);
    let desired = desired_of_group(&access, &record.id, name, &mut bindings);
    (desired, bindings)
}
