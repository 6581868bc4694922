//! Both sides and the ledger at one time, as plain data: what would change, and why somebody has access, follows
//! from it without asking anybody.

mod access;
mod adoption;
mod explain_account;
mod explain_user;
mod groups;
mod planned;
mod stored;
mod users;
mod weight;
mod whole_plan;
mod world;

pub use adoption::{Candidate, Doubt, StoreObject, candidates};
pub use explain_account::{AccountExplanation, GroupInAccount, explain_account};
pub use explain_user::{AccessPath, Assignment, Presence, UserExplanation, WayIn, explain_user};
pub use planned::{AttributeChange, Named, NamedAssignment, PlannedChange, PrincipalPlan};
pub use stored::{AdoptionList, Comparison, Differing, Reviewed, Stored, UnusableDocument, compare};
pub use weight::Warning;
pub use whole_plan::{Only, Summary, WholePlan, plan};

use crate::access::{Access, AccountAssignment, Bindings, Caller};
use crate::assigned::Principals;
use crate::group_plan::IdentityGroup;
use crate::mapping::{EntraUser, MappingSettings};
use crate::organization::AccountTree;
use crate::permission_sets::PermissionSets;
use crate::record::{GroupRecord, PrincipalKind, Record, UserRecord};
use crate::rules::{Fault, Rules};
use crate::scope::Gone;
use crate::user_plan::IdentityUser;
use crate::{AccountId, EntraObjectId, GroupId, MembershipId, PermissionSetArn, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the form in which snapshots are stored. Another one is refused.
pub const FORMAT: u32 = 1;

/// Everything that was read at one time. It names people, and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`FORMAT`].
    pub format: u32,
    /// When the reading began.
    pub taken_at: Timestamp,
    /// The tenant that was read.
    pub tenant: EntraObjectId,
    /// The enterprise application.
    pub service_principal: EntraObjectId,
    /// The operator's choices.
    pub settings: SnapshotSettings,
    /// Entra ID.
    pub entra: EntraSide,
    /// The identity store.
    pub identity_center: IdentityCenterSide,
    /// What is ours.
    pub ledger: LedgerSide,
    /// Accounts and who may use them; `None` where no rules are in use.
    pub access: Option<AccessSide>,
}

/// What the functions are told by their configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotSettings {
    /// Which attributes come from where.
    pub mapping: MappingSettings,
    /// Members of nested groups count, too.
    pub flatten_nested_groups: bool,
    /// How long a tombstone stands.
    pub grace: SignedDuration,
}

/// Entra ID's side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntraSide {
    /// Who has an appRoleAssignment.
    pub assigned: Principals,
    /// Users who are assigned, members of an assigned group, or known to the ledger.
    pub users: BTreeMap<EntraObjectId, EntraUser>,
    /// Users of whom one of these knows and who are gone.
    pub gone: BTreeMap<EntraObjectId, Gone>,
    /// Assigned groups, with nested groups flattened also those below them.
    pub groups: BTreeMap<EntraObjectId, EntraGroup>,
}

/// A group with its direct members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntraGroup {
    /// The display name.
    pub name: String,
    /// The users.
    pub users: BTreeSet<EntraObjectId>,
    /// The groups.
    pub groups: BTreeSet<EntraObjectId>,
}

/// The identity store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityCenterSide {
    /// Every user.
    pub users: Vec<IdentityUser>,
    /// Every group.
    pub groups: Vec<IdentityGroup>,
    /// Every membership.
    pub memberships: BTreeMap<GroupId, BTreeMap<UserId, MembershipId>>,
}

/// What the ledger proves to be ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerSide {
    /// Users' records.
    pub users: Vec<Record<UserRecord>>,
    /// Groups' records, without their delta links.
    pub groups: Vec<Record<GroupRecord>>,
    /// Whose lost assignment counts until an operator decides.
    pub held_assignments: BTreeSet<EntraObjectId>,
}

/// Access to accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSide {
    /// The document of grants.
    pub rules: String,
    /// The organization.
    pub accounts: AccountTree,
    /// The instance's permission sets.
    pub permission_sets: PermissionSets,
    /// In whose name sso-admin is called.
    pub caller: Caller,
    /// What groups have, whoever's they are.
    pub of_groups: BTreeMap<GroupId, BTreeSet<AccountAssignment>>,
    /// What users have by themselves, without a group.
    pub of_users: BTreeMap<UserId, BTreeSet<AccountAssignment>>,
    /// What the ledger proves that we gave to groups.
    pub recorded: BTreeMap<EntraObjectId, BTreeSet<AccountAssignment>>,
    /// What names were found to mean.
    pub bindings: Bindings,
}

