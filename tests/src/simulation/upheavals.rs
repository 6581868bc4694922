//! Much at once: crowds that move, and changes that are taken back before anybody could see them.

use super::world::World;
use std::time::Duration;
use tokio::time::sleep;

/// People in a crowd.
const CROWD: usize = 64;
/// In groups of this size: so few losses are never bulk by themselves.
const IN_GROUPS_OF: usize = 5;

impl World {
    /// Many people in many small groups, all assigned.
    pub async fn let_a_crowd_in(&mut self) {
        for _ in 0..CROWD.div_ceil(IN_GROUPS_OF) {
            let before: Vec<String> = self.truth.teams.keys().cloned().collect();
            self.make_group().await;
            let made = self.truth.teams.keys().find(|id| !before.contains(id)).cloned();
            let Some(team) = made else { continue };
            self.assign(Some(team.clone())).await;
            for _ in 0..IN_GROUPS_OF {
                if let Some(person) = self.hire_as(None).await {
                    self.add_member(&team, &person).await;
                }
            }
        }
    }

    /// A reorganisation: most of the small groups are emptied, or are no longer assigned.
    pub async fn let_an_upheaval_begin(&mut self) -> String {
        let teams: Vec<String> = self.truth.assigned.keys().cloned().collect();
        let teams: Vec<String> = teams.into_iter().filter(|id| self.truth.teams.contains_key(id)).collect();
        let emptied = self.random.bool();
        for team in &teams {
            if emptied {
                self.empty(team).await;
            } else {
                self.unassign_one(team).await;
            }
        }
        self.note_truth();
        format!("an upheaval: {} groups are {}", teams.len(), if emptied { "emptied" } else { "unassigned" })
    }

    async fn empty(&mut self, team: &str) {
        let members = self.truth.teams.get(team).map(|team| team.members.clone()).unwrap_or_default();
        for member in members {
            self.remove_member(team, &member).await;
        }
    }

    /// Somebody leaves a group, and the function that learns of it dies before it can tell.
    pub async fn slip(&mut self) -> Option<String> {
        let team = self.some_assigned_team().filter(|_| self.weather.storms)?;
        let members = self.truth.teams.get(&team)?.members.clone();
        let member = self.random.choice(members.into_iter().collect::<Vec<_>>())?;
        self.product.chaos.doom("send", false);
        self.remove_member(&team, &member).await?;
        Some(format!("{} slips out of {}", self.name_of(&member), self.name_of(&team)))
    }

    /// Somebody joins a group and leaves it again at once; the function may die in between.
    pub async fn blink(&mut self) -> Option<String> {
        let team = self.some_assigned_team()?;
        let members = self.truth.teams.get(&team)?.members.clone();
        let outsiders: Vec<String> = self
            .truth
            .people
            .iter()
            .filter(|(id, person)| person.is_active() && !members.contains(*id))
            .map(|(id, _)| id.clone())
            .collect();
        let person = self.random.choice(outsiders)?;
        let doomed = self.weather.storms && self.random.bool();
        if doomed {
            self.product.chaos.doom("CreateGroupMembership", true);
        }
        self.add_member(&team, &person).await?;
        self.note_truth();
        sleep(Duration::from_millis(self.random.u64(200..8_000))).await;
        self.remove_member(&team, &person).await?;
        Some(format!("{} is in {} for a moment", self.name_of(&person), self.name_of(&team)))
    }
}
