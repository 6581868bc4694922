//! Engineers, a group of five that is assigned and mirrored.

use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::Deref;
use tests::world::{Choices, World};

/// The members, by given name and surname.
const MEMBERS: [(&str, &str); 5] = [
    ("Ada", "Lovelace"),
    ("Alan", "Turing"),
    ("Barbara", "Liskov"),
    ("Donald", "Knuth"),
    ("Edsger", "Dijkstra"),
];

/// The world, and what was seeded into it.
pub struct Team {
    pub world: World,
    pub ids: Value,
}

impl Team {
    /// The team, mirrored; `None` without moto.
    pub async fn mirrored() -> anyhow::Result<Option<Self>> {
        let Some(team) = Self::seeded(Choices::default(), json!({})).await? else { return Ok(None) };
        team.mirror().await?;
        Ok(Some(team))
    }

    /// The team in Entra ID, and `more` of what `POST /control/seed` takes; nothing is mirrored yet.
    pub async fn seeded(choices: Choices, mut more: Value) -> anyhow::Result<Option<Self>> {
        let Some(world) = World::with(choices).await? else { return Ok(None) };
        let users = MEMBERS.map(|(given, surname)| user(given, surname));
        let team = json!({"displayName": "Engineers", "members": members(), "assigned": true});
        let mut seed = json!({"users": users, "groups": [team]});
        for list in ["users", "groups"] {
            let added = more[list].take();
            let list = seed[list].as_array_mut().context("a seed is made of lists")?;
            list.extend(added.as_array().into_iter().flatten().cloned());
        }
        seed["identity_center"] = more["identity_center"].take();
        if seed["identity_center"].is_null() {
            seed["identity_center"] = json!({});
        }
        for name in ["units", "accounts", "permission_sets"] {
            let also = more[name].take();
            if !also.is_null() {
                seed[name] = also;
            }
        }
        let ids = world.sandbox.control("seed", seed).await?["entra"].take();
        Ok(Some(Self { world, ids }))
    }

    /// Runs the sweep, and waits until both sides agree and nothing is under way.
    pub async fn mirror(&self) -> anyhow::Result<()> {
        self.minute_run_at_rest().await?;
        self.agree().await?;
        self.rest().await
    }

    /// The Entra object id of what was seeded under this user principal name, given name or display name.
    pub fn id(&self, name: &str) -> &str {
        let known = self.ids[name].as_str().or_else(|| self.ids[address_of(name)].as_str());
        known.unwrap_or_else(|| panic!("the seed has no {name}: {}", self.ids))
    }

    /// `/users/{id}` of a member by given name.
    pub fn user_path(&self, given: &str) -> String {
        format!("/users/{}", self.id(given))
    }

    /// The id of the assignment of what was seeded under this name.
    pub async fn assignment_of(&self, name: &str) -> anyhow::Result<String> {
        let service_principal = self.sandbox.address("service_principal_id");
        let rows =
            self.entra().list(&format!("/servicePrincipals/{service_principal}/appRoleAssignedTo")).await?;
        let row = rows.iter().find(|row| row["principalId"] == self.id(name));
        let id = row.and_then(|row| row["id"].as_str());
        Ok(id.with_context(|| format!("{name} is not assigned"))?.to_owned())
    }
}

impl Deref for Team {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// The user names of the members.
pub fn members() -> BTreeSet<String> {
    MEMBERS.iter().map(|(given, surname)| address(given, surname)).collect()
}

/// The user name of a member by given name.
pub fn address_of(given: &str) -> String {
    let member = MEMBERS.iter().find(|(name, _)| *name == given);
    member.map_or_else(|| given.to_owned(), |(given, surname)| address(given, surname))
}

/// A user as `POST /control/seed` takes it.
pub fn user(given: &str, surname: &str) -> Value {
    let address = address(given, surname);
    json!({"userPrincipalName": address, "mail": address, "displayName": format!("{given} {surname}"),
           "givenName": given, "surname": surname, "jobTitle": "Engineer"})
}

/// User names.
pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(address_of).collect()
}

fn address(given: &str, surname: &str) -> String {
    format!("{given}.{surname}@contoso.example").to_lowercase()
}
