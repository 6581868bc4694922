//! How near the groups come to what AWS allows for one permission set in one account.

use super::{AccountAssignment, DesiredAssignments};
use crate::EntraObjectId;
use std::collections::BTreeMap;

/// The most groups that may have one permission set in one account; AWS does not raise it (quotas of IAM
/// Identity Center).
pub const MOST_GROUPS: usize = 100;

/// From here on an operator is told: room for a few more groups while the remedy is found.
const NOTICE: usize = 90;

/// The assignments that so many groups are to have that the limit is near or passed, with the number of groups.
pub fn crowded(desired: &BTreeMap<EntraObjectId, DesiredAssignments>) -> BTreeMap<AccountAssignment, usize> {
    let mut groups = BTreeMap::new();
    for assignment in desired.values().flat_map(|desired| desired.granted.keys()) {
        *groups.entry(assignment.clone()).or_default() += 1;
    }
    groups.retain(|_, count| *count >= NOTICE);
    groups
}
