//! What must hold at every moment: nothing foreign changes, no id churns, nothing of ours is deleted before its grace
//! period is over, nobody has access that Entra ID has not called for lately, and nobody loses what it has called for
//! all the time.

use super::foreign_watch::ByHand;
use super::journal::Revocation;
use super::losses::Losses;
use super::truth::{CalledFor, Pair, Truth};
use super::weather::Weather;
use engine::ports::Ledger;
use ledger::memory::MemoryLedger;
use planning::EntraObjectId;
use planning::assigned::AssignedSet;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// No read runs behind for longer.
const READABLE: Duration = Duration::from_mins(5);
/// What a full sweep found is done by then.
const SETTLED: Duration = Duration::from_mins(30);

/// What the watch remembers of Identity Center between two looks.
#[derive(Debug, Default)]
pub struct Watch {
    /// Objects that are not ours, as they were left by those whose they are.
    pub foreign: BTreeMap<String, Value>,
    /// Memberships that are not ours.
    pub foreign_memberships: BTreeMap<String, ByHand>,
    /// Entra objects about which the product was not told, and since when: their access may be behind for longer.
    pub untold: BTreeMap<String, Duration>,
    /// Every Entra object that ever was.
    pub everybody: BTreeSet<String>,
    /// Who ever bore a user name.
    pub ever_named: BTreeMap<String, BTreeSet<String>>,
    /// Who was ever a member of a group.
    pub ever_members: BTreeMap<String, BTreeSet<String>>,
    /// The product's objects by id.
    ours: BTreeSet<String>,
    /// What was deleted by hand: the product may take note of that later, and of the memberships that went with it.
    deleted_by_hand: BTreeSet<String>,
    /// When the product deleted an object, where it heard that it did.
    deleted_at: BTreeMap<String, Duration>,
    /// The object of each Entra object.
    bound: BTreeMap<String, String>,
    /// The product's memberships at the last look.
    held: BTreeMap<String, Pair>,
    /// All memberships at the last look: user and group.
    memberships: BTreeMap<String, (String, String)>,
    /// Whose losses an operator approved, and when.
    approved_at: BTreeMap<String, Duration>,
    /// What people lost.
    losses: Losses,
}

/// Both sides as they are at one look.
#[derive(Debug)]
pub struct Look {
    /// Users by id.
    pub users: BTreeMap<String, Value>,
    /// Groups by id.
    pub groups: BTreeMap<String, Value>,
    /// Memberships by id: user and group.
    pub memberships: BTreeMap<String, (String, String)>,
    /// Objects in Identity Center by the Entra object whose they are, as the ledger has it.
    pub bound: BTreeMap<String, String>,
    /// Whose membership in which of these groups waits for an operator.
    pub waiting: BTreeSet<(String, String)>,
    /// Who counts as assigned until an operator decides.
    pub waiting_assignments: BTreeSet<String>,
}

impl Look {
    /// Looks at the identity store's state and at the ledger.
    ///
    /// # Errors
    /// When an id is none: a defect of the simulation.
    pub async fn at(
        state: &Value,
        ledger: &MemoryLedger,
        everybody: &BTreeSet<String>,
    ) -> anyhow::Result<Self> {
        let by_id = |list: &str, key: &str| -> BTreeMap<String, Value> {
            let items = state[list].as_array().into_iter().flatten();
            items.map(|item| (text(item, key), item.clone())).collect()
        };
        let memberships = by_id("memberships", "MembershipId");
        let memberships = memberships
            .into_iter()
            .map(|(id, held)| (id, (text(&held["MemberId"], "UserId"), text(&held, "GroupId"))));
        let (mut bound, mut waiting) = (BTreeMap::new(), BTreeSet::new());
        let ids: Result<BTreeSet<EntraObjectId>, _> = everybody.iter().map(|id| id.parse()).collect();
        let ids = ids?;
        for (id, record) in ledger.users(&ids).await? {
            waiting.extend(record.marks.held.iter().map(|group| (id.to_string(), group.to_string())));
            bound.extend(record.principal.user_id.map(|user| (id.to_string(), user.to_string())));
        }
        for (id, record) in ledger.groups(&ids).await? {
            bound.extend(record.principal.group_id.map(|group| (id.to_string(), group.to_string())));
        }
        let assigned = match ledger.assigned_header().await? {
            Some(header) => ledger.assigned_set(&header).await?,
            None => AssignedSet::default(),
        };
        Ok(Self {
            users: by_id("users", "UserId"),
            groups: by_id("groups", "GroupId"),
            memberships: memberships.collect(),
            bound,
            waiting,
            waiting_assignments: assigned.held.iter().map(ToString::to_string).collect(),
        })
    }
}

