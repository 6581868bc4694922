//! AWS Organizations: all accounts, each with the units above it.

use crate::admin_calls::AdminCall;
use crate::pages::{Asked, Pages};
use async_trait::async_trait;
use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{Account as ListedAccount, AccountState as State, AccountStatus};
use engine::access::ports::OrganizationReader;
use engine::budget::Budget;
use engine::ports::CallError;
use planning::ids::{AccountId, OrganizationalUnitId};
use planning::organization::{Account, AccountState, AccountTree};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The service's prefix in IAM actions.
const SERVICE: &str = "organizations";
/// The most entries that a page may have (API model, `MaxResults`).
const PAGE: i32 = 20;

/// The organization of the client's account.
#[derive(Debug, Clone)]
pub struct Organization {
    client: Client,
    budget: Arc<Budget>,
}

impl Organization {
    /// Reads with this client, as often as the budget allows. The management account may, and so may the delegated
    /// administrator.
    pub fn new(client: Client, budget: Arc<Budget>) -> Self {
        Self { client, budget }
    }

    fn call(&self, name: &'static str, object: impl ToString) -> AdminCall {
        AdminCall::read(SERVICE, name, object, self.budget.clone())
    }

    pub(crate) async fn management(&self) -> Result<AccountId, CallError> {
        let call = self.call("DescribeOrganization", "of this account");
        let request = self.client.describe_organization();
        let answer = call.answered(|| request.clone().send()).await?;
        call.id(answer.organization().and_then(|organization| organization.master_account_id()))
    }

    async fn listed(&self) -> Result<Vec<ListedAccount>, CallError> {
        let call = self.call("ListAccounts", "of the organization");
        let (mut pages, mut accounts) = (Pages::default(), Vec::new());
        while let Some(token) = pages.to_read() {
            let request = self.client.list_accounts().max_results(PAGE).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            pages.turn(&call, page.next_token())?;
            accounts.extend(page.accounts.unwrap_or_default());
        }
        Ok(accounts)
    }

    async fn roots(&self) -> Result<Vec<OrganizationalUnitId>, CallError> {
        let call = self.call("ListRoots", "of the organization");
        let (mut pages, mut roots) = (Pages::default(), Vec::new());
        while let Some(token) = pages.to_read() {
            let request = self.client.list_roots().max_results(PAGE).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            for root in page.roots() {
                roots.push(call.id(root.id())?);
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(roots)
    }

    async fn units_below(
        &self,
        parent: &OrganizationalUnitId,
    ) -> Result<Vec<OrganizationalUnitId>, CallError> {
        let call = self.call("ListOrganizationalUnitsForParent", parent);
        let (mut pages, mut units) = (Pages::default(), Vec::new());
        while let Some(token) = pages.to_read() {
            let request = self.client.list_organizational_units_for_parent().parent_id(parent.as_str());
            let request = request.max_results(PAGE).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            for unit in page.organizational_units() {
                units.push(call.id(unit.id())?);
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(units)
    }

    async fn accounts_below(&self, parent: &OrganizationalUnitId) -> Result<Vec<AccountId>, CallError> {
        let call = self.call("ListAccountsForParent", parent);
        let (mut pages, mut accounts) = (Pages::default(), Vec::new());
        while let Some(token) = pages.to_read() {
            let request = self.client.list_accounts_for_parent().parent_id(parent.as_str());
            let request = request.max_results(PAGE).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            for account in page.accounts() {
                accounts.push(call.id(account.id())?);
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(accounts)
    }
}

#[async_trait]
impl OrganizationReader for Organization {
    /// Accounts are listed, and then found again below the units: one that was moved meanwhile stands nowhere or twice,
    /// and then nothing is concluded.
    async fn accounts(&self) -> Result<AccountTree, CallError> {
        let call = self.call("ListAccounts", "of the organization");
        let (management, listed, roots) = futures::try_join!(self.management(), self.listed(), self.roots())?;
        let mut units = BTreeSet::new();
        let mut places: BTreeMap<AccountId, Vec<Vec<OrganizationalUnitId>>> = BTreeMap::new();
        let mut ahead: Vec<Vec<OrganizationalUnitId>> = roots.into_iter().map(|root| vec![root]).collect();
        while let Some(path) = ahead.pop() {
            let Some(unit) = path.last().cloned() else { continue };
            let (below, accounts) = futures::try_join!(self.units_below(&unit), self.accounts_below(&unit))?;
            if !units.insert(unit) {
                return Err(call.lacks(
                    "one place for each unit: they were moved meanwhile; it is read again by itself",
                ));
            }
            for account in accounts {
                places.entry(account).or_default().push(path.clone());
            }
            ahead.extend(below.into_iter().map(|unit| [path.clone(), vec![unit]].concat()));
        }
        let mut accounts = Vec::new();
        for listed in &listed {
            let id: AccountId = call.id(listed.id())?;
            let name = listed.name().ok_or_else(|| call.lacks("Name"))?.to_owned();
            let state = state_of(&call, listed)?;
            // None: it stands nowhere, which the tree refuses. Several: it stands twice.
            let placed = places.remove(&id).unwrap_or_else(|| vec![Vec::new()]);
            accounts.extend(placed.into_iter().map(|units| Account {
                id: id.clone(),
                name: name.clone(),
                state,
                units,
            }));
        }
        AccountTree::new(management, accounts, units).map_err(|broken| call.lacks(&broken.to_string()))
    }
}

/// `State`, or `Status` where AWS does not give it yet.
fn state_of(call: &AdminCall, account: &ListedAccount) -> Result<AccountState, CallError> {
    match (account.state(), account.status()) {
        (Some(State::PendingActivation), _) => Ok(AccountState::PendingActivation),
        (Some(State::Active), _) | (None, Some(AccountStatus::Active)) => Ok(AccountState::Active),
        (Some(State::Suspended), _) | (None, Some(AccountStatus::Suspended)) => Ok(AccountState::Suspended),
        (Some(State::PendingClosure), _) | (None, Some(AccountStatus::PendingClosure)) => {
            Ok(AccountState::PendingClosure)
        }
        (Some(State::Closed), _) => Ok(AccountState::Closed),
        _ => Err(call.lacks("the State of an account")),
    }
}
