//! What must hold, seen from outside: compared with truth, never with what could be read.

use super::entra::Entra;
use super::target::Trusting;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{Certificate, Mode, Persisted, Policy, Sha256Fingerprint, TargetId, Write, days};
use std::collections::{BTreeMap, BTreeSet};

/// Looks at a history.
#[derive(Debug, Clone)]
pub struct Watch {
    mode: Mode,
    /// Nothing but sign-ins is looked at.
    only_sign_ins: bool,
    /// What people said without having done it.
    lies: BTreeSet<(TargetId, Sha256Fingerprint)>,
    /// Why the certificate may expire in this history.
    pub excuse: Option<&'static str>,
    /// The first thing that did not hold.
    pub violation: Option<String>,
    /// Looks at which somebody could not sign in, and nothing excused it.
    pub failed: u64,
    /// Looks at which somebody could not sign in because somebody gave their word falsely.
    pub lied: u64,
    /// Looks at which somebody could not sign in because people let the certificate expire.
    pub neglected: u64,
    /// Since when sign-ins fail because of a lie, while a way back is there.
    lied_since: Option<Timestamp>,
    /// Activations after a lie that sign-ins led back from.
    pub lies_undone: u64,
    staged: BTreeSet<String>,
    trusted_since: BTreeMap<Sha256Fingerprint, Timestamp>,
    /// What signs, and since when.
    signing: Option<(Sha256Fingerprint, Timestamp)>,
    is_pinned: bool,
    /// Writes, by kind.
    pub writes: BTreeMap<&'static str, u64>,
}

/// How much the I2 deadline may be overrun: runs are daily at the least, and Graph may be away for a day or two.
const OVERRUN: SignedDuration = days(3);
/// After how long a lie must have been undone while sign-ins can be read.
const UNDONE: SignedDuration = SignedDuration::from_hours(60);

/// Why somebody cannot sign in.
pub struct Failure {
    target: TargetId,
    sha256: Sha256Fingerprint,
    is_trusted: bool,
}

impl Watch {
    /// Looks at everything, or at nothing but sign-ins.
    pub fn new(mode: Mode, only_sign_ins: bool) -> Self {
        Self {
            mode,
            only_sign_ins,
            lies: BTreeSet::new(),
            excuse: None,
            violation: None,
            failed: 0,
            lied: 0,
            neglected: 0,
            lied_since: None,
            lies_undone: 0,
            staged: BTreeSet::new(),
            trusted_since: BTreeMap::new(),
            signing: None,
            is_pinned: false,
            writes: BTreeMap::new(),
        }
    }

    /// People did, or did not do, what lets the certificate expire.
    pub fn excuse(&mut self, why: &'static str) {
        self.excuse.get_or_insert(why);
    }

    /// Somebody will say that they imported it, and did not.
    pub fn lie(&mut self, target: &TargetId, sha256: Sha256Fingerprint) {
        self.lies.insert((target.clone(), sha256));
        self.excuse("people lie");
    }

    /// A word was taken.
    pub fn attested(&mut self, typed: &str, target: &TargetId, store: &Persisted) {
        let staged = store.rotation.as_ref().and_then(|rotation| rotation.staged.as_ref());
        let whole = staged.map(|staged| staged.sha256.to_string());
        if whole.as_deref() != Some(typed) {
            self.report(format!(
                "I3: {typed:?} was taken for the fingerprint of the staged certificate at {target}"
            ));
        }
    }

    fn report(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    fn ensure(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.report(what());
        }
    }

    /// Tries a sign-in at every target.
    pub fn can_sign_in(&self, now: Timestamp, entra: &Entra, targets: &[Trusting]) -> Result<(), Failure> {
        let Some(signing) = entra.signing(now) else { return Ok(()) };
        match targets.iter().find(|target| !target.accepts(signing, now)) {
            None => Ok(()),
            Some(target) => {
                let (sha256, is_trusted) = (signing.sha256, target.trusts(signing.sha256));
                Err(Failure { target: target.id.clone(), sha256, is_trusted })
            }
        }
    }

