//! Reads rules, accounts, permission sets and account assignments into a snapshot. It can write nothing.

use crate::access::AccessConfiguration;
use crate::aws;
use crate::budgets;
use crate::rules::RulesParameter;
use async_trait::async_trait;
use aws_config::SdkConfig;
use engine::access::ports::{
    AccessLedger, AccountAssignmentReader, HeldByGroups, OrganizationReader, PermissionSetReader,
};
use engine::ports::CallError;
use engine::snapshot::AccessReader;
use identity_center::{InstanceReadOnly, Organization};
use ledger::DynamoLedger;
use planning::GroupId;
use planning::access::Bindings;
use planning::snapshot::{AccessSide, LedgerSide};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which rules.
pub(crate) enum RulesSource {
    /// Those in use.
    InUse(RulesParameter),
    /// These, to be played through. Whether any are in use does not matter.
    Given(String),
}

/// Where it is read from.
pub(crate) struct AccessOfSnapshot {
    rules: RulesSource,
    organization: Organization,
    instance: InstanceReadOnly,
    ledger: DynamoLedger,
}

impl AccessOfSnapshot {
    pub(crate) fn connect(
        configuration: AccessConfiguration,
        given: Option<String>,
        aws: &SdkConfig,
        ledger: &DynamoLedger,
    ) -> Self {
        let AccessConfiguration { rules_parameter, identity_store_id } = configuration;
        let reads = Arc::new(budgets::organizations());
        Self {
            rules: match given {
                Some(text) => RulesSource::Given(text),
                None => {
                    RulesSource::InUse(RulesParameter::new(aws_sdk_ssm::Client::new(aws), rules_parameter))
                }
            },
            organization: Organization::new(aws_sdk_organizations::Client::new(aws), reads),
            instance: aws::instance(aws, identity_store_id, budgets::admin_of_sweep()).reader(),
            ledger: ledger.clone(),
        }
    }
}

#[async_trait]
impl AccessReader for AccessOfSnapshot {
    async fn access(
        &self,
        groups: &BTreeSet<GroupId>,
        ledger: &LedgerSide,
    ) -> Result<Option<AccessSide>, CallError> {
        let rules = match &self.rules {
            RulesSource::InUse(parameter) => parameter.text().await?,
            RulesSource::Given(text) => text.clone(),
        };
        let accounts = self.organization.accounts().await?;
        let permission_sets = self.instance.permission_sets().await?;
        let HeldByGroups { caller, assignments } = self.instance.of_groups(groups).await?;
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