/// Why a stored snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableSnapshot {
    /// It was stored by another version.
    #[error(
        "the snapshot has format {found} and this version reads {FORMAT}: take it anew with `entra-mirror snapshot FILE`"
    )]
    OtherFormat {
        /// Its format.
        found: u32,
    },
    /// It belongs to another tenant.
    #[error(
        "the snapshot is of tenant {found}, and ENTRA_TENANT_ID says {expected}: name the snapshot of this tenant, or unset the variable"
    )]
    OtherTenant {
        /// The snapshot's.
        found: EntraObjectId,
        /// The one that is worked on.
        expected: EntraObjectId,
    },
    /// It is no snapshot, or a part of one.
    #[error("this is no complete snapshot ({0}): take it anew with `entra-mirror snapshot FILE`")]
    Unreadable(#[from] serde_json::Error),
}

impl Snapshot {
    /// Reads what [`Snapshot::to_json`] wrote. `tenant` is the one that is worked on, if that is known.
    ///
    /// # Errors
    /// [`UnusableSnapshot`], which says what to do.
    pub fn from_json(json: &[u8], tenant: Option<&EntraObjectId>) -> Result<Self, UnusableSnapshot> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let read: serde_json::Result<Self> = serde_json::from_slice(json);
        // The whole is read once: its format alone is looked for only where something is wrong.
        let format = match &read {
            Ok(snapshot) => snapshot.format,
            Err(_) => serde_json::from_slice::<Head>(json)?.format,
        };
        if format != FORMAT {
            return Err(UnusableSnapshot::OtherFormat { found: format });
        }
        let snapshot = read?;
        match tenant {
            Some(expected) if *expected != snapshot.tenant => {
                Err(UnusableSnapshot::OtherTenant { found: snapshot.tenant, expected: expected.clone() })
            }
            _ => Ok(snapshot),
        }
    }

    /// The snapshot as it is stored.
    ///
    /// # Errors
    /// Never with what can be read from the services: JSON can hold all of it.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// Faults of rules that only show where accounts, permission sets and groups are known; `None` where they are not.
    pub fn faults_of(&self, rules: &Rules) -> Option<Vec<Fault>> {
        let side = self.access.as_ref()?;
        let assigned = self.entra.groups.iter().filter(|(id, _)| self.entra.assigned.contains_key(*id));
        let names = assigned.map(|(id, group)| (id.clone(), group.name.clone())).collect();
        Some(crate::access::check(&Access::new(rules, &side.accounts, &side.permission_sets), &names))
    }

    /// The groups of Identity Center that a user's plan takes the user out of.
    pub fn groups_lost(&self, plan: &PrincipalPlan) -> BTreeSet<GroupId> {
        let objects: BTreeMap<&str, &GroupId> = self
            .ledger
            .groups
            .iter()
            .filter_map(|record| Some((record.id.as_str(), record.principal.group_id.as_ref()?)))
            .collect();
        let lost = plan.changes.iter().filter_map(|(change, _)| match change {
            PlannedChange::RevokeMembership { of } if plan.kind == PrincipalKind::User => Some(&of.id),
            _ => None,
        });
        lost.filter_map(|id| match objects.get(id.as_str()) {
            Some(object) => Some((*object).clone()),
            None => GroupId::parse(id).ok(),
        })
        .collect()
    }

    /// The account assignments that a group's plan changes.
    pub fn access_changed(&self, plan: &PrincipalPlan) -> BTreeSet<AccountAssignment> {
        let changed = plan.changes.iter().filter_map(|(change, _)| match change {
            PlannedChange::RevokeAssignment { assignment }
            | PlannedChange::GrantAssignment { assignment } => Some(assignment),
            _ => None,
        });
        let assignment = |named: &NamedAssignment| {
            let permission_set = PermissionSetArn::parse(&named.permission_set.id).ok()?;
            Some(AccountAssignment { permission_set, account: AccountId::parse(&named.account.id).ok()? })
        };
        changed.filter_map(assignment).collect()
    }

    /// Plays through other rules than those that are in use.
    #[must_use]
    pub fn with_rules(mut self, rules: String) -> Self {
        if let Some(access) = &mut self.access {
            access.rules = rules;
        }
        self
    }
}

impl AccessSide {
    /// The rules.
    ///
    /// # Errors
    /// Their faults, one a line.
    pub fn read_rules(&self) -> Result<Rules, UnusableRules> {
        crate::rules::Document::read(&self.rules).into_rules().map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            UnusableRules(lines.join("\n"))
        })
    }
}

/// The rules have errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rules cannot be used; correct them, `entra-mirror rules check FILE` shows the same:\n{0}")]
pub struct UnusableRules(String);

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
