//! How a history ends: everything is well again, what is open is done, and both sides must agree; after one full
//! sweep they must even where the product was told nothing, and nothing is left to do.

use super::event_sources::SWEEP_TIME;
use super::watch::{Look, text};
use super::world::World;
use engine::ports::Clock;
use engine::ports::TriggerQueue;
use engine::trigger::{Look as Closeness, Origin, Subject, Trigger};
use planning::EntraObjectId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;
use sweep::{SweepEvent, SweepReport};
use tokio::time::sleep;

/// Between two looks at whether anything is open.
const LOOK: Duration = Duration::from_secs(20);
/// What is open must be done by then: well beyond the last re-check, and the time after which work that was
/// moved to the queue and lost is moved again.
const PATIENCE: Duration = Duration::from_hours(3);
/// A full sweep waits for the lease of one that died, which is good for a quarter of an hour.
const TRIES: usize = 20;
/// Two minute runs see what the first one is not yet allowed to believe.
const TWO_MINUTE_RUNS: Duration = Duration::from_secs(125);

impl World {
    /// Ends the history.
    ///
    /// # Errors
    /// What does not hold.
    pub async fn end(&mut self) -> Result<(), String> {
        self.let_the_sun_shine().await.map_err(|error| error.to_string())?;
        if let Some(full_sweeps) = self.full_sweeps.take() {
            full_sweeps.abort();
        }
        self.product.journal.write("the sun shines");
        // Whoever waits for an operator may hold a name that somebody else waits for.
        self.approve_everything().await.map_err(|error| error.to_string())?;
        self.come_to_rest().await?;
        while self.approve_everything().await.map_err(|error| error.to_string())? {
            self.come_to_rest().await?;
        }
        self.check_now().await?;
        self.agree("after triggers and agenda", true).await?;
        self.sweep().await?;
        self.come_to_rest().await?;
        self.watch.untold.clear();
        self.check_now().await?;
        self.look_at_everything().await?;
        self.agree("after a full sweep", false).await
    }

    /// One full sweep, whatever it takes; what is left of an earlier one does not count.
    async fn sweep(&mut self) -> Result<(), String> {
        self.sweep_until(SweepEvent::Unfinished, &["finished", "nothing_to_do"]).await?;
        self.sweep_until(SweepEvent::Everything, &["finished"]).await
    }

    async fn sweep_until(&self, event: SweepEvent, wanted: &[&str]) -> Result<(), String> {
        let (function, _) = self.product.sweep();
        let mut told = String::new();
        for _ in 0..TRIES {
            let swept = function.handle(event, SWEEP_TIME).await;
            told = match swept {
                Ok(SweepReport::Everything(report)) if wanted.contains(&report.outcome) => return Ok(()),
                Ok(report) => format!("{report:?}"),
                Err(error) => error.to_string(),
            };
            // Whoever was cut off in the middle of it keeps the lease for a while.
            sleep(Duration::from_mins(1)).await;
        }
        Err(format!("no full sweep finished: {told}"))
    }

