//! What happens in Entra ID.

use super::truth::{Person, Team};
use super::watch::text;
use super::world::World;
use engine::ports::Ledger;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Display names; few, so that a rename often goes back to what was before.
const TITLES: [&str; 2] = ["Analyst", "Engineer"];

/// How often an event is drawn anew because it is not possible.
const DRAWS: usize = 20;

/// What can happen, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Join,
    Leave,
    Rename,
    SwapNames,
    Disable,
    Enable,
    SoftDelete,
    Restore,
    HardDelete,
    Hire,
    HireNamesake,
    Describe,
    MakeGroup,
    RenameGroup,
    SwapGroupNames,
    DeleteGroup,
    Assign,
    Unassign,
    Nest,
    Blink,
    Slip,
}

const WEIGHTS: [(Event, u32); 21] = [
    (Event::Join, 16),
    (Event::Leave, 12),
    (Event::Rename, 5),
    (Event::SwapNames, 3),
    (Event::Disable, 5),
    (Event::Enable, 6),
    (Event::SoftDelete, 3),
    (Event::Restore, 4),
    (Event::HardDelete, 2),
    (Event::Hire, 4),
    (Event::HireNamesake, 3),
    (Event::Describe, 5),
    (Event::MakeGroup, 3),
    (Event::RenameGroup, 4),
    (Event::SwapGroupNames, 2),
    (Event::DeleteGroup, 1),
    (Event::Assign, 7),
    (Event::Unassign, 5),
    (Event::Nest, 3),
    (Event::Blink, 4),
    (Event::Slip, 6),
];

impl World {
    /// Lets something happen in Entra ID, and says what. What is drawn and not possible does not count.
    pub async fn let_something_happen(&mut self) -> String {
        for _ in 0..DRAWS {
            if let Some(told) = self.draw_an_event().await {
                return told;
            }
        }
        "nothing happens".to_owned()
    }

