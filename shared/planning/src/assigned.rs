//! The set of assigned principals, and what two polls of it come to.

use crate::EntraObjectId;
use crate::digest::Digest;
use crate::hold;
use crate::record::PrincipalKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Users and groups with an appRoleAssignment to the enterprise application.
pub type Principals = BTreeMap<EntraObjectId, PrincipalKind>;

/// The assigned set as the ledger holds it. It is complete by construction: it is stored only after a
/// complete read. Who comes, and who goes, stands in it as such before records and agenda know, and as settled
/// after they do: what a poll that broke off has told them, the next one knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedSet {
    /// Who counts as assigned.
    pub principals: Principals,
    /// Those of them that the last poll did not show: gone if the next one does not show them either.
    pub missing_once: BTreeSet<EntraObjectId>,
    /// Those that are gone, but in such numbers that they count as assigned until an operator decides.
    pub held: BTreeSet<EntraObjectId>,
    /// Those who come, and of whom records and agenda may not know yet.
    pub arriving: BTreeSet<EntraObjectId>,
    /// Those who go: some records and the agenda may know it already.
    pub leaving: BTreeSet<EntraObjectId>,
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
    /// How many principals are held.
    pub held: usize,
    /// How many principals come: records and agenda may not know of them yet.
    pub arriving: usize,
    /// How many principals go.
    pub leaving: usize,
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
            held: self.held.len(),
            arriving: self.arriving.len(),
            leaving: self.leaving.len(),
            count: self.principals.len(),
        }
    }
}

impl AssignedHeader {
    /// True if a poll that read `principals` changes nothing.
    pub fn agrees_with(&self, principals: &Principals) -> bool {
        let open = self.missing_once + self.held + self.arriving + self.leaving;
        open == 0 && self.digest == Digest::of(principals)
    }

    /// False while all there is was only announced: the records do not follow the set yet.
    pub fn is_complete(&self) -> bool {
        self.arriving == 0 || self.arriving < self.count
    }
}

/// What a poll changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollOutcome {
    /// Newly assigned.
    pub came: Principals,
    /// Not shown by two polls running, or held and approved by now.
    pub gone: Principals,
    /// Gone in such numbers that an operator decides.
    pub newly_held: Principals,
    /// Of those who are gone: known to be going from a poll that broke off, which has counted them.
    pub counted: BTreeSet<EntraObjectId>,
    /// The set to store before records and agenda learn of anything; `None` if it says so already.
    pub announced: Option<AssignedSet>,
    /// The set to store once records and agenda know of `came` and `gone`, and the hold of `newly_held`.
    pub next: AssignedSet,
}

/// Compares a complete read of the assignments with the set that is known. `approved` is what an operator
/// approved of what is held; `recently_gone` counts those whose assignment went in the last ten minutes, so
/// that many small losses weigh as one large one.
///
/// An answer that shows nobody at all is the worst misreading there is: whatever it says is gone is held.
pub fn poll(
    known: &AssignedSet,
    read: &Principals,
    approved: &BTreeSet<EntraObjectId>,
    recently_gone: u64,
) -> PollOutcome {
    let mut next = AssignedSet { principals: read.clone(), ..AssignedSet::default() };
    let (mut gone, mut fresh) = (Principals::new(), Principals::new());
    for (id, kind) in known.principals.iter().filter(|(id, _)| !read.contains_key(*id)) {
        if known.leaving.contains(id) || known.held.contains(id) && approved.contains(id) {
            gone.insert(id.clone(), *kind);
            continue;
        }
        if known.held.contains(id) {
            next.held.insert(id.clone());
        } else if known.missing_once.contains(id) {
            fresh.insert(id.clone(), *kind);
            continue;
        } else {
            next.missing_once.insert(id.clone());
        }
        next.principals.insert(id.clone(), *kind);
    }
    let weight = fresh.len() as u64 + recently_gone;
    let is_bulk = read.is_empty() || hold::is_bulk(weight, known.principals.len() as u64);
    let mut newly_held = Principals::new();
    if is_bulk {
        next.held.extend(fresh.keys().cloned());
        next.principals.extend(fresh.clone());
        newly_held = fresh;
    } else {
        gone.extend(fresh);
    }
    let unheard =
        known.arriving.iter().filter(|id| !read.contains_key(*id) && next.principals.contains_key(*id));
    next.arriving = unheard.cloned().collect();
    let is_new = |id: &EntraObjectId| {
        !known.principals.contains_key(id) || known.arriving.contains(id) || known.leaving.contains(id)
    };
    let came: Principals =
        read.iter().filter(|(id, _)| is_new(id)).map(|(id, kind)| (id.clone(), *kind)).collect();
    let counted = known.leaving.iter().filter(|id| gone.contains_key(*id)).cloned().collect();
    PollOutcome { announced: announced(known, &came, &gone), came, gone, newly_held, counted, next }
}

