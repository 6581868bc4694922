//! Fills the instance at once, and says how changes go on.

use super::operations::ProvisioningFailure;
use super::{Assignment, PermissionSet, SsoAdmin, Surroundings};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How changes of assignments go on. What is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provisioning {
    /// How long each takes; 15 at the start.
    pub seconds: Option<u32>,
    /// Which fail.
    pub failures: Option<Vec<ProvisioningFailure>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionSetSeed {
    name: String,
    description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignmentSeed {
    /// By its name.
    permission_set: String,
    account: String,
    /// The GroupId.
    group: String,
}

impl SsoAdmin {
    /// Changes go on so from now on.
    pub fn set_provisioning(&mut self, provisioning: Provisioning) {
        if let Some(seconds) = provisioning.seconds {
            self.provisioning_time = SignedDuration::from_secs(seconds.into());
        }
        if let Some(failures) = provisioning.failures {
            self.failures = failures;
        }
    }

    /// Adds `permission_sets` (`name`, `description`) and `account_assignments` (`permission_set` by name, `account`,
    /// `group` by GroupId) as if somebody had made them by hand; with `delegated_administrator` calls come from the
    /// delegated administrator from now on. Answers the ARNs by name.
    pub fn seed(&mut self, now: Timestamp, around: &Surroundings<'_>, seed: &Value) -> Result<Value, String> {
        for set in seed["permission_sets"].as_array().into_iter().flatten() {
            let set: PermissionSetSeed =
                serde_json::from_value(set.clone()).map_err(|error| format!("permission_sets: {error}"))?;
            self.add_permission_set(now, set)?;
        }
        let arns: BTreeMap<String, String> =
            self.permission_sets.iter().map(|(arn, set)| (set.name.clone(), arn.clone())).collect();
        for assignment in seed["account_assignments"].as_array().into_iter().flatten() {
            let assignment: AssignmentSeed = serde_json::from_value(assignment.clone())
                .map_err(|error| format!("account_assignments: {error}"))?;
            let arn =
                arns.get(&assignment.permission_set).ok_or("account_assignments: no such permission set")?;
            if !around.organization.has(&assignment.account) {
                return Err(format!("account_assignments: there is no account {}", assignment.account));
            }
            if !(around.has_principal)("GROUP", &assignment.group) {
                return Err("account_assignments: group must be a GroupId of the identity store".to_owned());
            }
            self.provisioned.insert((arn.clone(), assignment.account.clone()), true);
            self.assignments.insert(Assignment {
                account: assignment.account,
                permission_set: arn.clone(),
                principal_type: "GROUP".to_owned(),
                principal: assignment.group,
            });
        }
        if let Some(delegated) = seed["delegated_administrator"].as_bool() {
            self.delegated = delegated;
        }
        Ok(json!(arns))
    }

    fn add_permission_set(&mut self, now: Timestamp, set: PermissionSetSeed) -> Result<(), String> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if set.name.is_empty() || set.name.len() > 32 || !set.name.bytes().all(legal) {
            return Err(format!("permission_sets: AWS has no permission set of the name {}", set.name));
        }
        if self.permission_sets.values().any(|known| known.name == set.name) {
            return Ok(());
        }
        let instance = self.instance_arn.rsplit('/').next().unwrap_or_default();
        let id = self.ids.uuid().simple().to_string();
        let arn = format!("arn:aws:sso:::permissionSet/{instance}/ps-{}", &id[..16]);
        let made = PermissionSet { name: set.name, description: set.description, created: now };
        self.permission_sets.insert(arn, made);
        Ok(())
    }
}
