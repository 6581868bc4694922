//! Gives accounts their names, states and places at once.

use super::{Organization, State, Unit, calls};
use serde::Deserialize;
use serde_json::Value;

/// What of an account is the organization's. What is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Place {
    name: Option<String>,
    email: Option<String>,
    state: Option<State>,
    /// The root's or a unit's id.
    parent: Option<String>,
    /// The account is not in the organization any more.
    #[serde(default)]
    left: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitSeed {
    id: String,
    name: String,
    parent: Option<String>,
}

impl Organization {
    /// Adds or moves units: `id`, `name`, and `parent` (the root if left out), those above others first.
    ///
    /// # Errors
    /// Says what is wrong with the seed.
    pub fn seed_units(&mut self, seeds: &[Value]) -> Result<(), String> {
        for seed in seeds {
            let seed: UnitSeed =
                serde_json::from_value(seed.clone()).map_err(|error| format!("units: {error}"))?;
            if !seed.id.starts_with("ou-") || !calls::is_parent(&seed.id) {
                return Err(format!("units: {} is no id of a unit, such as ou-sbox-workloads", seed.id));
            }
            let parent = seed.parent.unwrap_or_else(|| self.root.clone());
            self.check_parent(&parent)?;
            if self.path(&parent).contains(&format!("/{}/", seed.id)) {
                return Err(format!("units: {} would stand below itself", seed.id));
            }
            self.units.insert(seed.id, Unit { name: seed.name, parent });
        }
        Ok(())
    }

    /// Gives an account its place; it has joined before.
    pub(crate) fn place(&mut self, account: &str, place: Place) -> Result<(), String> {
        if let Some(parent) = &place.parent {
            self.check_parent(parent)?;
        }
        if place.name.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > 50) {
            return Err(format!("accounts: the name of {account} must have 1 to 50 characters"));
        }
        if place.left {
            if account == self.management {
                return Err("accounts: the management account cannot leave".to_owned());
            }
            self.members.remove(account);
            return Ok(());
        }
        if let Some(member) = self.members.get_mut(account) {
            member.name = place.name.unwrap_or_else(|| member.name.clone());
            member.email = place.email.unwrap_or_else(|| member.email.clone());
            member.state = place.state.unwrap_or(member.state);
            member.parent = place.parent.unwrap_or_else(|| member.parent.clone());
        }
        Ok(())
    }

    fn check_parent(&self, parent: &str) -> Result<(), String> {
        if parent == self.root || self.units.contains_key(parent) {
            Ok(())
        } else {
            Err(format!(
                "there is no unit {parent}: seed it before what stands in it; the root is {}",
                self.root
            ))
        }
    }
}