impl Watch {
    /// Takes note that the product was not told of something about this object.
    pub fn not_told(&mut self, id: &str, now: Duration) {
        let members = self.ever_members.get(id).cloned().unwrap_or_default();
        if self.untold.insert(id.to_owned(), now) != Some(now) {
            for member in members {
                self.not_told(&member, now);
            }
        }
    }

    /// A full sweep ran from then to then: what it could read, and put on the agenda, is known by now.
    pub fn swept(&mut self, (from, to): (Duration, Duration), now: Duration) {
        if now > to + SETTLED {
            self.untold.retain(|_, since| *since + READABLE > from);
        }
    }

    /// Takes note of a deletion by hand.
    pub fn deleted_by_hand(&mut self, object: &str, look: &Look) {
        self.ours.remove(object);
        self.deleted_by_hand.insert(object.to_owned());
        // A membership may have been written anew since the last look.
        let owner = look.bound.iter().find(|(_, bound)| *bound == object).map(|(owner, _)| owner.clone());
        self.held.retain(|_, pair| owner.as_ref().is_none_or(|owner| pair.0 != *owner && pair.1 != *owner));
        self.bound.retain(|_, bound| bound != object);
        let gone = look.memberships.iter().filter(|(_, (user, group))| user == object || group == object);
        let gone: Vec<&String> = gone.map(|(id, _)| id).collect();
        self.held.retain(|id, _| !gone.contains(&id));
        self.foreign_memberships.retain(|_, held| held.user != object && held.group != object);
        self.foreign.remove(object);
    }

    /// Takes note that a membership of ours was deleted by hand.
    pub fn membership_deleted_by_hand(&mut self, membership: &str) {
        self.held.remove(membership);
    }

    /// Takes note of what the product deleted, and when.
    pub fn deleted(&mut self, deletions: Vec<(String, Duration)>) {
        self.deleted_at.extend(deletions);
    }

    /// The product's memberships at the last look.
    pub fn held(&self) -> &BTreeMap<String, Pair> {
        &self.held
    }

    /// Takes note that an operator approved what this principal, or who is in this group, loses.
    pub fn approved(&mut self, principal: &str, now: Duration) {
        let members = self.ever_members.get(principal).into_iter().flatten().cloned();
        let people: BTreeSet<String> = members.chain([principal.to_owned()]).collect();
        self.approved_at.extend(people.iter().map(|person| (person.clone(), now)));
        self.losses.approved(people);
    }

    /// How long ago an operator approved what this principal loses.
    pub fn approved_ago(&self, principal: &str, now: Duration) -> Option<Duration> {
        self.approved_at.get(principal).map(|at| now.saturating_sub(*at))
    }

