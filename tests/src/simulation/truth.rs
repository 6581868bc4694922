//! What is true in Entra ID at every moment, and since when: kept beside the sandbox, so that nothing of what is
//! checked rests on what the product reads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A user of Entra ID and a group of it.
pub type Pair = (String, String);

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The alias: what stands before the `@`.
    pub alias: String,
    /// `displayName`.
    pub name: String,
    /// `jobTitle`.
    pub title: Option<String>,
    /// `accountEnabled`.
    pub enabled: bool,
    /// In the deleted items.
    pub deleted: bool,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Team {
    /// `displayName`.
    pub name: String,
    /// Users and groups.
    pub members: BTreeSet<String>,
}

/// The tenant.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Users by id; permanently deleted ones are not here.
    pub people: BTreeMap<String, Person>,
    /// Groups by id.
    pub teams: BTreeMap<String, Team>,
    /// Assignment ids by principal.
    pub assigned: BTreeMap<String, String>,
    /// Members of nested groups count.
    pub flatten: bool,
}

/// A fact on which a membership rests. Each is read by itself, so each may lag by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    /// The user can sign in.
    Active(String),
    /// The user is a member of the group.
    Member(Pair),
    /// The group is assigned.
    Assigned(String),
    /// The user or group should stand in Identity Center.
    InScope(String),
}

/// Since when each fact has been true without a break, and when it was true last.
#[derive(Debug, Clone, Default)]
pub struct CalledFor {
    since: BTreeMap<Fact, Duration>,
    last: BTreeMap<Fact, Duration>,
    /// From when to when a fact was true before.
    runs: BTreeMap<Fact, Vec<(Duration, Duration)>>,
}

impl Person {
    /// `userPrincipalName`.
    pub fn user_principal_name(&self) -> String {
        format!("{}@contoso.example", self.alias)
    }

    /// True if the user can sign in at all.
    pub fn is_active(&self) -> bool {
        self.enabled && !self.deleted
    }
}

impl Truth {
    /// Every user, group pair that should be a membership.
    pub fn called_for(&self) -> BTreeSet<Pair> {
        let teams = self.teams.keys().filter(|team| self.assigned.contains_key(*team));
        let pairs = teams.flat_map(|team| self.members_of(team).into_iter().map(|user| (user, team.clone())));
        pairs.filter(|(user, _)| self.people.get(user).is_some_and(Person::is_active)).collect()
    }

    /// Every user that should stand in Identity Center.
    pub fn in_scope(&self) -> BTreeSet<String> {
        let directly = self.assigned.keys().filter(|id| self.people.get(*id).is_some_and(Person::is_active));
        self.called_for().into_iter().map(|(user, _)| user).chain(directly.cloned()).collect()
    }

    fn facts(&self) -> BTreeSet<Fact> {
        let active = self.people.iter().filter(|(_, person)| person.is_active());
        let active = active.map(|(id, _)| Fact::Active(id.clone()));
        let assigned = self.assigned.keys().map(|id| Fact::Assigned(id.clone()));
        let members = self.teams.keys().flat_map(|team| {
            self.members_of(team).into_iter().map(|user| Fact::Member((user, team.clone())))
        });
        let teams = self.teams.keys().filter(|team| self.assigned.contains_key(*team)).cloned();
        let in_scope = self.in_scope().into_iter().chain(teams).map(Fact::InScope);
        active.chain(assigned).chain(members).chain(in_scope).collect()
    }

    /// The users in a group, as far as they count.
    pub fn members_of(&self, team: &str) -> BTreeSet<String> {
        let (mut users, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![team.to_owned()];
        while let Some(id) = open.pop() {
            let Some(team) = self.teams.get(&id).filter(|_| seen.insert(id.clone())) else { continue };
            for member in &team.members {
                if self.people.contains_key(member) {
                    users.insert(member.clone());
                } else if self.flatten {
                    open.push(member.clone());
                }
            }
        }
        users
    }
}

impl CalledFor {
    /// Takes note of what is true now.
    pub fn note(&mut self, now: Duration, truth: &Truth) {
        let facts = truth.facts();
        for fact in self.since.keys() {
            self.last.insert(fact.clone(), now);
        }
        let ended: Vec<(Fact, Duration)> =
            self.since.extract_if(.., |fact, _| !facts.contains(fact)).collect();
        for (fact, since) in ended {
            self.runs.entry(fact).or_default().push((since, now));
        }
        for fact in facts {
            self.since.entry(fact).or_insert(now);
        }
    }

    /// How old the oldest fact is that calls for the pair; `None` if one of them was never true.
    pub fn ago(&self, now: Duration, pair: &Pair) -> Option<Duration> {
        let ago = facts_of(pair).map(|fact| {
            let last = if self.since.contains_key(&fact) { Some(&now) } else { self.last.get(&fact) };
            last.map(|last| now.saturating_sub(*last))
        });
        ago.into_iter().try_fold(Duration::ZERO, |oldest, ago| Some(oldest.max(ago?)))
    }

    /// How long the pair has been called for without a break; `None` if it is not.
    pub fn lasting(&self, now: Duration, pair: &Pair) -> Option<Duration> {
        let since = facts_of(pair).map(|fact| self.since.get(&fact));
        let latest = since.into_iter().try_fold(Duration::ZERO, |latest, since| Some(latest.max(*since?)));
        latest.map(|latest| now.saturating_sub(latest))
    }

    /// How long ago a group was assigned to the application last; `None` if it never was.
    pub fn assigned_ago(&self, now: Duration, team: &str) -> Option<Duration> {
        let fact = Fact::Assigned(team.to_owned());
        let last = if self.since.contains_key(&fact) { Some(&now) } else { self.last.get(&fact) };
        last.map(|last| now.saturating_sub(*last))
    }

    /// How long somebody has not been able to sign in; zero for who can.
    pub fn inactive_for(&self, now: Duration, person: &str) -> Duration {
        let fact = Fact::Active(person.to_owned());
        if self.since.contains_key(&fact) {
            return Duration::ZERO;
        }
        now.saturating_sub(self.last.get(&fact).copied().unwrap_or_default())
    }

    /// How long somebody has been able to sign in without a break; `None` for who cannot.
    pub fn active_for(&self, now: Duration, person: &str) -> Option<Duration> {
        Some(now.saturating_sub(*self.since.get(&Fact::Active(person.to_owned()))?))
    }

    /// How long a user or group has been out of scope, by readings that may be late by so much: shorter stays need
    /// not have been seen.
    pub fn out_of_scope_for(&self, now: Duration, id: &str, late: Duration) -> Duration {
        let fact = Fact::InScope(id.to_owned());
        let ended = self.runs.get(&fact).into_iter().flatten().copied();
        let runs = ended.chain(self.since.get(&fact).map(|since| (*since, now)));
        let seen = runs.filter(|(from, to)| to.saturating_sub(*from) > late);
        now.saturating_sub(seen.map(|(_, to)| to).max().unwrap_or_default())
    }
}

fn facts_of(pair: &Pair) -> [Fact; 3] {
    [Fact::Active(pair.0.clone()), Fact::Member(pair.clone()), Fact::Assigned(pair.1.clone())]
}
