//! Weighs what a group's handling would take away, before anybody is looked at because of it.

use crate::fan_out::FanOut;
use crate::mirror::Mirror;
use crate::ports::CallError;
use crate::work::Work;
use planning::hold::{self, Held, HoldCause};
use planning::record::{PrincipalKind, Record, UserRecord};
use planning::{EntraObjectId, GroupId};
use std::collections::{BTreeMap, BTreeSet};

/// So few losses are never bulk, whatever is managed: nothing is read to weigh them.
const NEVER_BULK: usize = 5;

impl Mirror {
    /// Marks the revocations as held if they are bulk; their users are looked at all the same, for some of
    /// them may be disabled or deleted, or gain something.
    pub(crate) async fn hold_if_bulk(&self, work: &Work, fan_out: &FanOut) -> Result<(), CallError> {
        if work.approved || fan_out.losers.len() <= NEVER_BULK {
            return Ok(());
        }
        let records = self.ledger.users(&fan_out.losers).await?;
        let losers = losses(&records, &fan_out.lost_groups);
        if losers.len() <= NEVER_BULK || !self.is_bulk(work, fan_out, losers.len()).await? {
            return Ok(());
        }
        let fresh: Vec<Held> =
            losers.into_iter().filter_map(|(id, groups)| held(&records, id, groups)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        self.hold(HoldCause::Group { group: work.subject.id.clone() }, &fresh).await
    }

    async fn is_bulk(&self, work: &Work, fan_out: &FanOut, lost: usize) -> Result<bool, CallError> {
        if hold::is_bulk(lost as u64, self.holds.managed_users().await?) {
            return Ok(true);
        }
        if !fan_out.still_assigned {
            return Ok(false);
        }
        let left = match fan_out.members_left {
            Some(left) => left,
            None => {
                let full = self.read_group_in_full(&work.subject.id).await?;
                full.joined.iter().filter(|subject| subject.kind == PrincipalKind::User).count()
            }
        };
        Ok(hold::empties_group(lost, left))
    }
}

/// Who of them holds which of these memberships by our hand.
fn losses(
    records: &BTreeMap<EntraObjectId, Record<UserRecord>>,
    lost: &BTreeSet<GroupId>,
) -> Vec<(EntraObjectId, BTreeSet<GroupId>)> {
    let losses = records.values().map(|record| {
        let held = record.principal.memberships.keys().filter(|group| lost.contains(*group));
        (record.id.clone(), held.cloned().collect::<BTreeSet<GroupId>>())
    });
    losses.filter(|(_, groups)| !groups.is_empty()).collect()
}

/// What is not held or approved yet.
fn held(
    records: &BTreeMap<EntraObjectId, Record<UserRecord>>,
    principal: EntraObjectId,
    mut groups: BTreeSet<GroupId>,
) -> Option<Held> {
    let marks = &records.get(&principal)?.marks;
    groups.retain(|group| !marks.held.contains(group) && !marks.approved.contains(group));
    let access = BTreeSet::new();
    (!groups.is_empty()).then_some(Held {
        principal,
        kind: PrincipalKind::User,
        groups,
        access,
        approved: false,
    })
}