    /// Looks at everything that must hold.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(
        &mut self,
        look: &Look,
        truth: &Truth,
        called_for: &CalledFor,
        weather: &Weather,
        now: Duration,
        revocations: &[Revocation],
    ) -> Result<(), String> {
        self.check_ours(look, called_for, weather, now)?;
        self.check_foreign(look, called_for, weather, now)?;
        let gone = |group: &String| self.deleted_by_hand.contains(group);
        let revocations: Vec<&Revocation> = revocations.iter().filter(|it| !gone(&it.group)).collect();
        self.losses.check(&revocations, &self.bound, called_for, weather)?;
        self.memberships = look.memberships.clone();
        let owners: BTreeMap<&String, &String> = look.bound.iter().map(|(id, object)| (object, id)).collect();
        let mut held = BTreeMap::new();
        for (id, (user, group)) in &look.memberships {
            let Some(team) = owners.get(group) else {
                if self.foreign_memberships.contains_key(id) {
                    continue;
                }
                return Err(format!(
                    "membership {id} of user {user} was written in group {group}, which is nobody's"
                ));
            };
            if let Some(pair) =
                self.check_access(look, &owners, (id, user, team), called_for, weather, now)?
            {
                held.insert(id.clone(), pair);
            }
        }
        let still: BTreeSet<Pair> = held.values().cloned().collect();
        for (id, pair) in std::mem::replace(&mut self.held, held) {
            let lasting = called_for.lasting(now, &pair).unwrap_or_default();
            if !look.memberships.contains_key(&id)
                && !still.contains(&pair)
                && lasting > weather.longest_misreading
            {
                return Err(format!(
                    "user {} lost access to group {} ({}), though Entra ID has called for it without a break for {} s",
                    pair.0,
                    pair.1,
                    named(truth, &pair),
                    lasting.as_secs()
                ));
            }
        }
        Ok(())
    }

    /// The product may delete this principal's object: it was out of scope for its whole grace period, as far as
    /// anybody could read. Else for how long it was.
    pub(super) fn may_be_deleted(
        &self,
        owner: Option<&String>,
        called_for: &CalledFor,
        weather: &Weather,
        now: Duration,
    ) -> Result<(), Duration> {
        // Whoever came back untold was out of scope as far as anybody knew.
        let untold = owner.is_some_and(|owner| self.untold.contains_key(owner));
        let late = if untold { weather.longest_untold } else { weather.longest_misreading };
        let out = owner.map_or(Duration::ZERO, |owner| called_for.out_of_scope_for(now, owner, late));
        if out + late < weather.grace { Err(out) } else { Ok(()) }
    }

    /// What of ours is gone was out of scope for its whole grace period, as far as anybody could read; with it went
    /// whatever membership it had.
    fn check_deleted(
        &mut self,
        look: &Look,
        called_for: &CalledFor,
        weather: &Weather,
        now: Duration,
    ) -> Result<(), String> {
        let is_there = |id: &String| look.users.contains_key(id) || look.groups.contains_key(id);
        for gone in self.ours.iter().filter(|id| !is_there(id)) {
            let owner = self.bound.iter().find(|(_, object)| *object == gone).map(|(owner, _)| owner);
            // Whoever came back after it had not yet come back for anybody who asked then.
            let at = self.deleted_at.get(gone).copied().unwrap_or(now);
            self.may_be_deleted(owner, called_for, weather, at).map_err(|out| {
                let seconds = out.as_secs();
                format!("object {gone} of {owner:?} was deleted, though out of scope for {seconds} s only")
            })?;
            let memberships = &self.memberships;
            self.foreign_memberships.retain(|_, held| held.user != *gone && held.group != *gone);
            self.held.retain(|id, _| {
                memberships.get(id).is_none_or(|(user, group)| user != gone && group != gone)
            });
        }
        self.bound.retain(|_, object| !self.ours.contains(object) || is_there(object));
        Ok(())
    }

    fn check_ours(
        &mut self,
        look: &Look,
        called_for: &CalledFor,
        weather: &Weather,
        now: Duration,
    ) -> Result<(), String> {
        self.check_deleted(look, called_for, weather, now)?;
        let all: BTreeSet<&String> = look.users.keys().chain(look.groups.keys()).collect();
        let ours = all.into_iter().filter(|id| !self.foreign.contains_key(*id));
        self.ours = ours.cloned().collect();
        let mut owners: BTreeMap<&String, &String> = BTreeMap::new();
        for (id, object) in &look.bound {
            if self.foreign.contains_key(object) {
                return Err(format!("foreign object {object} is taken for that of {id}"));
            }
            if let Some(other) = owners.insert(object, id) {
                return Err(format!("object {object} is taken for that of {id} and of {other}"));
            }
            let before = self.bound.get(id).filter(|before| *before != object);
            if let Some(before) = before.filter(|before| self.ours.contains(*before)) {
                return Err(format!("the object of {id} was {before} and is {object}"));
            }
            if let Some((other, _)) = self.bound.iter().find(|(other, held)| *held == object && *other != id)
            {
                return Err(format!("object {object} was that of {other} and is now that of {id}"));
            }
        }
        self.bound.extend(look.bound.iter().map(|(id, object)| (id.clone(), object.clone())));
        Ok(())
    }

    /// The pair of a membership that is ours; `None` for one that is not.
    fn check_access(
        &mut self,
        look: &Look,
        owners: &BTreeMap<&String, &String>,
        (id, user, team): (&String, &String, &String),
        called_for: &CalledFor,
        weather: &Weather,
        now: Duration,
    ) -> Result<Option<Pair>, String> {
        // Somebody else's user never becomes ours, whatever name it bears; nor does a membership of it.
        if self.foreign.contains_key(user) {
            return if self.foreign_memberships.contains_key(id) {
                Ok(None)
            } else {
                Err(format!("foreign user {user} was put into group {team}"))
            };
        }
        // A user whose creation is not remembered yet is whoever bore that name.
        let people = match owners.get(user) {
            Some(owner) => BTreeSet::from([(*owner).clone()]),
            None => {
                let name = look.users.get(user).map(|user| text(user, "UserName")).unwrap_or_default();
                self.ever_named.get(&name.to_lowercase()).cloned().unwrap_or_default()
            }
        };
        let pairs = people.iter().map(|person| (person.clone(), (*team).clone()));
        let pairs: Vec<Pair> = pairs.collect();
        let ago = pairs.iter().filter_map(|pair| called_for.ago(now, pair)).min();
        if let Some(held) = self.foreign_memberships.get_mut(id) {
            // What Entra ID calls for becomes ours, whoever wrote it, unless the call was too short to be heard.
            held.may_be_ours |= ago.is_some();
            let lasting = pairs.iter().filter_map(|pair| called_for.lasting(now, pair)).max();
            if lasting.is_none_or(|lasting| lasting <= weather.longest_untold) {
                return Ok(None);
            }
            self.foreign_memberships.remove(id);
        }
        let untold =
            people.iter().any(|person| self.untold.contains_key(person)) || self.untold.contains_key(team);
        let longest = if untold { weather.longest_untold } else { weather.longest_lag };
        // Whoever cannot sign in any more waits for no operator.
        let group = look.bound.get(team).cloned().unwrap_or_default();
        let waits = people.iter().any(|person| {
            let approved_at = self.approved_at.get(person).copied();
            called_for.inactive_for(now, person) <= longest
                && (approved_at.is_some_and(|at| now <= at + longest)
                    || look.waiting_assignments.contains(team)
                    || look.waiting.contains(&(person.clone(), group.clone())))
        });
        match ago {
            // Of several who bore the name nobody knows whose access it is, until the ledger says whose the user is.
            Some(ago) if ago <= longest || waits => Ok(<[Pair; 1]>::try_from(pairs).ok().map(|[pair]| pair)),
            Some(ago) => Err(format!(
                "{people:?} still has access to group {team}, which Entra ID called for {} s ago",
                ago.as_secs()
            )),
            None => Err(format!("{people:?} has access to group {team}, which Entra ID never called for")),
        }
    }
}

fn named(truth: &Truth, pair: &Pair) -> String {
    let person = truth.people.get(&pair.0).map_or("somebody gone", |person| person.alias.as_str());
    let team = truth.teams.get(&pair.1).map_or("a group gone", |team| team.name.as_str());
    format!("{person} in {team}")
}

/// A text member of a JSON object.
pub fn text(object: &Value, name: &str) -> String {
    object[name].as_str().unwrap_or_default().to_owned()
}
