//! People: those who import by hand, early, late, wrongly or never, and say so truthfully or not; and an operator.

use super::world::World;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{
    Certificate, Command, HeldBecause, Notice, Refusal, Retirement, State, TargetId, command, days,
};

/// What somebody is about to do.
#[derive(Debug, Clone)]
enum Deed {
    /// Import a certificate by hand.
    Import(TargetId, Box<Certificate>),
    /// Give their word, with these characters.
    Attest(TargetId, String),
}

/// Everybody.
#[derive(Debug, Clone)]
pub struct People {
    deeds: Vec<(Timestamp, Deed)>,
    /// Of a hundred who are asked to import, so many only say that they did.
    liars: u32,
    /// Of a hundred, so many take longer than there is time.
    late: u32,
}

impl People {
    /// The people of a history.
    pub fn new(random: &mut Rng) -> Self {
        let (liars, late) = match random.u8(0..10) {
            0 => (70, 0),
            1 => (0, 60),
            _ => (0, 0),
        };
        Self { deeds: Vec::new(), liars, late }
    }

    /// When the next one does something.
    pub fn next(&self) -> Option<Timestamp> {
        self.deeds.iter().map(|(at, _)| *at).min()
    }
}

impl World {
    /// Somebody reads a notice, and will do something about it.
    pub fn notify(&mut self, notice: &Notice) {
        let Notice::ImportByHand { targets, certificate, deadline, reminder: None } = notice else { return };
        for target in targets {
            let is_known = |deed: &Deed| matches!(deed, Deed::Import(known, pem) if known == target && pem.sha256 == certificate.sha256);
            if self.people.deeds.iter().any(|(_, deed)| is_known(deed)) {
                continue;
            }
            let left = deadline.duration_since(self.now) - days(1);
            let most = left.min(days(25)).as_secs().max(7_200);
            let mut at = self.now + SignedDuration::from_secs(self.random.i64(3_600..most.max(7_201)));
            let word = at + SignedDuration::from_mins(self.random.i64(1..600));
            if self.random.u32(0..100) < self.people.liars {
                // Only once: whoever was found out imports it the next time.
                self.people.liars = 0;
                self.watch.lie(target, certificate.sha256);
                self.intend(word, Deed::Attest(target.clone(), certificate.sha256.to_string()));
                continue;
            }
            if self.random.u32(0..100) < self.people.late {
                at = *deadline + days(self.random.i64(1..30));
                self.watch.excuse("people import late");
            }
            self.make_mistakes(at, target, certificate);
            self.intend(at, Deed::Import(target.clone(), certificate.clone()));
            let word = at.max(word);
            self.intend(word, Deed::Attest(target.clone(), certificate.sha256.to_string()));
            if word > *deadline {
                self.watch.excuse("people attest late");
            }
        }
    }

    fn intend(&mut self, at: Timestamp, deed: Deed) {
        self.people.deeds.push((at, deed));
    }

    /// Before somebody does it right.
    fn make_mistakes(&mut self, at: Timestamp, target: &TargetId, right: &Certificate) {
        let before = at - SignedDuration::from_mins(50);
        match self.random.u8(0..8) {
            0 => {
                let in_force = self.entra.signing(self.now).cloned();
                if let Some(wrong) = in_force {
                    self.intend(before, Deed::Attest(target.clone(), wrong.sha256.to_string()));
                    self.intend(before, Deed::Import(target.clone(), Box::new(wrong)));
                }
            }
            1 => self.intend(before, Deed::Attest(target.clone(), right.sha1.to_string())),
            2 => {
                let typed = right.sha256.to_string();
                self.intend(before, Deed::Attest(target.clone(), typed.chars().take(12).collect()));
            }
            _ => {}
        }
    }

    /// Does what is due.
    pub fn let_people_act(&mut self) {
        let now = self.now;
        let mut deeds = std::mem::take(&mut self.people.deeds);
        deeds.sort_by_key(|(at, _)| *at);
        for (at, deed) in deeds {
            match deed {
                _ if at > now => self.people.deeds.push((at, deed)),
                Deed::Import(target, certificate) => {
                    self.tell(format_args!("somebody imports {} into {target}", certificate.key_id.0));
                    let found = self.targets.iter_mut().find(|found| found.id == target);
                    if let Some(found) = found {
                        found.import(&mut self.random, certificate.sha256, certificate.not_after, now);
                    }
                }
                Deed::Attest(target, typed) => self.attest(target, typed),
            }
        }
    }

    fn attest(&mut self, target: TargetId, typed: String) {
        let seen = self.decider.understood(&typed, &self.store);
        let asked = Command::Attest { target: target.clone(), fingerprint: seen };
        match self.decide(&asked) {
            Ok(()) => self.watch.attested(&typed, &target, &self.store),
            // It says that something could not be read: once more tomorrow.
            Err(Refusal::Fault(_)) => self.intend(self.now + days(1), Deed::Attest(target, typed)),
            Err(_) => {}
        }
    }

    /// The operator looks, and does what there is to do.
    pub fn let_operator_act(&mut self) {
        let Some(rotation) = self.store.rotation.clone() else {
            if self.random.u8(0..40) == 0 {
                let at_once = self.random.bool();
                let _ = self.decide(&Command::Stage { at_once });
            }
            return;
        };
        let draw = self.random.u8(0..10);
        match rotation.state {
            State::Held if draw < 4 && rotation.held != Some(HeldBecause::Late) => {
                let _ = self.decide(&Command::Stage { at_once: false });
            }
            State::Ready if draw < 5 => {
                let _ = self.decide(&Command::Activate);
            }
            State::Active | State::Retiring if draw < 2 && self.policy.retirement == Retirement::Approved => {
                let _ = self.decide(&Command::Retire);
            }
            State::ActiveObserving | State::Active if draw == 9 && self.random.bool() => self.roll_back(),
            _ => {}
        }
    }

    fn roll_back(&mut self) {
        if self.decide(&Command::RollBack).is_ok() {
            self.watch.excuse("an operator rolled back");
        }
    }

    fn decide(&mut self, asked: &Command) -> Result<(), Refusal> {
        let observed = self.observe();
        match command(asked, &observed, &self.store, &self.policy, self.now) {
            Ok(after) => {
                self.tell(format_args!("operator: {asked:?}"));
                self.save(after);
                self.next_run = self.now;
                Ok(())
            }
            Err(refusal) => {
                self.tell(format_args!("operator: {asked:?} is refused: {refusal}"));
                Err(refusal)
            }
        }
    }
}