    async fn draw_an_event(&mut self) -> Option<String> {
        let total: u32 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.random.u32(0..total);
        let event = WEIGHTS.iter().find(|(_, weight)| match drawn.checked_sub(*weight) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        });
        let event = event.map_or(Event::Join, |(event, _)| *event);
        let told = match event {
            Event::Join => self.join().await,
            Event::Leave => self.leave().await,
            Event::Rename => self.rename().await,
            Event::SwapNames => self.swap_names().await,
            Event::Disable => self.set_enabled(false).await,
            Event::Enable => self.set_enabled(true).await,
            Event::SoftDelete => self.soft_delete().await,
            Event::Restore => self.restore().await,
            Event::HardDelete => self.hard_delete().await,
            Event::Hire => self.hire(None).await,
            Event::HireNamesake => self.hire_namesake().await,
            Event::Describe => self.describe().await,
            Event::MakeGroup => self.make_group().await,
            Event::RenameGroup => self.rename_group().await,
            Event::SwapGroupNames => self.swap_group_names().await,
            Event::DeleteGroup => self.delete_group().await,
            Event::Assign => self.assign(None).await,
            Event::Unassign => self.unassign().await,
            Event::Nest => self.nest().await,
            Event::Blink => self.blink().await,
            Event::Slip => self.slip().await,
        };
        self.note_truth();
        told
    }

    /// Takes note of what is true now.
    pub fn note_truth(&mut self) {
        let now = self.now();
        self.called_for.note(now, &self.truth);
        self.access_watch.note(&self.truth);
    }

    /// Somebody new, under this alias or a fresh one.
    pub async fn hire(&mut self, alias: Option<String>) -> Option<String> {
        let id = self.hire_as(alias).await?;
        Some(format!("{} is hired", self.name_of(&id)))
    }

    /// Somebody new; answers who.
    pub async fn hire_as(&mut self, alias: Option<String>) -> Option<String> {
        let alias = alias.unwrap_or_else(|| self.fresh("user"));
        let person = Person { name: alias.to_uppercase(), alias, title: None, enabled: true, deleted: false };
        let body = json!({
            "accountEnabled": true,
            "displayName": person.name,
            "mailNickname": "mail",
            "userPrincipalName": person.user_principal_name(),
            "mail": person.user_principal_name(),
            "passwordProfile": {"password": "correct horse battery staple"},
        });
        let id = text(&self.entra(Method::POST, "/users", body).await.ok()?, "id");
        self.watch.everybody.insert(id.clone());
        self.note_name(&id, &person);
        self.truth.people.insert(id.clone(), person);
        Some(id)
    }

    /// A new group.
    pub async fn make_group(&mut self) -> Option<String> {
        let name = self.fresh("Group ");
        let body = json!({"displayName": name, "mailEnabled": false, "mailNickname": "group", "securityEnabled": true});
        let id = text(&self.entra(Method::POST, "/groups", body).await.ok()?, "id");
        self.watch.everybody.insert(id.clone());
        let told = format!("{name} is made ({id})");
        self.truth.teams.insert(id, Team { name, ..Team::default() });
        Some(told)
    }

    /// Assigns somebody, or a group, to the enterprise application.
    pub async fn assign(&mut self, principal: Option<String>) -> Option<String> {
        let principal = match principal {
            Some(principal) => principal,
            None => self.some_principal()?,
        };
        let application = self.administrator.id("service_principal_id");
        let body = json!({
            "principalId": principal,
            "resourceId": application,
            "appRoleId": "8774f594-1d59-4279-b9d9-59ef09a23530",
        });
        let path = format!("/servicePrincipals/{application}/appRoleAssignedTo");
        let row = self.entra(Method::POST, &path, body).await.ok()?;
        self.truth.assigned.insert(principal.clone(), text(&row, "id"));
        Some(format!("{} is assigned", self.name_of(&principal)))
    }

    /// Somebody joins a group.
    pub async fn join(&mut self) -> Option<String> {
        let (team, person) = (self.some_team()?, self.some_person(|person| !person.deleted)?);
        self.add_member(&team, &person).await
    }

    /// Puts a user or group into a group.
    pub async fn add_member(&mut self, team: &str, member: &str) -> Option<String> {
        let reference =
            json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{member}")});
        self.entra(Method::POST, &format!("/groups/{team}/members/$ref"), reference).await.ok()?;
        self.truth.teams.get_mut(team)?.members.insert(member.to_owned());
        self.watch.ever_members.entry(team.to_owned()).or_default().insert(member.to_owned());
        Some(format!("{} joins {}", self.name_of(member), self.name_of(team)))
    }

    async fn leave(&mut self) -> Option<String> {
        let teams = self.truth.teams.iter();
        let pairs: Vec<(String, String)> = teams
            .flat_map(|(id, team)| team.members.iter().map(|member| (id.clone(), member.clone())))
            .collect();
        let (team, member) = self.random.choice(pairs)?;
        self.remove_member(&team, &member).await?;
        Some(format!("{} leaves {}", self.name_of(&member), self.name_of(&team)))
    }

    /// Takes a user or group out of a group.
    pub async fn remove_member(&mut self, team: &str, member: &str) -> Option<()> {
        let path = format!("/groups/{team}/members/{member}/$ref");
        self.entra(Method::DELETE, &path, Value::Null).await.ok()?;
        self.truth.teams.get_mut(team)?.members.remove(member);
        Some(())
    }

    async fn rename(&mut self) -> Option<String> {
        let id = self.some_person(|person| !person.deleted)?;
        let alias = self.fresh("renamed");
        self.take_name(&id, &alias).await
    }

    /// Changes somebody. What is told of somebody whom the product does not know yet is not heard.
    async fn patch_person(&mut self, id: &str, body: Value) -> Option<()> {
        self.entra(Method::PATCH, &format!("/users/{id}"), body).await.ok()?;
        let known = self.product.ledger.users(&BTreeSet::from([id.parse().ok()?])).await.ok()?;
        if known.is_empty() {
            self.watch.not_told(id, self.now());
        }
        Some(())
    }

    /// Three renames one after the other: nobody can bear a name that another still bears.
    async fn swap_names(&mut self) -> Option<String> {
        let one = self.some_person(|person| !person.deleted)?;
        let other = self.some_person(|person| !person.deleted).filter(|other| *other != one)?;
        let (of_one, of_other) =
            (self.truth.people.get(&one)?.alias.clone(), self.truth.people.get(&other)?.alias.clone());
        let between = self.fresh("between");
        self.take_name(&one, &between).await?;
        self.take_name(&other, &of_one).await?;
        self.take_name(&one, &of_other).await?;
        Some(format!("{of_one} and {of_other} swap names"))
    }

    async fn take_name(&mut self, id: &str, alias: &str) -> Option<String> {
        let before = self.truth.people.get(id)?.clone();
        let person = Person { alias: alias.to_owned(), ..before.clone() };
        let name = person.user_principal_name();
        let body = json!({"userPrincipalName": name, "mail": name});
        self.patch_person(id, body).await?;
        self.note_name(id, &person);
        self.truth.people.insert(id.to_owned(), person);
        Some(format!("{} is now called {alias}", before.alias))
    }

    async fn set_enabled(&mut self, enabled: bool) -> Option<String> {
        let id = self.some_person(|person| !person.deleted && person.enabled != enabled)?;
        self.patch_person(&id, json!({"accountEnabled": enabled})).await?;
        self.truth.people.get_mut(&id)?.enabled = enabled;
        Some(format!("{} is {}", self.name_of(&id), if enabled { "enabled" } else { "disabled" }))
    }

    async fn soft_delete(&mut self) -> Option<String> {
        let id = self.some_person(|person| !person.deleted)?;
        self.entra(Method::DELETE, &format!("/users/{id}"), Value::Null).await.ok()?;
        self.truth.people.get_mut(&id)?.deleted = true;
        Some(format!("{} is deleted", self.name_of(&id)))
    }

    async fn restore(&mut self) -> Option<String> {
        let id = self.some_person(|person| person.deleted)?;
        self.entra(Method::POST, &format!("/directory/deletedItems/{id}/restore"), json!({})).await.ok()?;
        self.truth.people.get_mut(&id)?.deleted = false;
        // No group's changes show that its member is back, so that whoever is not known yet is not seen.
        self.watch.not_told(&id, self.now());
        Some(format!("{} is restored", self.name_of(&id)))
    }

    async fn hard_delete(&mut self) -> Option<String> {
        let id = self.some_person(|person| person.deleted)?;
        self.entra(Method::DELETE, &format!("/directory/deletedItems/{id}"), Value::Null).await.ok()?;
        let told = format!("{} is deleted for good", self.name_of(&id));
        self.truth.people.remove(&id);
        self.truth.assigned.remove(&id);
        self.truth.teams.values_mut().for_each(|team| {
            team.members.remove(&id);
        });
        Some(told)
    }

    /// Somebody new bears the name of somebody who left, and is put where there is access to be had.
    async fn hire_namesake(&mut self) -> Option<String> {
        let deleted = self.some_person(|person| person.deleted)?;
        let alias = self.truth.people.get(&deleted)?.alias.clone();
        let namesake = self.hire_as(Some(alias)).await?;
        let team = self.some_assigned_team()?;
        let joined = self.add_member(&team, &namesake).await?;
        Some(format!("a namesake of {}: {joined}", self.name_of(&deleted)))
    }

    async fn describe(&mut self) -> Option<String> {
        let id = self.some_person(|person| !person.deleted)?;
        let title = self.random.choice(TITLES)?;
        self.patch_person(&id, json!({"jobTitle": title})).await?;
        self.truth.people.get_mut(&id)?.title = Some(title.to_owned());
        Some(format!("{} becomes {title}", self.name_of(&id)))
    }

    async fn rename_group(&mut self) -> Option<String> {
        let id = self.some_team()?;
        let fresh = self.fresh("Group ");
        let taken = self.truth.teams.get(&id)?.name.clone();
        // Now and then back to a name from before, or to one in other letters.
        let name = match self.random.u32(0..3) {
            0 => taken.to_uppercase(),
            1 => taken.strip_suffix(" again").map_or(format!("{taken} again"), str::to_owned),
            _ => fresh,
        };
        self.name_group(&id, &name).await
    }

    async fn swap_group_names(&mut self) -> Option<String> {
        let (one, other) = (self.some_team()?, self.some_team()?);
        if one == other {
            return None;
        }
        let (of_one, of_other) =
            (self.truth.teams.get(&one)?.name.clone(), self.truth.teams.get(&other)?.name.clone());
        self.name_group(&one, &of_other).await?;
        self.name_group(&other, &of_one).await?;
        Some(format!("{of_one} and {of_other} swap names"))
    }

    async fn name_group(&mut self, id: &str, name: &str) -> Option<String> {
        self.entra(Method::PATCH, &format!("/groups/{id}"), json!({"displayName": name})).await.ok()?;
        let team = self.truth.teams.get_mut(id)?;
        let before = std::mem::replace(&mut team.name, name.to_owned());
        Some(format!("{before} is now called {name}"))
    }

    async fn delete_group(&mut self) -> Option<String> {
        let id = self.some_team().filter(|id| !self.is_last_assignment(id))?;
        self.entra(Method::DELETE, &format!("/groups/{id}"), Value::Null).await.ok()?;
        let told = format!("{} is deleted", self.name_of(&id));
        self.truth.teams.remove(&id);
        self.truth.assigned.remove(&id);
        self.truth.teams.values_mut().for_each(|team| {
            team.members.remove(&id);
        });
        Some(told)
    }

    async fn unassign(&mut self) -> Option<String> {
        let assigned: Vec<String> = self.truth.assigned.keys().cloned().collect();
        let principal = self.random.choice(assigned)?;
        self.unassign_one(&principal).await?;
        Some(format!("{} is no longer assigned", self.name_of(&principal)))
    }

    /// Takes away an assignment, unless it is the last of a group.
    pub async fn unassign_one(&mut self, principal: &str) -> Option<()> {
        let row = self.truth.assigned.get(principal).filter(|_| !self.is_last_assignment(principal))?;
        let application = self.administrator.id("service_principal_id");
        let path = format!("/servicePrincipals/{application}/appRoleAssignedTo/{row}");
        self.entra(Method::DELETE, &path, Value::Null).await.ok()?;
        self.truth.assigned.remove(principal);
        Some(())
    }

    async fn nest(&mut self) -> Option<String> {
        let (outer, inner) = (self.some_team()?, self.some_team()?);
        if outer == inner { None } else { self.add_member(&outer, &inner).await }
    }

    /// The product believes no answer that shows no assignment at all, so one group stays assigned: a deleted
    /// user's assignment is not shown.
    fn is_last_assignment(&self, id: &str) -> bool {
        let others = self.truth.assigned.keys().filter(|other| *other != id);
        others.filter(|other| self.truth.teams.contains_key(*other)).count() == 0
    }

    fn note_name(&mut self, id: &str, person: &Person) {
        let name = person.user_principal_name();
        self.watch.ever_named.entry(name).or_default().insert(id.to_owned());
    }

    fn fresh(&mut self, what: &str) -> String {
        self.names_used += 1;
        format!("{what}{}", self.names_used)
    }
}
