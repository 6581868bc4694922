//! What happens in a history.

use super::runs::Fate;
use super::world::World;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{Mode, State, days};

/// Runs between two events, before only the daily ones are left.
const RUNS: usize = 14;

impl World {
    /// One event, and the runs until the next one.
    pub fn let_something_happen(&mut self) {
        match self.random.u8(0..100) {
            0..30 => {}
            30..50 => self.let_a_run_end_badly(),
            50..72 => self.let_something_break(),
            72..75 => self.let_somebody_meddle(),
            _ => self.let_operator_act(),
        }
        self.check();
        let pause = match self.random.u8(0..100) {
            0..35 => SignedDuration::from_mins(self.random.i64(1..60)),
            35..60 => SignedDuration::from_mins(self.random.i64(60..720)),
            _ => SignedDuration::from_mins(self.random.i64(1_440..8_640)),
        };
        self.run_until(self.now + pause);
    }

    fn run_until(&mut self, end: Timestamp) {
        let mut runs = 0;
        loop {
            let deed = self.people.next().filter(|at| *at < end && *at < self.next_run);
            let Some(then) = deed.or(Some(self.next_run)).filter(|then| *then < end) else { break };
            self.pass_until(then);
            if deed.is_some() {
                self.let_people_act();
            } else {
                self.run_whole();
                runs += 1;
                if runs > RUNS {
                    self.next_run = self.next_run.max(self.now + days(1));
                }
            }
            self.check();
            if self.watch.violation.is_some() {
                return;
            }
        }
        self.pass_until(end);
        self.check();
    }

    fn run_whole(&mut self) {
        self.run();
        if self.now < self.weather.evidence || !self.sign_ins.exist() {
            self.watch.cannot_see(self.now);
        } else {
            self.watch.check_undone(self.now);
        }
    }

    fn let_a_run_end_badly(&mut self) {
        let fates = [
            Fate::DiesBeforeWriting,
            Fate::DiesAfterWriting,
            Fate::WriteFails,
            Fate::AnswerIsLost,
            Fate::MeetsAnother,
            Fate::DecidesTwice,
        ];
        let fate = self.random.choice(fates).unwrap_or(Fate::Whole);
        self.fate = fate;
    }

    fn let_something_break(&mut self) {
        let now = self.now;
        let mut until = |most: i64| now + SignedDuration::from_mins(self.random.i64(1..most * 60));
        let (few, day, days) = (until(6), until(24), until(60));
        match self.random.u8(0..6) {
            0 => self.weather.graph = few,
            1 => self.weather.forbidden = day,
            2 => self.weather.metadata = day,
            3 => self.weather.foreign = day,
            4 => self.weather.lists = days,
            _ => self.weather.evidence = days,
        }
        self.tell("something does not work for a while");
    }

    /// People in the portal, who know what they do.
    fn let_somebody_meddle(&mut self) {
        let now = self.now;
        let Some(signing) = self.entra.signing(now).cloned() else { return };
        // Nobody makes one when that would switch at once: trap a.
        let is_early = signing.validity_left(now) > days(12) && self.entra.preferred() == Some(signing.sha1);
        let pending = self.entra.pending(now).first().map(|found| (*found).clone());
        let trusted = |sha256| self.targets.iter().all(|target| target.trusts(sha256));
        match (self.random.u8(0..4), pending) {
            (0, None) if is_early && self.policy.mode != Mode::Monitor => {
                self.tell("somebody makes a certificate in the portal");
                self.watch.excuse("somebody made a certificate");
                self.entra.add(&mut self.random, "CN=by hand".to_owned(), now);
            }
            (1, Some(pending)) => {
                self.tell("somebody deletes the pending certificate in the portal");
                self.watch.excuse("somebody deleted a certificate");
                self.entra.remove(&mut self.random, pending.sha256, now);
            }
            (2, Some(pending)) if trusted(pending.sha256) => {
                self.tell("somebody activates the pending certificate in the portal");
                self.entra.prefer(&mut self.random, pending.sha1, now);
            }
            (3, _) if self.state() == Some(State::ActiveObserving) => {
                let back = self.entra.certificates().find(|found| {
                    found.sha256 != signing.sha256 && !found.is_expired(now) && trusted(found.sha256)
                });
                if let Some(back) = back.cloned() {
                    self.tell("somebody switches back in the portal");
                    self.watch.excuse("somebody switched back");
                    self.entra.prefer(&mut self.random, back.sha1, now);
                }
            }
            _ => {}
        }
    }

    fn state(&self) -> Option<State> {
        self.store.rotation.as_ref().map(|rotation| rotation.state)
    }
}
