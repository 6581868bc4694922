//! The story: what happens in Entra ID, step by step.

use super::comparison::Exceptions;
use super::entra::Entra;
use anyhow::Context;
use serde_json::json;
use std::collections::BTreeMap;

/// What the story remembers from one step to the next: ids of what it made.
#[derive(Debug, Default)]
pub struct Story {
    ids: BTreeMap<&'static str, String>,
    /// Whom the product should skip.
    pub exceptions: Exceptions,
}

/// Who can sign in when the story ends.
pub const SIGNS_IN: &str = "ada.king@contoso.example";

/// The steps in their order: a name for the table, and what happens in Entra ID.
pub const STEPS: [(&str, &str); 15] = [
    ("assign a group of five", "Engineers, with five members, is assigned to the application"),
    ("add a member", "Grace joins Engineers"),
    ("rename a user", "Ada marries: user principal name, mail and surname change"),
    ("rename a group", "Engineers is now called Platform Engineers"),
    ("assign a second group", "Auditors, empty, is assigned"),
    ("move a user between groups", "Alan leaves Platform Engineers for Auditors"),
    ("disable a user", "Barbara's account is disabled"),
    ("enable the user again", "Barbara's account is enabled"),
    ("two groups of one name", "another group called Auditors is assigned"),
    ("a guest", "a guest is assigned by name"),
    (
        "a user AWS would refuse",
        "someone whose display name holds a character that AWS refuses joins Auditors",
    ),
    ("change an attribute that is not mirrored", "Ada's office moves"),
    ("un-assign", "Auditors is no longer assigned"),
    ("delete a user", "Edsger is deleted"),
    ("rehire under the same name", "a new Edsger joins Platform Engineers"),
];

impl Story {
    /// Plays one step of [`STEPS`].
    pub async fn play(&mut self, step: usize, entra: &Entra) -> anyhow::Result<()> {
        match step {
            0 => self.assign_five(entra).await,
            1 => {
                let grace = entra.create_user("Grace", "Hopper", json!({})).await?;
                entra.add_member(self.id("engineers")?, &grace).await
            }
            2 => {
                let change = json!({
                    "userPrincipalName": SIGNS_IN,
                    "mail": "ada.king@contoso.example",
                    "surname": "King",
                    "displayName": "Ada King",
                });
                entra.update(&self.path("users", "ada")?, change).await
            }
            3 => {
                let change = json!({"displayName": "Platform Engineers"});
                entra.update(&self.path("groups", "engineers")?, change).await
            }
            4 => {
                let auditors = entra.create_group("Auditors").await?;
                self.ids.insert("auditors assigned", entra.assign(&auditors).await?);
                self.ids.insert("auditors", auditors);
                Ok(())
            }
            5 => {
                entra.remove_member(self.id("engineers")?, self.id("alan")?).await?;
                entra.add_member(self.id("auditors")?, self.id("alan")?).await
            }
            6 => entra.update(&self.path("users", "barbara")?, json!({"accountEnabled": false})).await,
            7 => entra.update(&self.path("users", "barbara")?, json!({"accountEnabled": true})).await,
            8 => {
                let second = entra.create_group("Auditors").await?;
                entra.assign(&second).await?;
                self.exceptions.skipped.insert(second);
                Ok(())
            }
            9 => self.invite_a_guest(entra).await,
            10 => self.add_someone_aws_refuses(entra).await,
            11 => entra.update(&self.path("users", "ada")?, json!({"officeLocation": "2/1"})).await,
            12 => entra.unassign(self.id("auditors assigned")?).await,
            13 => entra.delete(&self.path("users", "edsger")?).await,
            14 => {
                let edsger = entra.create_user("Edsger", "Dijkstra", json!({})).await?;
                entra.add_member(self.id("engineers")?, &edsger).await
            }
            _ => Ok(()),
        }
    }

    async fn assign_five(&mut self, entra: &Entra) -> anyhow::Result<()> {
        let engineers = entra.create_group("Engineers").await?;
        for (name, given, surname) in [
            ("ada", "Ada", "Lovelace"),
            ("alan", "Alan", "Turing"),
            ("barbara", "Barbara", "Liskov"),
            ("donald", "Donald", "Knuth"),
            ("edsger", "Edsger", "Dijkstra"),
        ] {
            let user = entra.create_user(given, surname, json!({"jobTitle": "Engineer"})).await?;
            entra.add_member(&engineers, &user).await?;
            self.ids.insert(name, user);
        }
        entra.assign(&engineers).await?;
        self.ids.insert("engineers", engineers);
        Ok(())
    }

    async fn invite_a_guest(&self, entra: &Entra) -> anyhow::Result<()> {
        let more = json!({
            "userPrincipalName": "tim_partner.example#EXT#@contoso.example",
            "mail": "tim@partner.example",
            "userType": "Guest",
        });
        let guest = entra.create_user("Tim", "Lee", more).await?;
        entra.assign(&guest).await.map(|_| ())
    }

    async fn add_someone_aws_refuses(&mut self, entra: &Entra) -> anyhow::Result<()> {
        // A zero-width space: invisible in Entra's portal, outside of what the identity store's model allows.
        let more = json!({"displayName": "Zero\u{200b}Width"});
        let refused = entra.create_user("Zero", "Width", more).await?;
        entra.add_member(self.id("auditors")?, &refused).await?;
        self.exceptions.skipped.insert(refused);
        Ok(())
    }

    fn id(&self, name: &'static str) -> anyhow::Result<&str> {
        self.ids.get(name).map(String::as_str).with_context(|| format!("the story has no {name} yet"))
    }

    fn path(&self, collection: &str, name: &'static str) -> anyhow::Result<String> {
        Ok(format!("/{collection}/{}", self.id(name)?))
    }
}