fn announced(known: &AssignedSet, came: &Principals, gone: &Principals) -> Option<AssignedSet> {
    let mut set = known.clone();
    set.arriving.extend(came.keys().cloned());
    set.principals.extend(came.clone());
    set.leaving.extend(gone.keys().cloned());
    (set != *known).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::{entra_id, group_id};

    fn principals(users: &[u32]) -> Principals {
        users.iter().map(|n| (entra_id(*n), PrincipalKind::User)).collect()
    }

    fn known(users: &[u32]) -> AssignedSet {
        AssignedSet { principals: principals(users), ..AssignedSet::default() }
    }

    fn poll(known: &AssignedSet, read: &Principals) -> PollOutcome {
        super::poll(known, read, &BTreeSet::new(), 0)
    }

    /// The outcome of a second poll that shows the same.
    fn twice(known: &AssignedSet, read: &Principals) -> PollOutcome {
        poll(&poll(known, read).next, read)
    }

    #[test]
    fn who_is_missing_once_stays_assigned() {
        let outcome = poll(&known(&[1, 2]), &principals(&[1]));
        assert!(outcome.gone.is_empty());
        assert!(outcome.next.principals.contains_key(&entra_id(2)));
    }

    #[test]
    fn who_is_missing_twice_running_is_gone() {
        let outcome = twice(&known(&[1, 2]), &principals(&[1]));
        assert_eq!(outcome.gone, principals(&[2]));
        assert_eq!(outcome.next, known(&[1]));
    }

    #[test]
    fn who_comes_back_between_two_polls_was_never_gone() {
        let once = poll(&known(&[1, 2]), &principals(&[1])).next;
        let back = poll(&once, &principals(&[1, 2]));
        assert!(back.came.is_empty() && back.gone.is_empty());
        assert!(back.next.missing_once.is_empty());
    }

    #[test]
    fn an_answer_that_shows_nobody_is_held_at_any_size() {
        let outcome = twice(&known(&[1]), &Principals::new());
        assert_eq!((outcome.gone, outcome.newly_held), (Principals::new(), principals(&[1])));
        assert!(outcome.next.principals.contains_key(&entra_id(1)), "who is held counts as assigned");
    }

    #[test]
    fn many_at_once_are_held_and_go_once_approved_if_they_are_still_missing() {
        let all: Vec<u32> = (1..=100).collect();
        let held = twice(&known(&all), &principals(&all[..70])).next;
        assert_eq!(held.held.len(), 30);
        let approved = held.held.clone();
        let outcome = super::poll(&held, &principals(&all[..71]), &approved, 0);
        assert_eq!(outcome.gone.len(), 29, "who is back is not revoked");
        assert!(outcome.next.held.is_empty());
    }

    #[test]
    fn a_lone_leaver_during_a_hold_is_not_held() {
        let all: Vec<u32> = (1..=100).collect();
        let held = twice(&known(&all), &principals(&all[..70])).next;
        let outcome = twice(&held, &principals(&all[..69]));
        assert_eq!(outcome.gone, principals(&[70]));
        assert_eq!(outcome.next.held.len(), 30);
    }

    #[test]
    fn small_losses_that_follow_each_other_weigh_as_one() {
        let all: Vec<u32> = (1..=100).collect();
        let once = poll(&known(&all), &principals(&all[..80])).next;
        assert_eq!(super::poll(&once, &principals(&all[..80]), &BTreeSet::new(), 0).gone.len(), 20);
        assert_eq!(super::poll(&once, &principals(&all[..80]), &BTreeSet::new(), 20).newly_held.len(), 20);
    }

    #[test]
    fn who_was_announced_by_a_poll_that_broke_off_comes_again_or_goes() {
        let announced = poll(&known(&[1]), &principals(&[1, 2])).announced.unwrap();
        assert_eq!(announced.arriving, BTreeSet::from([entra_id(2)]));
        let again = poll(&announced, &principals(&[1, 2]));
        assert_eq!((again.came, again.announced), (principals(&[2]), None));
        assert_eq!(again.next, known(&[1, 2]));
        let without = poll(&announced, &principals(&[1])).next;
        assert_eq!(without.arriving, announced.arriving, "the records may still not know");
        assert_eq!(poll(&without, &principals(&[1])).gone, principals(&[2]));
    }

    #[test]
    fn who_goes_is_not_weighed_again_after_a_poll_that_broke_off() {
        let all: Vec<u32> = (1..=100).collect();
        let once = poll(&known(&all), &principals(&all[..80])).next;
        let going = poll(&once, &principals(&all[..80])).announced.unwrap();
        assert_eq!(going.leaving.len(), 20);
        let again = super::poll(&going, &principals(&all[..81]), &BTreeSet::new(), 20);
        assert_eq!((again.gone.len(), again.counted.len(), again.newly_held.len()), (19, 19, 0));
        assert_eq!(again.came, principals(&[81]), "whose record may say already that nothing is assigned");
        assert_eq!(again.next, known(&all[..81]));
    }

    #[test]
    fn a_set_that_is_only_announced_is_not_complete() {
        let first = poll(&AssignedSet::default(), &principals(&[1, 2])).announced.unwrap();
        assert!(!first.header(1).is_complete());
        let later = poll(&known(&[1]), &principals(&[1, 2])).announced.unwrap();
        assert!(later.header(2).is_complete() && !later.header(2).agrees_with(&principals(&[1, 2])));
        assert!(known(&[]).header(1).is_complete(), "nobody is assigned");
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