    /// Waits until nothing is open, and two minute runs have found nothing new.
    async fn come_to_rest(&mut self) -> Result<(), String> {
        sleep(TWO_MINUTE_RUNS).await;
        let mut waited = Duration::ZERO;
        loop {
            let undelivered = self.administrator.undelivered().await.map_err(|error| format!("{error:?}"))?;
            let agenda = self.product.ledger.open_agenda();
            let queued = self.product.queue.open();
            self.note_untold();
            if undelivered == 0 && self.delivery.under_way() == 0 && agenda.is_empty() && queued == 0 {
                return Ok(());
            }
            if waited > PATIENCE {
                return Err(format!(
                    "it does not come to rest: {undelivered} notifications, {queued} messages, agenda {agenda:?}"
                ));
            }
            sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// Has the mirror look at everything on both sides: it must find nothing to do.
    async fn look_at_everything(&mut self) -> Result<(), String> {
        let writes = self.product.writes.load(Ordering::Relaxed);
        let ids = self.watch.everybody.clone();
        self.product.journal.forget_skipped();
        self.product.journal.write("a look at everything");
        let teams: BTreeSet<String> =
            self.watch.everybody.iter().filter(|id| !self.is_person(id)).cloned().collect();
        let (teams, people): (Vec<String>, Vec<String>) = ids.into_iter().partition(|id| teams.contains(id));
        for (ids, kind) in [(teams, Subject::group as fn(EntraObjectId) -> Subject), (people, Subject::user)]
        {
            let noticed_at = self.product.clock.now();
            let mut triggers = Vec::new();
            for id in &ids {
                let id: EntraObjectId = id.parse().map_err(|error| format!("{error:?}"))?;
                let origin = Origin::FanOut { group: id.clone() };
                triggers.push(Trigger {
                    subject: kind(id),
                    look: Closeness::InDoubt,
                    origin,
                    expectations: Vec::new(),
                    noticed_at,
                });
            }
            self.product.queue.send(&triggers).await.map_err(|error| error.to_string())?;
            self.come_to_rest().await?;
        }
        match self.product.writes.load(Ordering::Relaxed) - writes {
            0 => Ok(()),
            more => Err(format!("after a full sweep there were {more} writes left to do")),
        }
    }

    /// Compares what Entra ID calls for with what Identity Center holds; what the product was not told of may
    /// be left out.
    async fn agree(&mut self, when: &str, leave_out_untold: bool) -> Result<(), String> {
        let look = self.look().await.map_err(|error| error.to_string())?;
        let skipped: BTreeSet<String> = self.product.journal.skipped().into_keys().collect();
        let left_out =
            |id: &String| skipped.contains(id) || (leave_out_untold && self.watch.untold.contains_key(id));
        let mut differences = Vec::new();
        for id in self.truth.in_scope().iter().filter(|id| !left_out(id)) {
            differences.extend(self.difference_of_user(&look, id));
        }
        for id in self.truth.assigned.keys().filter(|id| self.truth.teams.contains_key(*id) && !left_out(id))
        {
            differences.extend(self.difference_of_group(&look, id));
        }
        differences.extend(self.differences_of_memberships(&look, &left_out));
        differences.extend(self.differences_of_access(&look, &left_out).await?);
        if differences.is_empty() {
            return Ok(());
        }
        Err(format!("{when} the sides do not agree: {}", differences.join("; ")))
    }

    fn difference_of_user(&self, look: &Look, id: &str) -> Option<String> {
        let person = self.truth.people.get(id)?;
        let Some(user) = look.bound.get(id).and_then(|object| look.users.get(object)) else {
            return Some(format!("{} has no user", self.name_of(id)));
        };
        let wanted = [
            ("UserName", person.user_principal_name()),
            ("DisplayName", person.name.clone()),
            ("Title", person.title.clone().unwrap_or_default()),
        ];
        let wrong = wanted.iter().find(|(name, value)| text(user, name) != *value);
        wrong.map(|(name, value)| {
            format!("{} has {name} {:?} instead of {value:?}", self.name_of(id), user[name])
        })
    }

    fn difference_of_group(&self, look: &Look, id: &str) -> Option<String> {
        let team = self.truth.teams.get(id)?;
        let Some(group) = look.bound.get(id).and_then(|object| look.groups.get(object)) else {
            return Some(format!("{} has no group", self.name_of(id)));
        };
        let name = text(group, "DisplayName");
        (name != team.name).then(|| format!("{} is called {name:?}", self.name_of(id)))
    }

    fn differences_of_memberships(&self, look: &Look, left_out: &dyn Fn(&String) -> bool) -> Vec<String> {
        let owners: BTreeMap<&String, &String> = look.bound.iter().map(|(id, object)| (object, id)).collect();
        let pair = |(user, group): &(String, String)| {
            Some(((*owners.get(user)?).clone(), (*owners.get(group)?).clone()))
        };
        let held: BTreeSet<(String, String)> = look.memberships.values().filter_map(pair).collect();
        let by_hand = self.watch.foreign_memberships.keys().filter_map(|id| pair(look.memberships.get(id)?));
        let by_hand: BTreeSet<(String, String)> = by_hand.collect();
        // A pair is possible only if both its objects are.
        let possible =
            |pair: &(String, String)| look.bound.contains_key(&pair.0) && look.bound.contains_key(&pair.1);
        let wanted: BTreeSet<(String, String)> =
            self.truth.called_for().into_iter().filter(possible).collect();
        let concerns = |(user, team): &&(String, String)| !left_out(user) && !left_out(team);
        let missing = wanted.difference(&held).filter(concerns);
        let missing =
            missing.map(|(user, team)| format!("{} lacks {}", self.name_of(user), self.name_of(team)));
        // What an operator discarded stays.
        let waits = |(user, team): &&(String, String)| {
            let group = look.bound.get(team).cloned().unwrap_or_default();
            look.waiting_assignments.contains(team) || look.waiting.contains(&(user.clone(), group))
        };
        let left =
            held.difference(&wanted).filter(concerns).filter(|pair| !waits(pair) && !by_hand.contains(*pair));
        let left =
            left.map(|(user, team)| format!("{} still has {}", self.name_of(user), self.name_of(team)));
        missing.chain(left).collect()
    }

    fn is_person(&self, id: &str) -> bool {
        self.watch.ever_named.values().any(|ids| ids.contains(id))
    }

    /// Takes note of what the product was not told: lost notifications, and messages that were given up.
    pub fn note_untold(&mut self) {
        for id in self.delivery.take_lost() {
            self.watch.not_told(&id, self.now());
        }
        let letters = self.product.queue.dead_letters();
        for letter in letters.iter().skip(self.letters_seen) {
            self.watch.not_told(letter.subject.id.as_str(), self.now());
        }
        self.letters_seen = letters.len();
        if let Some(swept) = self.product.journal.swept() {
            self.watch.swept(swept, self.now());
        }
    }

    /// Looks at everything that must hold right now.
    ///
    /// # Errors
    /// What does not hold.
    pub async fn check_now(&mut self) -> Result<(), String> {
        self.note_untold();
        let look = self.look().await.map_err(|error| error.to_string())?;
        let now = self.now();
        let revocations = self.product.journal.take_revocations();
        self.watch.deleted(self.product.journal.take_deletions());
        self.watch.check(&look, &self.truth, &self.called_for, &self.weather, now, &revocations)?;
        self.check_access_now(&look).await
    }
}
