//! What people do in Identity Center by hand: things of their own, and things to ours.

use super::watch::{Look, text};
use super::world::World;
use serde_json::{Value, json};

/// How often a change is drawn anew because it is not possible.
const DRAWS: usize = 10;

impl World {
    /// Somebody else's users, groups and memberships, there before us.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn let_others_settle(&mut self) -> anyhow::Result<()> {
        for _ in 0..2 {
            self.foreign_user().await;
        }
        self.foreign_group().await;
        let look = self.look().await?;
        self.foreign_membership(&look).await;
        Ok(())
    }

    /// Looks at both sides.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn look(&self) -> anyhow::Result<Look> {
        let state = self.administrator.identity_store_state().await;
        let state =
            state.map_err(|refused| anyhow::anyhow!("the sandbox does not show its state: {refused:?}"))?;
        Look::at(&state, &self.product.ledger, &self.watch.everybody).await
    }

    /// Something is changed by hand, and says what.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn change_by_hand(&mut self) -> anyhow::Result<String> {
        let look = self.look().await?;
        for _ in 0..DRAWS {
            let told = match self.random.u32(0..10) {
                0 => self.foreign_user().await,
                1 => self.foreign_group().await,
                2 | 3 => self.foreign_membership(&look).await,
                4 | 5 => self.delete_membership(&look).await,
                6 => self.extra_membership(&look).await,
                7 => self.change_attribute(&look).await,
                8 => self.delete_object(&look, "User").await,
                _ => self.delete_object(&look, "Group").await,
            };
            if let Some(told) = told {
                return Ok(told);
            }
        }
        Ok("nothing is done by hand".to_owned())
    }

    /// A call by hand; `None` if a name is taken, or what it is about is gone.
    #[allow(
        clippy::panic,
        reason = "a console that calls wrongly would leave everything as it is, unnoticed"
    )]
    async fn by_hand(&self, operation: &str, body: Value) -> Option<Value> {
        match self.administrator.identity_store(operation, body).await {
            Ok(answer) => Some(answer),
            Err((_, refusal)) => {
                let kind = text(&refusal, "__type");
                assert!(
                    ["ConflictException", "ResourceNotFoundException"].contains(&kind.as_str()),
                    "{operation} by hand is refused: {refusal}; correct the call in by_hand.rs"
                );
                None
            }
        }
    }

    async fn foreign_user(&mut self) -> Option<String> {
        let name = format!("foreign{}@contoso.example", self.random.u32(..));
        let body = json!({
            "UserName": name, "DisplayName": "Break Glass", "Name": {"GivenName": "Break", "FamilyName": "Glass"},
            "Emails": [{"Value": name, "Type": "work", "Primary": true}],
        });
        let made = self.by_hand("CreateUser", body).await?;
        self.leave_foreign(&text(&made, "UserId")).await?;
        Some(format!("by hand: user {name}"))
    }

    async fn foreign_group(&mut self) -> Option<String> {
        let name = match self.random.u32(0..3) {
            0 => format!("Group {}", self.names_used + 1),
            _ => format!("AWSControlTower{}", self.random.u32(..)),
        };
        let made = self.by_hand("CreateGroup", json!({"DisplayName": name})).await?;
        self.leave_foreign(&text(&made, "GroupId")).await?;
        Some(format!("by hand: group {name}"))
    }

    /// Remembers an object as it was left.
    pub(super) async fn leave_foreign(&mut self, id: &str) -> Option<()> {
        let look = self.look().await.ok()?;
        let left = look.users.get(id).or_else(|| look.groups.get(id))?;
        self.watch.foreign.insert(id.to_owned(), left.clone());
        Some(())
    }

    /// A foreign user in any group, or anybody in a foreign group.
    async fn foreign_membership(&mut self, look: &Look) -> Option<String> {
        let foreign = |id: &&String| self.watch.foreign.contains_key(*id);
        let users: Vec<String> = look.users.keys().filter(foreign).cloned().collect();
        let groups: Vec<String> = look.groups.keys().filter(foreign).cloned().collect();
        let all_users: Vec<String> = look.users.keys().cloned().collect();
        let all_groups: Vec<String> = look.groups.keys().cloned().collect();
        let (user, group) = if self.random.bool() {
            (self.random.choice(users)?, self.random.choice(all_groups)?)
        } else {
            (self.random.choice(all_users)?, self.random.choice(groups)?)
        };
        self.write_membership(&user, &group).await
    }

    /// One of our users in one of our groups, though Entra ID has never called for it.
    async fn extra_membership(&mut self, look: &Look) -> Option<String> {
        let bound = |ids: Vec<&String>| -> Vec<(String, String)> {
            let pairs = ids.into_iter().filter_map(|id| Some((id.clone(), look.bound.get(id)?.clone())));
            pairs.collect()
        };
        let (person, user) = self.random.choice(bound(self.truth.people.keys().collect()))?;
        let (team, group) = self.random.choice(bound(self.truth.teams.keys().collect()))?;
        let never = self.called_for.ago(self.now(), &(person, team)).is_none();
        if never { self.write_membership(&user, &group).await } else { None }
    }

    async fn write_membership(&mut self, user: &str, group: &str) -> Option<String> {
        let body = json!({"GroupId": group, "MemberId": {"UserId": user}});
        let made = self.by_hand("CreateGroupMembership", body).await?;
        self.watch.written_by_hand(text(&made, "MembershipId"), (user.to_owned(), group.to_owned()));
        Some(format!("by hand: membership of {user} in {group}"))
    }

    /// A membership of ours is deleted.
    async fn delete_membership(&mut self, look: &Look) -> Option<String> {
        let held: Vec<(String, String)> = self
            .watch
            .held()
            .iter()
            .filter(|(id, _)| look.memberships.contains_key(*id))
            .map(|(id, (person, _))| (id.clone(), person.clone()))
            .collect();
        let (id, person) = self.random.choice(held)?;
        self.by_hand("DeleteGroupMembership", json!({"MembershipId": id})).await?;
        self.watch.membership_deleted_by_hand(&id);
        self.watch.not_told(&person, self.now());
        Some(format!("by hand: membership {id} of {} deleted", self.name_of(&person)))
    }

    /// A display name of ours is changed.
    async fn change_attribute(&mut self, look: &Look) -> Option<String> {
        let bound: Vec<(String, String)> = look.bound.clone().into_iter().collect();
        let (id, object) = self.random.choice(bound)?;
        let kind = if look.users.contains_key(&object) { "User" } else { "Group" };
        let mut body = json!({"Operations": [{"AttributePath": "displayName", "AttributeValue": format!("Changed by hand {}", self.random.u32(..))}]});
        body[format!("{kind}Id")] = json!(object);
        self.by_hand(&format!("Update{kind}"), body).await?;
        self.watch.not_told(&id, self.now());
        Some(format!("by hand: {} renamed", self.name_of(&id)))
    }

    /// An object of ours is deleted.
    async fn delete_object(&mut self, look: &Look, kind: &str) -> Option<String> {
        let objects = if kind == "User" { &look.users } else { &look.groups };
        let bound = look.bound.iter().filter(|(_, object)| objects.contains_key(*object));
        let bound: Vec<(String, String)> = bound.map(|(id, object)| (id.clone(), object.clone())).collect();
        let (id, object) = self.random.choice(bound)?;
        let mut body: Value = json!({});
        body[format!("{kind}Id")] = json!(object);
        // What is deleted meanwhile by the product's own hand cannot be told apart from this: look afterwards.
        let before = self.look().await.ok()?;
        self.by_hand(&format!("Delete{kind}"), body).await?;
        self.watch.deleted_by_hand(&object, &before);
        self.watch.not_told(&id, self.now());
        Some(format!("by hand: the object of {} deleted", self.name_of(&id)))
    }
}
