//! The agenda: all work that is not for now, in the ledger, in the order in which it is to be done.

use crate::trigger::{Expectation, Look, Origin, Subject, Trigger};
use jiff::{SignedDuration, Timestamp};
use planning::record::PrincipalKind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The lists that work waits in. None of them waits behind another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// What a live change takes away, or may turn out to take away: a few principals, never a bulk of them.
    LiveRevocation,
    /// Other work that may take access away, in bulk perhaps.
    Revocation,
    /// Everything else.
    Ordinary,
}

/// Why something is on the agenda.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A poll of the assignments found the principal assigned, or gone.
    Assignment,
    /// A group's handling names the principal.
    FanOut,
    /// Access was taken away: was that right, and has it stayed so?
    RevocationCheck,
    /// A read contradicted a notification.
    Contradiction,
    /// A service was too busy, or a name was not free yet.
    Deferred,
    /// A tombstone's grace period is over: what is left of it may be deleted.
    GraceOver,
    /// An operator approved a revocation that was held, or a plan.
    Approved,
    /// An operator adopted what stands in Identity Center.
    Adopted,
    /// Something of the principal is missing from Identity Center although the ledger has it.
    Doubt,
    /// A full sweep found a difference.
    Sweep,
    /// A membership of a managed group that somebody else wrote is to be taken away.
    Repair,
    /// A group's account assignments are under way, or rules, accounts or permission sets changed.
    Access,
}

impl fmt::Display for Reason {
    /// For the audit trail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Assignment => "assignment",
            Reason::FanOut => "group change",
            Reason::RevocationCheck => "check of a revocation",
            Reason::Contradiction => "check of a contradicted notification",
            Reason::Deferred => "deferred",
            Reason::GraceOver => "grace period over",
            Reason::Approved => "approved by an operator",
            Reason::Adopted => "adopted by an operator",
            Reason::Doubt => "doubt",
            Reason::Sweep => "full sweep",
            Reason::Repair => "repair of drift",
            Reason::Access => "account assignments",
        })
    }
}

/// Identifies an entry. Entries with equal keys are one: what is put twice is done once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AgendaKey {
    /// The list that the entry stands in.
    pub priority: Priority,
    /// Its place in the list: due time, subject, reason.
    pub place: String,
    /// Why it is there; part of the place, too.
    pub reason: Reason,
}

/// Work that becomes due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgendaEntry {
    /// When it becomes due; whole seconds.
    pub due: Timestamp,
    /// Which list it stands in.
    pub priority: Priority,
    /// Whom to look at.
    pub subject: Subject,
    /// Why.
    pub reason: Reason,
    /// How closely to look.
    pub look: Look,
    /// What a notification said, where that is the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
    /// When we learned of the change behind it.
    pub noticed_at: Timestamp,
}

impl Priority {
    /// Every priority, the most urgent first.
    pub const ALL: [Priority; 3] = [Priority::LiveRevocation, Priority::Revocation, Priority::Ordinary];

    /// The name as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Priority::LiveRevocation => "live-revocation",
            Priority::Revocation => "revocation",
            Priority::Ordinary => "ordinary",
        }
    }
}

impl AgendaEntry {
    /// The entry's key. Of what is due in the same second groups go first: their members need them.
    pub fn key(&self) -> AgendaKey {
        let Subject { kind, id } = &self.subject;
        let rank = match kind {
            PrincipalKind::Group => 0,
            PrincipalKind::User => 1,
        };
        AgendaKey {
            priority: self.priority,
            place: format!("{}#{rank}#{id}#{:?}", sortable(self.due), self.reason),
            reason: self.reason,
        }
    }

    /// The trigger that an entry becomes once it is due.
    pub fn trigger(&self) -> Trigger {
        Trigger {
            subject: self.subject.clone(),
            look: self.look,
            origin: Origin::Agenda { key: self.key() },
            expectations: self.expectations.clone(),
            noticed_at: self.noticed_at,
        }
    }
}

/// An instant as text that sorts like the instant; entries of one second share it.
pub fn sortable(instant: Timestamp) -> String {
    format!("{:012}", instant.as_second().max(0))
}

/// How long to wait before looking again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecheckDelays {
    /// After a revocation.
    pub revocation: SignedDuration,
    /// After a read that contradicts its notification, one entry each.
    pub contradiction: Vec<SignedDuration>,
    /// After a live change, and after a look that found nothing new.
    pub afterwards: SignedDuration,
}

impl Default for RecheckDelays {
    /// 60 s after a revocation; 1, 5 and 15 minutes after a contradiction (reads have been seen to lag
    /// behind their notifications by that much); once more 5 minutes after any live change, for the reading behind
    /// it may be older than the change.
    fn default() -> Self {
        Self {
            revocation: SignedDuration::from_secs(60),
            contradiction: [1, 5, 15].map(SignedDuration::from_mins).to_vec(),
            afterwards: SignedDuration::from_mins(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use planning::EntraObjectId;

    fn entry(second: i64, reason: Reason) -> AgendaEntry {
        let id = EntraObjectId::parse("f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e").unwrap();
        AgendaEntry {
            due: Timestamp::from_second(second).unwrap(),
            priority: Priority::Ordinary,
            subject: Subject::user(id),
            reason,
            look: Look::Ordinary,
            expectations: vec![],
            noticed_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_is_due_earlier_sorts_first() {
        assert!(entry(999_999_999, Reason::Doubt).key() < entry(1_000_000_000, Reason::Assignment).key());
    }

    #[test]
    fn the_same_work_put_twice_is_one_entry() {
        assert_eq!(entry(5, Reason::Deferred).key(), entry(5, Reason::Deferred).key());
        assert_ne!(entry(5, Reason::Deferred).key(), entry(5, Reason::Doubt).key());
    }
}
