//! What must hold of account assignments: nobody changes what is not ours, no group has what the rules give to a name that
//! it never bore, none keeps it for long after its assignment to the application, and in the end every group has
//! exactly what the names that mean it are given.

use super::clouds::Refused;
use super::truth::{CalledFor, Truth};
use super::watch::{Look, text};
use super::weather::Weather;
use super::world::World;
use engine::access::ports::AccessLedger;
use engine::ports::Ledger;
use planning::EntraObjectId;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the rules give: a group's name, a permission set, and accounts. The first groups of a history bear the first
/// three names; the fourth is one that a rename comes to.
const GRANTS: [(&str, &str, &[&str]); 4] = [
    ("Group 8", "Admin", &["one", "two"]),
    ("Group 9", "Reader", &["one", "two", "three", "four"]),
    ("Group 10", "Admin", &["three"]),
    ("Group 8 again", "Admin", &["four"]),
];
/// Names and ids.
pub const ACCOUNTS: [(&str, &str); 4] =
    [("one", "200000000001"), ("two", "200000000002"), ("three", "200000000003"), ("four", "200000000004")];
/// Has access that somebody gave it by hand, and is not ours.
const FOREIGN: &str = "Break Glass Access";

/// Permission set and account, by their names, and a group's id in Identity Center.
type Row = (String, String, String);

/// What is known of account assignments beside the product.
#[derive(Debug, Clone, Default)]
pub struct AccessWatch {
    foreign: BTreeSet<Row>,
    /// Every name, in small letters, that a group ever bore.
    ever_bore: BTreeMap<String, BTreeSet<String>>,
}

/// The document of grants.
pub fn rules() -> String {
    let grant = |(group, permission_set, accounts): &(&str, &str, &[&str])| {
        let accounts = json!(accounts);
        format!(
            "[[grant]]\ngroup = \"{group}\"\npermission_set = \"{permission_set}\"\naccounts = {accounts}\n"
        )
    };
    GRANTS.iter().map(grant).collect()
}

impl AccessWatch {
    /// Takes note of the groups' names.
    pub fn note(&mut self, truth: &Truth) {
        for (id, team) in &truth.teams {
            self.ever_bore.entry(id.clone()).or_default().insert(team.name.to_lowercase());
        }
    }

    /// What the rules give to these names.
    fn given<'a>(names: impl Iterator<Item = &'a String> + Clone) -> BTreeSet<(String, String)> {
        let meant = GRANTS
            .iter()
            .filter(|(group, _, _)| names.clone().any(|name| name.to_lowercase() == group.to_lowercase()));
        meant
            .flat_map(|(_, set, accounts)| {
                accounts.iter().map(move |account| ((*set).to_owned(), (*account).to_owned()))
            })
            .collect()
    }

    /// Looks at what must hold now.
    fn check(
        &self,
        rows: &BTreeSet<Row>,
        look: &Look,
        called_for: &CalledFor,
        weather: &Weather,
        excused: impl Fn(&str, Duration) -> bool,
        now: Duration,
    ) -> Result<(), String> {
        if let Some(gone) = self.foreign.difference(rows).next() {
            return Err(format!("foreign account assignment {gone:?} is gone"));
        }
        let owners: BTreeMap<&String, &String> = look.bound.iter().map(|(id, object)| (object, id)).collect();
        // Of a group that somebody deleted by hand AWS keeps what it had; nobody has access by it.
        let ours = rows.difference(&self.foreign).filter(|(_, _, group)| look.groups.contains_key(group));
        for (set, account, group) in ours {
            let Some(team) = owners.get(group) else {
                return Err(format!("{set} in {account} was given to group {group}, which is nobody's"));
            };
            let names = self.ever_bore.get(*team).cloned().unwrap_or_default();
            if !Self::given(names.iter()).contains(&(set.clone(), account.clone())) {
                return Err(format!("group {team} has {set} in {account}, which no rule gives to {names:?}"));
            }
            let ago = called_for.assigned_ago(now, team);
            let longest = weather.longest_lag.max(weather.longest_untold);
            if ago.is_none_or(|ago| ago > longest) && !excused(team, longest) {
                return Err(format!(
                    "group {team} still has {set} in {account}; it was assigned {ago:?} ago"
                ));
            }
        }
        Ok(())
    }
}

impl World {
    /// The accounts, the permission sets, and what somebody gave a group of theirs by hand.
    ///
    /// # Errors
    /// When the sandbox does not take the seed.
    pub async fn open_accounts(&mut self) -> anyhow::Result<()> {
        if self.product.rules.is_none() {
            return Ok(());
        }
        let refused = |refused: Refused| anyhow::anyhow!("the accounts were not opened: {refused:?}");
        let accounts: Vec<Value> =
            ACCOUNTS.iter().map(|(name, id)| json!({"id": id, "name": name})).collect();
        let seed = json!({
            "accounts": accounts,
            "permission_sets": [{"name": "Admin"}, {"name": "Reader"}],
            "identity_center": {"groups": [{"DisplayName": FOREIGN}]},
        });
        let seeded = self.administrator.seed(&seed).await.map_err(refused)?;
        let group = text(&seeded["identity_center"]["groups"], FOREIGN);
        let by_hand = json!({"permission_set": "Admin", "account": ACCOUNTS[0].1, "group": group});
        self.administrator.seed(&json!({"account_assignments": [by_hand]})).await.map_err(refused)?;
        self.leave_foreign(&group).await;
        self.access_watch.foreign = self.account_assignments().await?;
        Ok(())
    }