    /// After every event and every write.
    pub fn check(
        &mut self,
        now: Timestamp,
        entra: &Entra,
        targets: &[Trusting],
        store: &Persisted,
        policy: &Policy,
    ) {
        let signing = entra.signing(now).map(|signing| signing.sha256);
        if self.signing.map(|(sha256, _)| sha256) != signing {
            self.signing = signing.map(|sha256| (sha256, now));
        }
        self.check_sign_in(now, entra, targets, store);
        if self.mode == Mode::Monitor || self.only_sign_ins {
            return;
        }
        let trusts = |found: &Certificate| targets.iter().all(|target| target.trusts(found.sha256));
        for found in entra.certificates().filter(|found| trusts(found)) {
            self.trusted_since.entry(found.sha256).or_insert(now);
        }
        let left = entra.signing(now).map(|signing| signing.validity_left(now));
        let bomb = entra.pending(now).into_iter().find(|found| {
            let is_a_lie = targets.iter().any(|target| self.is_lie(target, found.sha256));
            !trusts(found) && !is_a_lie
        });
        if let (Some(bomb), Some(left)) =
            (bomb, left.filter(|left| *left < policy.abort_before.max(days(7)) - OVERRUN))
        {
            let hours = left.as_hours();
            self.report(format!("I2: {} signs by itself in {hours} hours and is not trusted", bomb.key_id.0));
        }
        self.ensure(!self.is_pinned || entra.preferred().is_some(), || "I6: nothing is preferred".to_owned());
    }

    fn is_lie(&self, target: &Trusting, sha256: Sha256Fingerprint) -> bool {
        !target.trusts(sha256) && self.lies.contains(&(target.id.clone(), sha256))
    }

    fn check_sign_in(&mut self, now: Timestamp, entra: &Entra, targets: &[Trusting], store: &Persisted) {
        let Err(failure) = self.can_sign_in(now, entra, targets) else {
            self.lies_undone += u64::from(self.lied_since.take().is_some());
            return;
        };
        if self.lies.contains(&(failure.target.clone(), failure.sha256)) && !failure.is_trusted {
            self.lied += 1;
            let way_back = store.rotation.as_ref().is_some_and(|rotation| rotation.replaces.not_after > now);
            self.lied_since = way_back.then(|| self.lied_since.unwrap_or(now));
        } else if failure.is_trusted && (self.excuse.is_some() || self.mode == Mode::Monitor) {
            self.neglected += 1;
        } else {
            self.failed += 1;
            let (target, sha256) = (&failure.target, failure.sha256);
            let why = if failure.is_trusted { "has expired" } else { "is not trusted there" };
            self.report(format!("I1: nobody can sign in at {target}: {sha256:?} {why}"));
        }
    }

    /// Sign-ins were read, and a run was whole: what a lie did must be undone by now.
    pub fn check_undone(&mut self, now: Timestamp) {
        let is_late = self.lied_since.is_some_and(|since| now.duration_since(since) > UNDONE);
        self.ensure(!is_late, || {
            "sign-ins have failed for days since the activation, and nothing was undone".to_owned()
        });
    }

    /// Evidence is missing: what a lie did cannot be seen.
    pub fn cannot_see(&mut self, now: Timestamp) {
        self.lied_since = self.lied_since.map(|_| now);
    }

