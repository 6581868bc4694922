//! The set of assigned principals, and what two polls of it come to.

use crate::EntraObjectId;
use crate::digest::Digest;
use crate::record::PrincipalKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Users and groups with an appRoleAssignment to the enterprise application.
pub type Principals = BTreeMap<EntraObjectId, PrincipalKind>;

/// The assigned set as the ledger holds it. It is complete by construction: it is stored only after a
/// complete read, and after the records and the agenda know of every difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedSet {
    /// Who counts as assigned.
    pub principals: Principals,
    /// Those of them that the last poll did not show: gone if the next one does not show them either.
    pub missing_once: BTreeSet<EntraObjectId>,
}

/// What the ledger's header tells of the set without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedHeader {
    /// Counts the changes of the set; 1 is the first.
    pub version: u64,
    /// The digest of `principals`.
    pub digest: Digest,
    /// How many principals are missing once.
    pub missing_once: usize,
    /// How many principals there are.
    pub count: usize,
}

impl AssignedSet {
    /// The header of this set.
    pub fn header(&self, version: u64) -> AssignedHeader {
        AssignedHeader {
            version,
            digest: Digest::of(&self.principals),
            missing_once: self.missing_once.len(),
            count: self.principals.len(),
        }
    }
}

impl AssignedHeader {
    /// True if a poll that read `principals` changes nothing.
    pub fn agrees_with(&self, principals: &Principals) -> bool {
        self.missing_once == 0 && self.digest == Digest::of(principals)
    }
}

/// What a poll changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollOutcome {
    /// Newly assigned.
    pub came: Principals,
    /// Not shown by two polls running.
    pub gone: Principals,
    /// The set to store once records and agenda know of `came` and `gone`.
    pub next: AssignedSet,
}

/// The answer of a poll cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Graph shows no assignment at all where {known} were known: nothing is revoked because of that. \
     If every assignment was removed on purpose, remove the users and groups one after the other, \
     or disable the users; if not, check the servicePrincipal id and the permission Application.Read.All"
)]
pub struct EmptyAnswer {
    known: usize,
}

/// Compares a complete read of the assignments with the set that is known.
///
/// # Errors
/// [`EmptyAnswer`] if nothing at all was read although something was known: the worst misreading there is.
pub fn poll(known: &AssignedSet, read: &Principals) -> Result<PollOutcome, EmptyAnswer> {
    if read.is_empty() && !known.principals.is_empty() {
        return Err(EmptyAnswer { known: known.principals.len() });
    }
    let mut outcome = PollOutcome {
        came: Principals::new(),
        gone: Principals::new(),
        next: AssignedSet { principals: read.clone(), missing_once: BTreeSet::new() },
    };
    for (id, kind) in read {
        if !known.principals.contains_key(id) {
            outcome.came.insert(id.clone(), *kind);
        }
    }
    for (id, kind) in &known.principals {
        if read.contains_key(id) {
            continue;
        }
        if known.missing_once.contains(id) {
            outcome.gone.insert(id.clone(), *kind);
        } else {
            outcome.next.missing_once.insert(id.clone());
            outcome.next.principals.insert(id.clone(), *kind);
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::{entra_id, group_id};

    fn principals(users: &[u32]) -> Principals {
        users.iter().map(|n| (entra_id(*n), PrincipalKind::User)).collect()
    }

    fn known(users: &[u32]) -> AssignedSet {
        AssignedSet { principals: principals(users), missing_once: BTreeSet::new() }
    }

    #[test]
    fn who_is_missing_once_stays_assigned() {
        let outcome = poll(&known(&[1, 2]), &principals(&[1])).unwrap();
        assert!(outcome.gone.is_empty());
        assert!(outcome.next.principals.contains_key(&entra_id(2)));
    }

    #[test]
    fn who_is_missing_twice_running_is_gone() {
        let once = poll(&known(&[1, 2]), &principals(&[1])).unwrap().next;
        let outcome = poll(&once, &principals(&[1])).unwrap();
        assert_eq!(outcome.gone, principals(&[2]));
        assert_eq!(outcome.next, known(&[1]));
    }

    #[test]
    fn who_comes_back_between_two_polls_was_never_gone() {
        let once = poll(&known(&[1, 2]), &principals(&[1])).unwrap().next;
        let back = poll(&once, &principals(&[1, 2])).unwrap();
        assert!(back.came.is_empty() && back.gone.is_empty());
        assert!(back.next.missing_once.is_empty());
    }

    #[test]
    fn an_empty_answer_is_not_believed() {
        assert!(poll(&known(&[1]), &Principals::new()).is_err());
        assert!(poll(&AssignedSet::default(), &Principals::new()).is_ok());
    }

    #[test]
    fn a_poll_that_changes_nothing_is_told_by_the_header_alone() {
        let mut set = known(&[1, 2]);
        set.principals.insert(group_id(1), PrincipalKind::Group);
        assert!(set.header(3).agrees_with(&set.principals));
        set.missing_once.insert(entra_id(2));
        assert!(!set.header(3).agrees_with(&set.principals));
    }
}
