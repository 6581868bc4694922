//! Reads rules, accounts, permission sets and account assignments into a snapshot. It can write nothing.

use super::ports::{
    AccessLedger, AccountAssignmentReader, HeldByGroups, OrganizationReader, PermissionSetReader, RulesReader,
};
use crate::ports::CallError;
use crate::snapshot::AccessReader;
use async_trait::async_trait;
use planning::GroupId;
use planning::access::Bindings;
use planning::snapshot::{AccessSide, LedgerSide};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where it is read from.
pub struct AccessOfSnapshot {
    /// The rules, in use or to be played through.
    pub rules: Arc<dyn RulesReader>,
    /// The accounts.
    pub organization: Arc<dyn OrganizationReader>,
    /// The permission sets.
    pub permission_sets: Arc<dyn PermissionSetReader>,
    /// Who has which of them where.
    pub assignments: Arc<dyn AccountAssignmentReader>,
    /// What names mean.
    pub ledger: Arc<dyn AccessLedger>,
}

#[async_trait]
impl AccessReader for AccessOfSnapshot {
    async fn access(
        &self,
        groups: &BTreeSet<GroupId>,
        ledger: &LedgerSide,
    ) -> Result<Option<AccessSide>, CallError> {
        let rules = self.rules.text().await?;
        let accounts = self.organization.accounts().await?;
        let permission_sets = self.permission_sets.permission_sets().await?;
        let HeldByGroups { caller, assignments } = self.assignments.of_groups(groups).await?;
        let bound = self.ledger.bound_names().await?;
        let known_as = ledger.groups.iter().filter_map(|record| {
            let name = record.principal.access.known_as.clone()?;
            Some((record.id.clone(), name))
        });
        let recorded = ledger.groups.iter();
        let recorded = recorded.map(|record| (record.id.clone(), record.principal.access.recorded()));
        Ok(Some(AccessSide {
            rules,
            accounts,
            permission_sets,
            caller,
            of_groups: assignments,
            // We never give anybody access but by a group, and reading it takes a call for every user.
            of_users: BTreeMap::new(),
            recorded: recorded.filter(|(_, recorded)| !recorded.is_empty()).collect(),
            bindings: Bindings::of(bound, known_as),
        }))
    }
}