    /// Before a write of the rotation takes effect.
    pub fn before_write(
        &mut self,
        write: &Write,
        now: Timestamp,
        entra: &Entra,
        targets: &[Trusting],
        store: &Persisted,
        policy: &Policy,
    ) {
        *self.writes.entry(kind(write)).or_default() += 1;
        if self.only_sign_ins {
            return;
        }
        self.is_pinned = true;
        self.ensure(self.mode != Mode::Monitor, || format!("monitor wrote: {write}"));
        let signing = entra.signing(now).map(|signing| signing.sha256);
        match write {
            Write::Stage { display_name } => {
                let is_new = self.staged.insert(display_name.clone());
                self.ensure(is_new, || format!("I5: {display_name} was asked for twice"));
                self.ensure(entra.preferred().is_some(), || {
                    "I6: staged before anything was pinned".to_owned()
                });
                let ours = entra
                    .pending(now)
                    .iter()
                    .filter(|found| found.display_name.starts_with("CN=iic-"))
                    .count();
                self.ensure(ours == 0, || "I5: another certificate of ours is pending".to_owned());
            }
            Write::Import { certificate, .. } => {
                // Also one that somebody deleted so short a time ago that reads still show it.
                let is_published = entra.has_published(certificate.sha256, now);
                self.ensure(is_published, || {
                    format!("I7: {} is imported and not published", certificate.key_id.0)
                });
            }
            Write::Activate(thumbprint) => {
                let staged = entra.certificates().find(|found| found.sha1 == *thumbprint);
                self.check_activation(staged, now, targets, store, policy);
            }
            Write::RemovePending(sha256) => {
                self.ensure(signing != Some(*sha256), || "what signs is taken out of Entra ID".to_owned());
            }
            Write::Retire { target, id, .. } => {
                let found = targets.iter().find(|found| found.id == *target);
                let listed = found.and_then(|found| found.trusted().iter().find(|listed| listed.id == *id));
                if let Some(listed) = listed {
                    self.check_retirement(listed.sha256, now, entra);
                }
            }
            Write::Pin(_) | Write::RollBack(_) => {}
        }
    }

    fn check_activation(
        &mut self,
        staged: Option<&Certificate>,
        now: Timestamp,
        targets: &[Trusting],
        store: &Persisted,
        policy: &Policy,
    ) {
        // Whoever deleted it was faster: Entra ID refuses.
        let Some(staged) = staged else { return };
        let untrusting = targets.iter().find(|target| !target.trusts(staged.sha256));
        let is_a_lie = untrusting.is_some_and(|target| self.is_lie(target, staged.sha256));
        self.ensure(untrusting.is_none() || is_a_lie, || {
            format!("I3: {} is activated and not trusted", staged.key_id.0)
        });
        let is_valid = now.duration_since(staged.not_before) >= SignedDuration::from_mins(10);
        self.ensure(is_valid, || "I3: activated before it is valid everywhere".to_owned());
        let at_once = store.rotation.as_ref().is_some_and(|rotation| rotation.at_once);
        let soak = policy.soak.max(days(1));
        let soaked =
            self.trusted_since.get(&staged.sha256).is_some_and(|since| now.duration_since(*since) >= soak);
        self.ensure(soaked || at_once || is_a_lie, || "I3: activated before it has soaked".to_owned());
    }

    fn check_retirement(&mut self, sha256: Sha256Fingerprint, now: Timestamp, entra: &Entra) {
        let signs = entra.signing(now).is_some_and(|signing| signing.sha256 == sha256);
        self.ensure(!signs, || "I4: what signs is taken from a target".to_owned());
        let key = entra.certificates().find(|found| found.sha256 == sha256);
        self.ensure(key.is_none_or(|key| key.is_expired(now)), || {
            "I4: what may still sign is taken from a target".to_owned()
        });
        let has_dwelt = self.signing.is_some_and(|(_, at)| now.duration_since(at) >= days(7));
        self.ensure(has_dwelt, || "I4: taken from a target within a week of the activation".to_owned());
    }
}

fn kind(write: &Write) -> &'static str {
    match write {
        Write::Pin(_) => "pin",
        Write::Stage { .. } => "stage",
        Write::Import { .. } => "import",
        Write::Activate(_) => "activate",
        Write::RollBack(_) => "roll back",
        Write::RemovePending(_) => "remove pending",
        Write::Retire { .. } => "retire",
    }
}
