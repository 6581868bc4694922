//! Work: everything that the triggers of one batch say about one principal, in one piece.

use crate::agenda::{AgendaKey, Priority, Reason};
use crate::ports::CallError;
use crate::trigger::{Expectation, Look, Origin, Subject, Trigger};
use jiff::Timestamp;
use planning::EntraObjectId;
use planning::record::PrincipalKind;
use std::collections::{BTreeMap, BTreeSet};

/// One principal to look at, however many triggers name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) subject: Subject,
    /// The closest look that any trigger asks for.
    pub(crate) look: Look,
    pub(crate) expectations: BTreeSet<Expectation>,
    /// Entries to tick off once the work is done.
    pub(crate) agenda: BTreeSet<AgendaKey>,
    /// At least one trigger is a notification: Entra ID says that something changed.
    pub(crate) notified: bool,
    /// At least one trigger comes from a change itself, and not from the agenda.
    pub(crate) live: bool,
    /// An entry among the agenda's revocations led here.
    among_revocations: bool,
    /// An entry among those revocations that live changes left behind led here.
    among_live_revocations: bool,
    /// Nothing but looking again at what was looked at before.
    pub(crate) only_recheck: bool,
    /// An operator approved the revocations behind this: they are not weighed again.
    pub(crate) approved: bool,
    /// A tombstone's grace period may be over.
    pub(crate) grace_over: bool,
    /// Others who need a name that this one is said to give up.
    pub(crate) name_needed_by: BTreeSet<EntraObjectId>,
    /// The earliest notice.
    pub(crate) noticed_at: Timestamp,
    /// What led here, for the audit trail.
    pub(crate) cause: String,
}

/// Joins the triggers of a batch by subject.
pub(crate) fn coalesce(triggers: impl IntoIterator<Item = Trigger>) -> BTreeMap<Subject, Work> {
    let mut all = BTreeMap::new();
    for trigger in triggers {
        let work = all.entry(trigger.subject.clone()).or_insert_with(|| Work {
            subject: trigger.subject.clone(),
            look: Look::Ordinary,
            expectations: BTreeSet::new(),
            agenda: BTreeSet::new(),
            notified: false,
            live: false,
            among_revocations: false,
            among_live_revocations: false,
            only_recheck: true,
            approved: false,
            grace_over: false,
            name_needed_by: BTreeSet::new(),
            noticed_at: trigger.noticed_at,
            cause: trigger.origin.to_string(),
        });
        work.add(trigger);
    }
    all
}

/// The ids of one kind of principal.
pub(crate) fn ids_of(work: &BTreeMap<Subject, Work>, kind: PrincipalKind) -> BTreeSet<EntraObjectId> {
    work.keys().filter(|subject| subject.kind == kind).map(|subject| subject.id.clone()).collect()
}

/// A handling that ended early, and among what the rest of it has to wait if it steps back to the agenda.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) error: CallError,
    pub(crate) priority: Priority,
}

impl Work {
    /// It comes from a live change that may take access away: other work does not make it wait.
    pub(crate) fn is_urgent(&self) -> bool {
        self.live || self.among_live_revocations
    }

    /// Nothing but the group's account assignments is to be looked at.
    pub(crate) fn is_only_access(&self) -> bool {
        !self.live && !self.agenda.is_empty() && self.agenda.iter().all(|key| key.reason == Reason::Access)
    }

    /// It says, or may say, something about the group's account assignments.
    pub(crate) fn asks_for_access(&self) -> bool {
        let asks = |key: &AgendaKey| matches!(key.reason, Reason::Access | Reason::Doubt | Reason::Sweep);
        self.look == Look::InDoubt || self.agenda.iter().any(asks)
    }

    /// Something happened to the principal, or to a group that names it: it may be coming back, and what can be read of
    /// that may run behind.
    pub(crate) fn tells_of_a_change(&self) -> bool {
        let tells = |key: &AgendaKey| matches!(key.reason, Reason::FanOut | Reason::Assignment);
        self.live || self.agenda.iter().any(tells)
    }

    /// The list for what is left to take away.
    pub(crate) fn list_of_revocations(&self) -> Priority {
        if self.is_urgent() { Priority::LiveRevocation } else { Priority::Revocation }
    }

    /// It ended before it was known what is to be done. A live change may turn out to take access away: the
    /// rest must wait neither behind what gives nor behind revocations in bulk.
    pub(crate) fn stopped(&self, error: CallError) -> Stopped {
        let may_revoke = self.is_urgent() || self.among_revocations;
        let priority = if may_revoke { self.list_of_revocations() } else { Priority::Ordinary };
        Stopped { error, priority }
    }

    fn add(&mut self, trigger: Trigger) {
        self.look = self.look.max(trigger.look);
        self.expectations.extend(trigger.expectations);
        self.noticed_at = self.noticed_at.min(trigger.noticed_at);
        self.live |= !matches!(trigger.origin, Origin::Agenda { .. });
        match trigger.origin {
            Origin::Notification { .. } => (self.notified, self.only_recheck) = (true, false),
            Origin::FanOut { .. } => self.only_recheck = false,
            Origin::NameNeeded { by } => {
                self.only_recheck = false;
                self.name_needed_by.insert(by);
            }
            Origin::Agenda { key } => {
                self.only_recheck &= key.is_recheck();
                self.among_revocations |= key.priority == Priority::Revocation;
                self.among_live_revocations |= key.priority == Priority::LiveRevocation;
                self.approved |= key.reason == Reason::Approved;
                self.grace_over |= key.reason == Reason::GraceOver;
                self.agenda.insert(key);
            }
        }
    }
}

impl AgendaKey {
    /// True for entries that look again at what was looked at before; they beget no further ones.
    fn is_recheck(&self) -> bool {
        matches!(self.reason, Reason::RevocationCheck | Reason::Contradiction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(second: i64, look: Look, origin: Origin) -> Trigger {
        let id = EntraObjectId::parse("f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e").unwrap();
        let noticed_at = Timestamp::from_second(second).unwrap();
        Trigger { subject: Subject::user(id), look, origin, expectations: vec![], noticed_at }
    }

    #[test]
    fn several_triggers_of_one_principal_are_one_piece_of_work() {
        let all = coalesce([
            trigger(7, Look::Ordinary, Origin::Notification { id: None }),
            trigger(5, Look::InDoubt, Origin::Notification { id: None }),
        ]);
        let work: Vec<_> = all.values().collect();
        assert_eq!(work.len(), 1);
        assert_eq!((work[0].look, work[0].noticed_at.as_second()), (Look::InDoubt, 5));
        assert!(work[0].notified && !work[0].only_recheck);
    }
}
