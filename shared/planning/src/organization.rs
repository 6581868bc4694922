//! The accounts of the AWS organization, each with the organizational units above it.

use crate::ids::{AccountId, OrganizationalUnitId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// `State` of an account, as AWS Organizations gives it. Access is given and taken away only where it is
/// [`Active`](AccountState::Active): AWS lets nobody into the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountState {
    /// Its sign-up is not completed.
    PendingActivation,
    /// In use.
    Active,
    /// Suspended by AWS.
    Suspended,
    /// On its way to being closed.
    PendingClosure,
    /// Closed; it leaves the organization after 90 days.
    Closed,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name: 1 to 50 characters, which other accounts may bear, too.
    pub name: String,
    /// Whether it can be used.
    pub state: AccountState,
    /// What stands above it: the root first, its own unit last.
    pub units: Vec<OrganizationalUnitId>,
}

/// Every account and unit of the organization. It is complete by construction: a part of it would look as if
/// accounts had gone, and would take access away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenTree")]
pub struct AccountTree {
    management: AccountId,
    accounts: BTreeMap<AccountId, Account>,
    units: BTreeSet<OrganizationalUnitId>,
    #[serde(skip)]
    ids_by_name: BTreeMap<String, BTreeSet<AccountId>>,
}

/// A tree as it is written down.
#[derive(Deserialize)]
struct WrittenTree {
    management: AccountId,
    accounts: BTreeMap<AccountId, Account>,
    units: BTreeSet<OrganizationalUnitId>,
}

impl TryFrom<WrittenTree> for AccountTree {
    type Error = BrokenTree;
    fn try_from(written: WrittenTree) -> Result<Self, BrokenTree> {
        Self::new(written.management, written.accounts.into_values(), written.units)
    }
}

/// What was read of the organization does not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenTree {
    /// The management account is not among the accounts.
    #[error("the management account {0} is not among the organization's accounts: read all of them again")]
    NoManagementAccount(AccountId),
    /// An account was read twice.
    #[error("the account {0} was read twice: it was moved meanwhile; read all accounts again")]
    Twice(AccountId),
    /// An account stands nowhere, or under a unit that was not read.
    #[error("the units above account {0} are not all known: read accounts and units again")]
    UnitUnknown(AccountId),
}

impl AccountTree {
    /// Puts together what was read.
    ///
    /// # Errors
    /// [`BrokenTree`] if something is missing or double.
    pub fn new(
        management: AccountId,
        accounts: impl IntoIterator<Item = Account>,
        units: BTreeSet<OrganizationalUnitId>,
    ) -> Result<Self, BrokenTree> {
        let mut tree = Self { management, accounts: BTreeMap::new(), units, ids_by_name: BTreeMap::new() };
        for account in accounts {
            let id = account.id.clone();
            if account.units.is_empty() || !account.units.iter().all(|unit| tree.units.contains(unit)) {
                return Err(BrokenTree::UnitUnknown(id));
            }
            tree.ids_by_name.entry(account.name.clone()).or_default().insert(id.clone());
            if tree.accounts.insert(id.clone(), account).is_some() {
                return Err(BrokenTree::Twice(id));
            }
        }
        if tree.accounts.contains_key(&tree.management) {
            Ok(tree)
        } else {
            Err(BrokenTree::NoManagementAccount(tree.management))
        }
    }

    /// The account that the organization is managed from.
    pub fn management(&self) -> &AccountId {
        &self.management
    }

    /// An account, if the organization has it.
    pub fn get(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// Every account, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// The ids of the accounts of exactly this name: AWS lets several bear one.
    pub fn named(&self, name: &str) -> Vec<&AccountId> {
        self.ids_by_name.get(name).into_iter().flatten().collect()
    }

    /// Every name of an account.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.ids_by_name.keys().map(String::as_str)
    }

    /// Every unit, the root included.
    pub fn units(&self) -> impl Iterator<Item = &OrganizationalUnitId> {
        self.units.iter()
    }

    /// The accounts anywhere below a unit; `None` if the organization has no such unit.
    pub fn below(&self, unit: &OrganizationalUnitId) -> Option<BTreeSet<AccountId>> {
        let below = self.accounts().filter(|account| account.units.contains(unit));
        self.units.contains(unit).then(|| below.map(|account| account.id.clone()).collect())
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccountState::PendingActivation => "not activated yet",
            AccountState::Active => "active",
            AccountState::Suspended => "suspended",
            AccountState::PendingClosure => "being closed",
            AccountState::Closed => "closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tests::{account, account_id, unit};

    fn tree(accounts: Vec<Account>) -> Result<AccountTree, BrokenTree> {
        let units = ["r-root", "ou-root-workloads"].map(unit);
        AccountTree::new(account_id(1), accounts, units.into())
    }

    #[test]
    fn what_stands_below_a_unit_below_it_stands_below_it() {
        let (management, prod) = (account(1, "management", &[]), account(2, "prod", &["workloads"]));
        let tree = tree(vec![management, prod]).unwrap();
        assert_eq!(tree.below(&unit("ou-root-workloads")).unwrap(), [account_id(2)].into());
        assert_eq!(tree.below(&unit("r-root")).unwrap().len(), 2);
        assert_eq!(tree.below(&unit("ou-root-elsewhere")), None);
    }

    #[test]
    fn a_part_of_the_organization_is_no_tree() {
        let prod = account(2, "prod", &["workloads"]);
        assert_eq!(tree(vec![prod.clone()]), Err(BrokenTree::NoManagementAccount(account_id(1))));
        assert_eq!(tree(vec![prod.clone(), prod]), Err(BrokenTree::Twice(account_id(2))));
        let lost = account(2, "prod", &["elsewhere"]);
        let nowhere = Account { units: Vec::new(), ..lost.clone() };
        for account in [lost, nowhere] {
            assert_eq!(tree(vec![account]), Err(BrokenTree::UnitUnknown(account_id(2))));
        }
    }
}
