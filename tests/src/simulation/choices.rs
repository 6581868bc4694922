//! Who is drawn for an event.

use super::truth::Person;
use super::world::World;

impl World {
    pub(super) fn some_person(&mut self, like: impl Fn(&Person) -> bool) -> Option<String> {
        let people = self.truth.people.iter().filter(|(_, person)| like(person));
        let ids: Vec<String> = people.map(|(id, _)| id.clone()).collect();
        self.random.choice(ids)
    }

    pub(super) fn some_team(&mut self) -> Option<String> {
        let ids: Vec<String> = self.truth.teams.keys().cloned().collect();
        self.random.choice(ids)
    }

    pub(super) fn some_assigned_team(&mut self) -> Option<String> {
        let assigned = self.truth.assigned.keys().filter(|id| self.truth.teams.contains_key(*id));
        let ids: Vec<String> = assigned.cloned().collect();
        self.random.choice(ids)
    }

    /// Groups are assigned more often than users.
    pub(super) fn some_principal(&mut self) -> Option<String> {
        if self.random.u32(0..3) > 0 { self.some_team() } else { self.some_person(|person| !person.deleted) }
    }

    /// An object's name and id, for the journal.
    pub fn name_of(&self, id: &str) -> String {
        let person = self.truth.people.get(id).map(|person| person.alias.clone());
        let name = person.or_else(|| self.truth.teams.get(id).map(|team| team.name.clone()));
        format!("{} ({})", name.unwrap_or_default(), id.get(..8).unwrap_or(id))
    }
}
