//! What people lost: nothing that Entra ID has called for all the time, and never too much at once without an
//! operator's word.

use super::journal::Revocation;
use super::truth::CalledFor;
use super::weather::Weather;
use planning::hold::most_at_once;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Losses within this time are weighed together: the product counts by whole minutes, at least nine of them.
const WINDOW: Duration = Duration::from_mins(9);
/// Two mirrors may look at the count at once, each with a batch of ten.
const BATCH: usize = 10;
/// There are never so many people that a tenth of them is more than what is everyday work.
const FEW: u64 = 0;

/// The losses of late.
#[derive(Debug, Default)]
pub struct Losses {
    lately: VecDeque<(Duration, String)>,
    approved: BTreeSet<String>,
}

impl Losses {
    /// These people's losses were approved.
    pub fn approved(&mut self, people: impl IntoIterator<Item = String>) {
        self.approved.extend(people);
    }

    /// Looks at what was taken away since the last look; `bound` tells whose group is whose.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(
        &mut self,
        revocations: &[&Revocation],
        bound: &BTreeMap<String, String>,
        called_for: &CalledFor,
        weather: &Weather,
    ) -> Result<(), String> {
        for Revocation { at, person, group } in revocations {
            let teams = bound.iter().filter(|(_, object)| *object == group).map(|(team, _)| team);
            let lasting =
                teams.filter_map(|team| called_for.lasting(*at, &(person.clone(), team.clone()))).max();
            if let Some(lasting) = lasting.filter(|lasting| *lasting > weather.longest_misreading) {
                return Err(format!(
                    "{person} was taken out of group {group}, though Entra ID had called for it for {} s",
                    lasting.as_secs()
                ));
            }
            // Who cannot sign in is never held; nor is who could not a moment ago.
            let active = called_for.active_for(*at, person);
            if active.is_some_and(|active| active > weather.longest_misreading)
                && !self.approved.contains(person)
            {
                self.lately.push_back((*at, person.clone()));
            }
            self.weigh(*at)?;
        }
        Ok(())
    }

    fn weigh(&mut self, now: Duration) -> Result<(), String> {
        while self.lately.front().is_some_and(|(at, _)| *at + WINDOW < now) {
            self.lately.pop_front();
        }
        let people: BTreeSet<&String> = self.lately.iter().map(|(_, person)| person).collect();
        let most = usize::try_from(most_at_once(FEW)).unwrap_or(usize::MAX) + BATCH;
        if people.len() > most {
            return Err(format!(
                "{} people lost something within nine minutes, and nobody was asked",
                people.len()
            ));
        }
        Ok(())
    }
}
