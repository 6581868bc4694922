//! Re-checks: what is looked at again, and when.

use crate::agenda::{AgendaEntry, Priority, Reason, RecheckDelays};
use crate::trigger::{Expectation, Look};
use crate::work::Work;
use jiff::{SignedDuration, Timestamp};

/// The shortest and the longest wait before deferred work is taken up again.
const DEFERRAL: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(2), SignedDuration::from_mins(15));

/// A revocation is looked at again: the read behind it may have been ahead of, or behind, the truth. So is
/// whatever a re-check changed.
pub(crate) fn after_revocation(work: &Work, delays: &RecheckDelays, now: Timestamp) -> Vec<AgendaEntry> {
    let due = now + delays.revocation;
    vec![recheck(entry(work, Priority::Ordinary, Reason::RevocationCheck, due, Vec::new()))]
}

/// A read that contradicts its notification, or that nothing confirms, is looked at again, several times.
pub(crate) fn after_contradiction(
    work: &Work,
    contradicted: Vec<Expectation>,
    delays: &RecheckDelays,
    now: Timestamp,
) -> Vec<AgendaEntry> {
    // Somebody who is said to have left must not keep access because much else is to be done.
    let left = contradicted.iter().any(|expected| !expected.joined);
    let priority = if left { Priority::LiveRevocation } else { Priority::Ordinary };
    let due = delays.contradiction.iter().map(|delay| now + *delay);
    due.map(|due| recheck(entry(work, priority, Reason::Contradiction, due, contradicted.clone()))).collect()
}

/// What led to the look may have run ahead of what could be read: who was disabled must not keep access because of it.
pub(crate) fn after_look(work: &Work, delays: &RecheckDelays, now: Timestamp) -> Vec<AgendaEntry> {
    let due = now + delays.afterwards;
    vec![recheck(entry(work, Priority::Ordinary, Reason::Contradiction, due, Vec::new()))]
}

/// Work that a service, or another principal, makes wait. Without a time from the service the wait grows
/// with the age of the work, so that what never becomes possible is tried ever more seldom. What an operator
/// approved stays approved, a tombstone's end stays its end, and whoever asked for more than a look still does: for
/// account assignments, or for what somebody else wrote to be taken away.
pub(crate) fn deferred(
    work: &Work,
    priority: Priority,
    retry_after: Option<SignedDuration>,
    now: Timestamp,
) -> Vec<AgendaEntry> {
    let due = now + retry_after.unwrap_or_else(|| growing(work, now)).clamp(DEFERRAL.0, DEFERRAL.1);
    let mut reasons = Vec::new();
    reasons.extend(work.approved.then_some(Reason::Approved));
    reasons.extend(work.grace_over.then_some(Reason::GraceOver));
    let asks = |reason: &Reason| work.agenda.iter().any(|key| key.reason == *reason);
    reasons.extend([Reason::Access, Reason::Sweep, Reason::Repair].into_iter().filter(asks));
    // By an entry about access alone nothing but access is looked at.
    if reasons.is_empty() || reasons == [Reason::Access] && !work.is_only_access() {
        reasons.push(Reason::Deferred);
    }
    let expectations: Vec<Expectation> = work.expectations.iter().cloned().collect();
    reasons.into_iter().map(|reason| entry(work, priority, reason, due, expectations.clone())).collect()
}

/// A wait that grows with the age of the work.
pub(crate) fn growing(work: &Work, now: Timestamp) -> SignedDuration {
    now.duration_since(work.noticed_at).clamp(DEFERRAL.0, DEFERRAL.1)
}

/// It is Entra ID's answer that is doubtful: that of Identity Center was read.
fn recheck(entry: AgendaEntry) -> AgendaEntry {
    AgendaEntry { look: Look::ReadAnyway, ..entry }
}

fn entry(
    work: &Work,
    priority: Priority,
    reason: Reason,
    due: Timestamp,
    expectations: Vec<Expectation>,
) -> AgendaEntry {
    AgendaEntry {
        due,
        priority,
        subject: work.subject.clone(),
        reason,
        look: work.look.max(Look::ReadAnyway),
        expectations,
        noticed_at: work.noticed_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::{Origin, Subject, Trigger};
    use crate::work::coalesce;
    use planning::EntraObjectId;

    fn reasons_after(reasons: &[Reason]) -> Vec<Reason> {
        let id = EntraObjectId::parse("f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e").unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let triggers = reasons.iter().map(|reason| {
            let work =
                &coalesce([trigger(&id, Origin::FanOut { group: id.clone() })])[&Subject::group(id.clone())];
            let key = entry(work, Priority::Ordinary, *reason, now, Vec::new()).key();
            trigger(&id, Origin::Agenda { key })
        });
        let work = &coalesce(triggers)[&Subject::group(id.clone())];
        deferred(work, Priority::Ordinary, None, now).into_iter().map(|entry| entry.reason).collect()
    }

    fn trigger(id: &EntraObjectId, origin: Origin) -> Trigger {
        Trigger {
            subject: Subject::group(id.clone()),
            look: Look::ReadAnyway,
            origin,
            expectations: Vec::new(),
            noticed_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn work_that_steps_back_is_still_what_it_was() {
        assert_eq!(reasons_after(&[Reason::Assignment]), [Reason::Deferred]);
        assert_eq!(reasons_after(&[Reason::Approved]), [Reason::Approved]);
        assert_eq!(
            reasons_after(&[Reason::GraceOver, Reason::Approved]),
            [Reason::Approved, Reason::GraceOver]
        );
        assert_eq!(reasons_after(&[Reason::Access]), [Reason::Access]);
        assert_eq!(reasons_after(&[Reason::Sweep, Reason::FanOut]), [Reason::Sweep]);
        assert_eq!(reasons_after(&[Reason::Repair]), [Reason::Repair]);
        assert_eq!(reasons_after(&[Reason::Access, Reason::FanOut]), [Reason::Access, Reason::Deferred]);
    }
}
