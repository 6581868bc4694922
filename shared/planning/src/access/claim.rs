//! What each rule calls for in this organization.

use super::{Access, AccountAssignment, Obstacle};
use crate::ids::{AccountId, PermissionSetArn};
use crate::organization::AccountState;
use crate::rules::{AccountSelector, ExplicitGrant, Placed, Position};
use std::collections::{BTreeMap, BTreeSet};

/// An assignment that a rule calls for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// The rule.
    pub(super) rule: Position,
    /// The assignment, or why nobody knows which.
    pub(super) target: Result<AccountAssignment, Obstacle>,
    /// Why it is not made all the same.
    pub(super) blocked: Option<Obstacle>,
}

/// What an explicit grant comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) claims: Vec<Claim>,
    /// What it excepts.
    pub(super) excluded: BTreeSet<AccountAssignment>,
}

/// Accounts that a text names, each with a reason to doubt that it is the one that was meant.
pub(super) type Named = BTreeMap<AccountId, Option<Obstacle>>;

impl Access<'_> {
    /// What the naming conventions call for where a group has this name.
    pub(super) fn claims_of_name(&self, name: &str) -> Vec<Claim> {
        let mut claims = Vec::new();
        for grant in self.rules.naming() {
            let expression = &grant.group.value;
            let Some(reading) = expression.read(name, &self.account_words, &self.permission_set_words) else {
                continue;
            };
            let allowed = grant.allow_management_account;
            let permission_set = self.permission_set_called(&reading.permission_set);
            match self.accounts_called(&reading.account).and_then(|named| Ok((named, permission_set?))) {
                Ok((named, permission_set)) => claims.extend(named.into_iter().map(|(account, doubt)| {
                    let target = AccountAssignment { permission_set: permission_set.clone(), account };
                    self.claim(grant.at, target, doubt, allowed)
                })),
                Err(why) => claims.push(lost(grant.at, why)),
            }
        }
        claims
    }

    /// What an explicit grant calls for, and what it excepts.
    pub(super) fn extent(&self, grant: &ExplicitGrant) -> Extent {
        let permission_set = match self.permission_set_called(&grant.permission_set.value) {
            Ok(permission_set) => permission_set,
            Err(why) => return Extent { claims: vec![lost(grant.at, why)], ..Extent::default() },
        };
        let target = |account: &AccountId| AccountAssignment {
            permission_set: permission_set.clone(),
            account: account.clone(),
        };
        let allowed = grant.allow_management_account;
        let (included, missing) = self.selected(&grant.accounts, allowed);
        let (excepted, unknown) = self.selected(&grant.except, true);
        // Were it granted all the same, an account that was renamed would lose its exception.
        let uncertain = unknown.into_iter().next().map(|(entry, _)| Obstacle::ExceptionUnknown { entry });
        let uncertain = uncertain.or_else(|| excepted.values().flatten().next().cloned());
        let mut extent = Extent::default();
        extent.claims.extend(missing.into_iter().map(|(_, why)| lost(grant.at, why)));
        for (account, doubt) in included {
            if excepted.get(&account).is_some_and(Option::is_none) {
                extent.excluded.insert(target(&account));
            } else {
                let doubt = doubt.or_else(|| uncertain.clone());
                extent.claims.push(self.claim(grant.at, target(&account), doubt, allowed));
            }
        }
        extent
    }

    /// The accounts that entries name, and the entries that name none, with the reason.
    fn selected(
        &self,
        entries: &[Placed<AccountSelector>],
        with_management_account: bool,
    ) -> (Named, Vec<(String, Obstacle)>) {
        let (mut selected, mut missing) = (Named::new(), Vec::new());
        for entry in entries {
            match self.accounts_of(&entry.value, with_management_account) {
                Ok(named) => {
                    for (account, doubt) in named {
                        let known = selected.entry(account).or_insert_with(|| doubt.clone());
                        *known = known.take().and(doubt);
                    }
                }
                Err(why) => missing.push((entry.value.to_string(), why)),
            }
        }
        (selected, missing)
    }

    /// The accounts that an entry names. The management account is in `all` and in units only where it is
    /// allowed.
    pub(super) fn accounts_of(
        &self,
        selector: &AccountSelector,
        with_management_account: bool,
    ) -> Result<Named, Obstacle> {
        let accounts: BTreeSet<AccountId> = match selector {
            AccountSelector::Id(id) => return self.accounts_called(id.as_str()),
            AccountSelector::Name(name) => return self.accounts_called(name),
            AccountSelector::All => self.accounts.accounts().map(|account| account.id.clone()).collect(),
            AccountSelector::Unit(unit) => {
                let below = self.accounts.below(unit);
                below.ok_or_else(|| Obstacle::NoSuchUnit { unit: unit.to_string() })?
            }
        };
        let management = self.accounts.management();
        let covered = accounts.into_iter().filter(|id| with_management_account || id != management);
        Ok(covered.map(|id| (id, None)).collect())
    }

    /// The account of this id or name. Who may rename an account can neither pass it for another nor harm another:
    /// twelve digits are always an id, and accounts that bear one name are all in doubt.
    fn accounts_called(&self, text: &str) -> Result<Named, Obstacle> {
        let no_such = || Obstacle::NoSuchAccount { account: text.to_owned() };
        if let Ok(id) = AccountId::parse(text) {
            return self.accounts.get(&id).map(|_| [(id, None)].into()).ok_or_else(no_such);
        }
        let ids = self.accounts.named(text);
        let is_ambiguous = ids.len() > 1;
        let doubt = is_ambiguous.then(|| Obstacle::AmbiguousAccount { account: text.to_owned() });
        let named: Named = ids.into_iter().map(|id| (id.clone(), doubt.clone())).collect();
        if named.is_empty() { Err(no_such()) } else { Ok(named) }
    }

    fn permission_set_called(&self, name: &str) -> Result<PermissionSetArn, Obstacle> {
        let found = self.permission_sets.named(name).cloned();
        found.ok_or_else(|| Obstacle::NoSuchPermissionSet { permission_set: name.to_owned() })
    }

    fn claim(
        &self,
        rule: Position,
        target: AccountAssignment,
        doubt: Option<Obstacle>,
        allow_management_account: bool,
    ) -> Claim {
        let is_barred = target.account == *self.accounts.management() && !allow_management_account;
        let state = self.accounts.get(&target.account).map(|account| account.state);
        let blocked = match state.filter(|state| *state != AccountState::Active) {
            _ if is_barred => Some(Obstacle::ManagementAccountNotAllowed),
            Some(state) => Some(Obstacle::AccountNotActive { state }),
            None => doubt,
        };
        Claim { rule, target: Ok(target), blocked }
    }
}

fn lost(rule: Position, why: Obstacle) -> Claim {
    Claim { rule, target: Err(why), blocked: None }
}
