//! What must hold at every moment: nothing foreign changes, no id churns, nothing of ours is deleted, nobody has
//! access that Entra ID has not called for lately, and nobody loses what it has called for all the time.

use super::truth::{CalledFor, Pair, Truth};
use super::weather::Weather;
use engine::ports::Ledger;
use ledger::memory::MemoryLedger;
use planning::EntraObjectId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the watch remembers of Identity Center between two looks.
#[derive(Debug, Default)]
pub struct Watch {
    /// Objects that are not ours, as they were left by those whose they are.
    pub foreign: BTreeMap<String, Value>,
    /// Memberships that are not ours.
    pub foreign_memberships: BTreeSet<String>,
    /// Entra objects about which the product was not told: their access may be behind for longer.
    pub untold: BTreeSet<String>,
    /// Every Entra object that ever was.
    pub everybody: BTreeSet<String>,
    /// Who ever bore a user name.
    pub ever_named: BTreeMap<String, BTreeSet<String>>,
    /// Who was ever a member of a group.
    pub ever_members: BTreeMap<String, BTreeSet<String>>,
    /// The product's objects by id.
    ours: BTreeSet<String>,
    /// The object of each Entra object.
    bound: BTreeMap<String, String>,
    /// The product's memberships at the last look.
    held: BTreeMap<String, Pair>,
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
        let mut bound = BTreeMap::new();
        let ids: Result<BTreeSet<EntraObjectId>, _> = everybody.iter().map(|id| id.parse()).collect();
        let ids = ids?;
        for (id, record) in ledger.users(&ids).await? {
            bound.extend(record.principal.user_id.map(|user| (id.to_string(), user.to_string())));
        }
        for (id, record) in ledger.groups(&ids).await? {
            bound.extend(record.principal.group_id.map(|group| (id.to_string(), group.to_string())));
        }
        Ok(Self {
            users: by_id("users", "UserId"),
            groups: by_id("groups", "GroupId"),
            memberships: memberships.collect(),
            bound,
        })
    }
}

impl Watch {
    /// Takes note that the product was not told of something about this object.
    pub fn not_told(&mut self, id: &str) {
        let members = self.ever_members.get(id).cloned().unwrap_or_default();
        if self.untold.insert(id.to_owned()) {
            for member in members {
                self.not_told(&member);
            }
        }
    }

    /// Takes note of a deletion by hand.
    pub fn deleted_by_hand(&mut self, object: &str, look: &Look) {
        self.ours.remove(object);
        self.bound.retain(|_, bound| bound != object);
        let gone = look.memberships.iter().filter(|(_, (user, group))| user == object || group == object);
        let gone: Vec<&String> = gone.map(|(id, _)| id).collect();
        self.held.retain(|id, _| !gone.contains(&id));
        self.foreign_memberships.retain(|id| !gone.contains(&id));
        self.foreign.remove(object);
    }

    /// Takes note that a membership of ours was deleted by hand.
    pub fn membership_deleted_by_hand(&mut self, membership: &str) {
        self.held.remove(membership);
    }

    /// The product's memberships at the last look.
    pub fn held(&self) -> &BTreeMap<String, Pair> {
        &self.held
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
    ) -> Result<(), String> {
        self.check_foreign(look)?;
        self.check_ours(look)?;
        let owners: BTreeMap<&String, &String> = look.bound.iter().map(|(id, object)| (object, id)).collect();
        let mut held = BTreeMap::new();
        for (id, (user, group)) in &look.memberships {
            let Some(team) = owners.get(group) else {
                if self.foreign_memberships.contains(id) {
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
        for (id, pair) in std::mem::replace(&mut self.held, held) {
            let lasting = called_for.lasting(now, &pair).unwrap_or_default();
            if !look.memberships.contains_key(&id) && lasting > weather.longest_misreading {
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

    fn check_foreign(&self, look: &Look) -> Result<(), String> {
        for (id, left) in &self.foreign {
            let present = look.users.get(id).or_else(|| look.groups.get(id));
            if present != Some(left) {
                return Err(format!("foreign object {id} was {left} and is {present:?}"));
            }
        }
        let gone = self.foreign_memberships.iter().find(|id| !look.memberships.contains_key(*id));
        gone.map_or(Ok(()), |id| Err(format!("foreign membership {id} is gone")))
    }

    fn check_ours(&mut self, look: &Look) -> Result<(), String> {
        let all: BTreeSet<&String> = look.users.keys().chain(look.groups.keys()).collect();
        if let Some(gone) = self.ours.iter().find(|id| !all.contains(id)) {
            return Err(format!("object {gone} of ours was deleted before its grace period was over"));
        }
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
        if self.foreign_memberships.contains(id) {
            // What Entra ID calls for becomes ours, whoever wrote it.
            if ago.is_none() {
                return Ok(None);
            }
            self.foreign_memberships.remove(id);
        }
        let untold = people.iter().any(|person| self.untold.contains(person)) || self.untold.contains(team);
        match ago {
            Some(ago) if ago <= weather.longest_lag || untold => Ok(pairs.into_iter().next()),
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
