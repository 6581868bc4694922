//! Runs of the rotation: whole, dying at any place, failing, and two at once.

use super::world::World;
use jiff::SignedDuration;
use planning::rotation::{Persisted, Step, Write, days};

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Everything works.
    Whole,
    /// It dies when it has stored what it is about to do.
    DiesBeforeWriting,
    /// It dies when it has written, before that is stored.
    DiesAfterWriting,
    /// The write is refused, or does not arrive.
    WriteFails,
    /// The write takes effect, and its answer is lost.
    AnswerIsLost,
    /// Another run happens while this one is about to write.
    MeetsAnother,
    /// Another run has decided the same by the time this one stores it.
    DecidesTwice,
}

/// Steps of one run.
const STEPS: usize = 12;
/// The schedule does not run it more often.
pub const PAUSE: SignedDuration = SignedDuration::from_mins(1);

impl World {
    /// One run.
    pub fn run(&mut self) {
        self.next_run = self.now + days(1);
        for _ in 0..STEPS {
            let observed = self.observe();
            let step = self.decider.next(&observed, &self.store, &self.policy, self.now);
            self.next_run = step.look_again.min(self.now + days(1)).max(self.now + PAUSE);
            step.notices.iter().for_each(|notice| self.notify(notice));
            let goes_on = step.look_again <= self.now;
            if !self.carry_out(step) || !goes_on {
                return;
            }
        }
    }

    /// False if the run ends with this step.
    fn carry_out(&mut self, step: Step) -> bool {
        if let Some(write) = step.write {
            let fate = std::mem::replace(&mut self.fate, Fate::Whole);
            if fate != Fate::Whole {
                self.tell(format_args!("this run {fate:?}"));
            }
            if fate == Fate::DecidesTwice {
                self.run();
            }
            if !step.before.is_none_or(|before| self.save(before)) || fate == Fate::DiesBeforeWriting {
                return false;
            }
            if fate == Fate::MeetsAnother {
                self.run();
            }
            if fate == Fate::WriteFails {
                return false;
            }
            let took_effect = self.write(&write);
            if !took_effect || matches!(fate, Fate::DiesAfterWriting | Fate::AnswerIsLost) {
                return false;
            }
        }
        step.after.is_none_or(|after| self.save(after))
    }

    /// Stores over the revision before; false if another came first.
    pub fn save(&mut self, next: Persisted) -> bool {
        let is_next = next.revision == self.store.revision + 1 || self.decider.stores_over_anything();
        if is_next {
            let state = |persisted: &Persisted| persisted.rotation.as_ref().map(|found| found.state);
            if state(&next) != state(&self.store) {
                let rotation = next.rotation.as_ref().map(|found| (found.state, found.held));
                self.journal.push(format!("{} rotation: {rotation:?}", self.now));
            }
            self.store = next;
        }
        is_next
    }

    /// False if it is refused.
    fn write(&mut self, write: &Write) -> bool {
        let mut took_effect = true;
        self.tell(format_args!("WRITE {write}"));
        self.watch.before_write(write, self.now, &self.entra, &self.targets, &self.store, &self.policy);
        match write {
            Write::Pin(thumbprint) | Write::Activate(thumbprint) | Write::RollBack(thumbprint) => {
                took_effect = self.entra.prefer(&mut self.random, *thumbprint, self.now);
            }
            Write::Stage { display_name } => {
                self.entra.add(&mut self.random, display_name.clone(), self.now);
            }
            Write::Import { target, certificate } => {
                if let Some(found) = self.targets.iter_mut().find(|found| found.id == *target) {
                    found.import(&mut self.random, certificate.sha256, certificate.not_after, self.now);
                }
            }
            Write::RemovePending(sha256) => self.entra.remove(&mut self.random, *sha256, self.now),
            Write::Retire { target, id, .. } => {
                if let Some(found) = self.targets.iter_mut().find(|found| found.id == *target) {
                    found.remove(&mut self.random, id, self.now);
                }
            }
        }
        self.check();
        took_effect
    }

    /// Looks at everything that must hold.
    pub fn check(&mut self) {
        self.watch.check(self.now, &self.entra, &self.targets, &self.store, &self.policy);
    }
}
