//! A small organization for the tests of this crate.

use crate::EntraObjectId;
use crate::ids::{AccountId, OrganizationalUnitId, PermissionSetArn};
use crate::organization::{Account, AccountState, AccountTree};
use crate::permission_sets::PermissionSets;
use crate::rules::{Document, Rules};
use std::collections::BTreeSet;

use super::{Access, AccountAssignment, GroupNames};

pub(crate) fn account_id(number: u64) -> AccountId {
    AccountId::parse(&format!("{number:012}")).unwrap()
}

pub(crate) fn unit(id: &str) -> OrganizationalUnitId {
    OrganizationalUnitId::parse(id).unwrap()
}

pub(crate) fn permission_set(number: u8) -> PermissionSetArn {
    let arn = format!("arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-{number:016}");
    PermissionSetArn::parse(&arn).unwrap()
}

/// An account below the root and, in this order, these units.
pub(crate) fn account(number: u64, name: &str, units: &[&str]) -> Account {
    let below = units.iter().map(|name| unit(&format!("ou-root-{name}")));
    Account {
        id: account_id(number),
        name: name.to_owned(),
        state: AccountState::Active,
        units: [unit("r-root")].into_iter().chain(below).collect(),
    }
}

pub(crate) fn group(number: u8) -> EntraObjectId {
    crate::desired::tests::group_id(number)
}

pub(crate) fn assignment(permission_set_number: u8, account: u64) -> AccountAssignment {
    AccountAssignment { permission_set: permission_set(permission_set_number), account: account_id(account) }
}

pub(crate) fn rules(document: &str) -> Rules {
    Document::read(document).into_rules().unwrap()
}

/// The management account 1; below it `prod` (2) and `prod-eu` (3) in workloads, `sandbox` (4) in sandboxes, and
/// 5, `old`, which is closed. Permission sets 1 `Admin`, 2 `View`, 3 `eu-Admin`.
pub(crate) struct World {
    pub(crate) rules: Rules,
    pub(crate) accounts: Vec<Account>,
    pub(crate) permission_sets: PermissionSets,
    pub(crate) groups: GroupNames,
}

impl World {
    pub(crate) fn new(document: &str, groups: &[(u8, &str)]) -> Self {
        let names = [("Admin", 1), ("View", 2), ("eu-Admin", 3)];
        let sets = names.map(|(name, number)| (name.to_owned(), permission_set(number)));
        let old = Account { state: AccountState::Closed, ..account(5, "old", &[]) };
        Self {
            rules: rules(document),
            accounts: vec![
                account(1, "management", &[]),
                account(2, "prod", &["workloads"]),
                account(3, "prod-eu", &["workloads", "european"]),
                account(4, "sandbox", &["sandboxes"]),
                old,
            ],
            permission_sets: PermissionSets::new(sets).unwrap(),
            groups: groups.iter().map(|(number, name)| (group(*number), (*name).to_owned())).collect(),
        }
    }

    pub(crate) fn tree(&self) -> AccountTree {
        let units =
            ["r-root", "ou-root-workloads", "ou-root-european", "ou-root-sandboxes", "ou-root-emptyunit"]
                .map(unit);
        AccountTree::new(account_id(1), self.accounts.clone(), BTreeSet::from(units)).unwrap()
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&Access<'_>) -> T) -> T {
        let tree = self.tree();
        look(&Access::new(&self.rules, &tree, &self.permission_sets))
    }
}