    /// Looks at account assignments, where the history has rules.
    ///
    /// # Errors
    /// What does not hold.
    pub(super) async fn check_access_now(&mut self, look: &Look) -> Result<(), String> {
        if self.product.rules.is_none() {
            return Ok(());
        }
        let rows = self.account_assignments().await.map_err(|error| error.to_string())?;
        let waiting = self.waiting_for_access().await?;
        let now = self.now();
        let excused = |team: &str, longest: Duration| {
            waiting.contains(team)
                || look.waiting_assignments.contains(team)
                || self.watch.approved_ago(team, now).is_some_and(|ago| ago <= longest)
        };
        self.access_watch.check(&rows, look, &self.called_for, &self.weather, excused, now)
    }

    /// How what groups have differs from what the names that mean them are given.
    pub(super) async fn differences_of_access(
        &self,
        look: &Look,
        left_out: &dyn Fn(&String) -> bool,
    ) -> Result<Vec<String>, String> {
        if self.product.rules.is_none() {
            return Ok(Vec::new());
        }
        let rows = self.account_assignments().await.map_err(|error| error.to_string())?;
        let waiting = self.waiting_for_access().await?;
        let meant = self.product.ledger.bound_names().await.map_err(|error| error.to_string())?;
        let mut differences = Vec::new();
        for (team, object) in &look.bound {
            if !look.groups.contains_key(object) || left_out(team) || waiting.contains(team.as_str()) {
                continue;
            }
            let is_assigned = self.truth.assigned.contains_key(team);
            let names: Vec<&String> = meant
                .iter()
                .filter(|(_, id)| is_assigned && id.as_str() == team)
                .map(|(name, _)| name)
                .collect();
            let expected = AccessWatch::given(names.iter().copied());
            let has = rows.iter().filter(|(_, _, group)| group == object);
            let has: BTreeSet<(String, String)> =
                has.map(|(set, account, _)| (set.clone(), account.clone())).collect();
            if has != expected && !look.waiting_assignments.contains(team) {
                differences.push(format!("{} has {has:?} instead of {expected:?}", self.name_of(team)));
            }
        }
        differences.extend(self.unmeant(&meant, left_out, &waiting));
        Ok(differences)
    }

    /// A name of the rules that only one group ever bore means that group, if it is assigned.
    fn unmeant(
        &self,
        meant: &BTreeMap<String, EntraObjectId>,
        left_out: &dyn Fn(&String) -> bool,
        waiting: &BTreeSet<String>,
    ) -> Vec<String> {
        let mut lacking = Vec::new();
        for (name, _, _) in &GRANTS {
            let bearers = self.access_watch.ever_bore.iter();
            let bearers: Vec<&String> = bearers
                .filter(|(_, names)| names.contains(&name.to_lowercase()))
                .map(|(team, _)| team)
                .collect();
            let [team] = bearers.as_slice() else { continue };
            let bears_it = self.truth.teams.get(*team).is_some_and(|team| team.name == *name);
            let is_assigned = self.truth.assigned.contains_key(*team);
            let means_it = meant.get(*name).is_some_and(|id| id.as_str() == *team);
            if bears_it && is_assigned && !means_it && !left_out(team) && !waiting.contains(*team) {
                lacking.push(format!("{name} does not mean {}", self.name_of(team)));
            }
        }
        lacking
    }

    /// Groups of whose access something waits for an operator, or was left alone by one.
    async fn waiting_for_access(&self) -> Result<BTreeSet<String>, String> {
        let ids: Result<BTreeSet<EntraObjectId>, _> =
            self.watch.everybody.iter().map(|id| id.parse()).collect();
        let ids = ids.map_err(|error| format!("{error:?}"))?;
        let groups = self.product.ledger.groups(&ids).await.map_err(|error| error.to_string())?;
        let waiting = groups.into_iter().filter(|(_, record)| !record.marks.held_access.is_empty());
        Ok(waiting.map(|(id, _)| id.to_string()).collect())
    }

    async fn account_assignments(&self) -> anyhow::Result<BTreeSet<Row>> {
        let state = self.administrator.state().await;
        let state =
            state.map_err(|refused| anyhow::anyhow!("the sandbox does not show its state: {refused:?}"))?;
        let rows = state["access"]["account_assignments"].as_array().cloned().unwrap_or_default();
        let name = |id: &str| {
            ACCOUNTS.iter().find(|(_, known)| *known == id).map_or(id, |(name, _)| *name).to_owned()
        };
        let row = |row: &Value| {
            (text(row, "PermissionSet"), name(&text(row, "AccountId")), text(row, "PrincipalId"))
        };
        Ok(rows.iter().map(row).collect())
    }
}
