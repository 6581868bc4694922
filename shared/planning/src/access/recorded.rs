//! What the ledger remembers of a group's account assignments: the only proof that one of them is ours.

use super::{AccountAssignment, AssignmentPlan, DesiredAssignments};
use crate::digest::Digest;
use crate::ids::{AccountId, PermissionSetArn};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// The part of a group's record that is about its account assignments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessRecord {
    /// The name by which the group has its access: its own, unless it took another that calls for more.
    pub known_as: Option<String>,
    /// The name that it bore when its access was last looked at.
    pub looked_at_as: Option<String>,
    /// The assignments that we made, or took over.
    #[serde(with = "by_permission_set")]
    pub made: BTreeSet<AccountAssignment>,
    /// Assignments that are being made; what of them exists is ours.
    #[serde(with = "by_permission_set")]
    pub granting: BTreeSet<AccountAssignment>,
    /// Assignments that are being taken away; they were weighed before.
    #[serde(with = "by_permission_set")]
    pub revoking: BTreeSet<AccountAssignment>,
    /// Assignments whose change failed.
    #[serde(with = "by_permission_set")]
    pub failing: BTreeSet<AccountAssignment>,
    /// Before this time these are not asked for again.
    pub retry_at: Option<Timestamp>,
    /// What was last applied in full; `None` while something is under way, or its outcome is not known.
    pub applied: Option<Digest>,
}

impl AccessRecord {
    /// What the ledger proves that we made, or began to make.
    pub fn recorded(&self) -> BTreeSet<AccountAssignment> {
        self.made.union(&self.granting).cloned().collect()
    }

    /// True if nothing of the group's is ours, or on its way to being so.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty() && self.granting.is_empty()
    }

    /// True if the ledger proves that the group has what it should.
    pub fn is_in_step(&self, desired: &DesiredAssignments) -> bool {
        self.granting.is_empty() && self.applied.as_ref() == Some(&desired.digest())
    }

    /// True if something of it is still to come or to go.
    pub fn is_under_way(&self) -> bool {
        !self.is_empty() && self.applied.is_none()
    }

    /// What is not to be asked for at this time, for it failed a short while ago.
    pub fn resting(&self, now: Timestamp) -> BTreeSet<AccountAssignment> {
        match self.retry_at {
            Some(retry_at) if now < retry_at => self.failing.clone(),
            _ => BTreeSet::new(),
        }
    }

    /// These changes failed, and rest until then, with those that rest already.
    pub fn rest(
        &mut self,
        failed: impl IntoIterator<Item = AccountAssignment>,
        until: Timestamp,
        now: Timestamp,
    ) {
        self.failing = self.resting(now);
        self.failing.extend(failed);
        self.retry_at = (!self.failing.is_empty()).then_some(until);
    }

    /// Before anything is asked for: what is to be made will be ours, and nothing is certain until it has been looked
    /// at again.
    pub fn begin(&mut self, plan: &AssignmentPlan) {
        self.granting.extend(plan.grants().cloned());
        self.revoking.extend(plan.revocations().cloned());
        self.made.extend(plan.claimed.iter().cloned());
        self.applied = None;
    }

    /// The group's object is gone, and with it all that it had.
    pub fn object_is_gone(&mut self) {
        *self = Self { known_as: self.known_as.take(), ..Self::default() };
    }

    /// Everything took effect, and `actual` is what the group has.
    pub fn settle(&mut self, desired: &DesiredAssignments, actual: &BTreeSet<AccountAssignment>) {
        let recorded = self.recorded();
        let ours =
            |held: &&AccountAssignment| recorded.contains(*held) || desired.granted.contains_key(*held);
        self.made = actual.iter().filter(ours).cloned().collect();
        self.granting.clear();
        self.revoking.clear();
        self.failing.clear();
        self.retry_at = None;
        self.applied = Some(desired.digest());
    }
}

/// Assignments as accounts by permission set: a tenth of the size, for records have a limit.
mod by_permission_set {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        assignments: &BTreeSet<AccountAssignment>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut accounts: BTreeMap<&PermissionSetArn, BTreeSet<&AccountId>> = BTreeMap::new();
        for AccountAssignment { permission_set, account } in assignments {
            accounts.entry(permission_set).or_default().insert(account);
        }
        accounts.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<AccountAssignment>, D::Error> {
        let accounts = BTreeMap::<PermissionSetArn, BTreeSet<AccountId>>::deserialize(deserializer)?;
        let assignments = accounts.into_iter().flat_map(|(permission_set, accounts)| {
            accounts
                .into_iter()
                .map(move |account| AccountAssignment { permission_set: permission_set.clone(), account })
        });
        Ok(assignments.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tests::assignment;

    #[test]
    fn a_record_reads_back_and_names_a_permission_set_once() {
        let made = (1..=7_000).map(|account| assignment(1, account)).collect();
        let record = AccessRecord { made, granting: [assignment(2, 1)].into(), ..AccessRecord::default() };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<AccessRecord>(&text).unwrap(), record);
        assert!(text.len() < 120_000, "{} bytes for 7,000 accounts", text.len());
        assert_eq!(serde_json::from_str::<AccessRecord>("{}").unwrap(), AccessRecord::default());
    }

    #[test]
    fn what_stands_and_is_called_for_is_ours_and_what_never_came_about_is_not() {
        let mut record =
            AccessRecord { granting: [1, 2].map(|to| assignment(1, to)).into(), ..Default::default() };
        let mut desired = DesiredAssignments::default();
        desired.granted.insert(assignment(1, 1), BTreeSet::new());
        record.settle(&desired, &[assignment(1, 1), assignment(1, 9)].into());
        assert_eq!(record.recorded(), [assignment(1, 1)].into());
        assert!(record.is_in_step(&desired) && !record.is_in_step(&DesiredAssignments::default()));
    }
}
