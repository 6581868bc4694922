//! Requests to sso-admin that are under way: how many more there may be, over all processes.

use super::{AccountAssignment, AssignmentChange};
use crate::EntraObjectId;
use crate::ids::AssignmentRequestId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// So many requests of ours are under way at most. AWS takes fifteen and does not raise that (quotas of IAM Identity
/// Center); one is left for a person at the console.
pub const MOST_OUTSTANDING: usize = 14;
/// A place that was taken without an answer since is given up then: a call with all its waits takes less than a
/// minute, and what it may have begun all the same is in AWS's list.
const UNANSWERED: SignedDuration = SignedDuration::from_mins(2);
/// For so long a request counts although AWS's list does not show it: lists run behind writes.
const NOT_LISTED_YET: SignedDuration = SignedDuration::from_secs(2);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// `CreateAccountAssignment`.
    Creation,
    /// `DeleteAccountAssignment`.
    Deletion,
}

/// A place among those that are under way. It is taken before the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentRequest {
    /// Whose assignment.
    pub group: EntraObjectId,
    /// What is asked for.
    pub kind: RequestKind,
    /// Which assignment.
    pub assignment: AccountAssignment,
    /// When the place was taken.
    pub since: Timestamp,
    /// `RequestId`; `None` until the call is answered.
    pub id: Option<AssignmentRequestId>,
}

/// Every place that is taken, whoever took it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outstanding {
    requests: Vec<AssignmentRequest>,
}

impl Outstanding {
    /// How many more requests there may be. `in_progress` is what AWS's lists show, other people's included.
    pub fn room(&self, in_progress: &BTreeSet<AssignmentRequestId>, now: Timestamp) -> usize {
        let unlisted = self.requests.iter().filter(|request| match &request.id {
            Some(id) => !in_progress.contains(id) && now.duration_since(request.since) < NOT_LISTED_YET,
            None => !request.is_given_up(now),
        });
        MOST_OUTSTANDING.saturating_sub(in_progress.len() + unlisted.count())
    }

    /// A group's requests.
    pub fn of(&self, group: &EntraObjectId) -> Vec<&AssignmentRequest> {
        self.requests.iter().filter(|request| request.group == *group).collect()
    }

    /// Takes a place for each of these changes.
    pub fn take(&mut self, group: &EntraObjectId, changes: &[AssignmentChange], now: Timestamp) {
        self.requests.extend(changes.iter().map(|change| {
            let (kind, assignment) = change.request();
            AssignmentRequest {
                group: group.clone(),
                kind,
                assignment: assignment.clone(),
                since: now,
                id: None,
            }
        }));
    }

    /// The call for this change was answered with this id.
    pub fn answered(&mut self, group: &EntraObjectId, change: &AssignmentChange, id: &AssignmentRequestId) {
        let taken = self.requests.iter_mut().find(|request| request.is_for(group, change));
        if let Some(request) = taken {
            request.id = Some(id.clone());
        }
    }

    /// The call for this change had no effect: its place is free.
    pub fn refused(&mut self, group: &EntraObjectId, change: &AssignmentChange) {
        self.requests.retain(|request| !request.is_for(group, change));
    }

    /// These requests of a group came to their end, or nobody will ever hear of them.
    pub fn ended(&mut self, group: &EntraObjectId, ended: &BTreeSet<AccountAssignment>) {
        self.requests.retain(|request| request.group != *group || !ended.contains(&request.assignment));
    }

    /// True if no place is taken.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

impl AssignmentRequest {
    /// True if it may still be under way.
    pub fn may_be_open(&self, in_progress: &BTreeSet<AssignmentRequestId>, now: Timestamp) -> bool {
        match &self.id {
            Some(id) => in_progress.contains(id),
            None => !self.is_given_up(now),
        }
    }

    fn is_given_up(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) >= UNANSWERED
    }

    fn is_for(&self, group: &EntraObjectId, change: &AssignmentChange) -> bool {
        let (kind, assignment) = change.request();
        self.group == *group && self.kind == kind && self.assignment == *assignment
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tests::{assignment, group};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn request_id(number: u64) -> AssignmentRequestId {
        AssignmentRequestId::parse(&format!("00000000-0000-4000-8000-{number:012}")).unwrap()
    }

    fn grants(count: u64) -> Vec<AssignmentChange> {
        (1..=count).map(|account| AssignmentChange::Grant(assignment(1, account))).collect()
    }

    #[test]
    fn fourteen_are_under_way_whoever_began_them() {
        let mut outstanding = Outstanding::default();
        assert_eq!(outstanding.room(&BTreeSet::new(), at(0)), 14);
        outstanding.take(&group(1), &grants(4), at(0));
        assert_eq!(outstanding.room(&[request_id(90), request_id(91)].into(), at(1)), 8);
        outstanding.answered(&group(1), &grants(1)[0], &request_id(1));
        assert_eq!(outstanding.room(&[request_id(1), request_id(90)].into(), at(60)), 9);
        let many = (0..15).map(request_id).collect();
        assert_eq!(outstanding.room(&many, at(1)), 0);
    }

    #[test]
    fn a_request_that_is_not_listed_yet_counts_for_a_moment_and_then_is_over() {
        let mut outstanding = Outstanding::default();
        outstanding.take(&group(1), &grants(1), at(0));
        outstanding.answered(&group(1), &grants(1)[0], &request_id(1));
        assert_eq!(outstanding.room(&BTreeSet::new(), at(1)), 13);
        assert_eq!(outstanding.room(&BTreeSet::new(), at(2)), 14);
    }

    #[test]
    fn a_place_whose_call_was_never_answered_is_free_again_after_two_minutes() {
        let mut outstanding = Outstanding::default();
        outstanding.take(&group(1), &grants(14), at(0));
        assert_eq!(outstanding.room(&BTreeSet::new(), at(119)), 0);
        assert_eq!(outstanding.room(&BTreeSet::new(), at(120)), 14);
        outstanding.refused(&group(1), &grants(1)[0]);
        assert_eq!(outstanding.of(&group(1)).len(), 13);
    }
}
