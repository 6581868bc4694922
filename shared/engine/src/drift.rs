//! Drift: what somebody did in Identity Center by hand. Objects that are gone are no error; memberships of managed
//! groups that somebody else wrote are taken away if an operator wants that.
//!
//! The ledger must prove that the group is ours; a group of somebody else's keeps its members. Memberships of our
//! users are taken away while their user is handled, as all others are. Members who are nobody's of ours have no
//! handling of their own: they go with the group's.

use crate::agenda::Reason;
use crate::mirror::Mirror;
use crate::ports::{CallError, Cause};
use crate::work::Work;
use planning::guard_rail::{self, Ours};
use planning::plan::{Change, Plan};
use planning::record::{GroupRecord, Record};
use planning::{GroupId, MembershipId, UserId};
use std::collections::{BTreeMap, BTreeSet};

impl Mirror {
    /// Claims a user's memberships in managed groups as ours, so that this handling takes away those that
    /// Entra ID does not call for. The claim is written down before anything is taken away.
    pub(crate) async fn claim_memberships(
        &self,
        work: &Work,
        record: &mut Record<planning::record::UserRecord>,
    ) -> Result<(), CallError> {
        let user = &mut record.principal;
        let Some(user_id) = user.user_id.clone().filter(|_| is_repair(work)) else {
            return Ok(());
        };
        for group in self.memberships_now(&user_id).await?.unwrap_or_default().into_keys() {
            let known = user.memberships.contains_key(&group) || user.granting.contains(&group);
            if !known && self.ledger.owner_of_group(&group).await?.is_some() {
                user.granting.insert(group);
            }
        }
        Ok(())
    }

    /// Takes members who are nobody's of ours out of a managed group.
    pub(crate) async fn revoke_strangers(
        &self,
        work: &Work,
        record: &Record<GroupRecord>,
    ) -> Result<(), CallError> {
        let Some(group) = record.principal.group_id.clone().filter(|_| is_repair(work)) else {
            return Ok(());
        };
        let members = self.members_now(&group).await?;
        let owned = self.ledger.owners_of_users(&members).await?;
        let strangers: BTreeSet<UserId> =
            members.into_iter().filter(|member| !owned.contains_key(member)).collect();
        let mut plan = Plan::empty(record.id.clone());
        plan.changes.extend(strangers.iter().map(|user| Change::RevokeMembership {
            user: user.clone(),
            group: group.clone(),
            membership: None,
        }));
        let ours = Ours { strangers, ..Ours::of_group(&record.principal) };
        let approved = guard_rail::approve(plan, &ours).map_err(|error| {
            CallError::new("approve", &record.id, Cause::Incomplete { missing: error.to_string() })
        })?;
        for change in approved.revocations() {
            self.apply(&approved, change, None, work).await?;
        }
        Ok(())
    }

    /// A user's memberships; `None` if the user was deleted by hand.
    pub(crate) async fn memberships_now(
        &self,
        user: &UserId,
    ) -> Result<Option<BTreeMap<GroupId, MembershipId>>, CallError> {
        match self.reader.memberships_of(user).await {
            Ok(memberships) => Ok(Some(memberships)),
            Err(CallError { cause: Cause::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A group's members; none if the group was deleted by hand.
    pub(crate) async fn members_now(&self, group: &GroupId) -> Result<BTreeSet<UserId>, CallError> {
        match self.reader.members_of(group).await {
            Err(CallError { cause: Cause::NotFound, .. }) => Ok(BTreeSet::new()),
            members => members,
        }
    }
}

pub(crate) fn is_repair(work: &Work) -> bool {
    work.agenda.iter().any(|key| key.reason == Reason::Repair)
}
