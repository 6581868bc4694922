//! Looks for faults in the rules that only show where accounts, permission sets and groups are known.

use super::claim::Extent;
use super::{Access, AccountAssignment, Bindings, GroupNames, Obstacle, crowded, desired_assignments};
use crate::ids::AccountId;
use crate::rules::{
    AccountSelector, ExplicitGrant, Fault, GroupSelector, NamingGrant, Placed, contradictions, did_you_mean,
};
use std::collections::BTreeSet;

/// Every fault that the document alone does not show. `groups` are those that are in scope.
pub fn check(access: &Access<'_>, groups: &GroupNames) -> Vec<Fault> {
    let mut faults = Vec::new();
    for grant in access.rules.naming() {
        faults.extend(check_naming(access, grant, groups));
    }
    for grant in access.rules.explicit() {
        faults.extend(check_group(grant, groups));
        faults.extend(check_permission_set(access, grant));
        faults.extend(check_accounts(access, grant));
    }
    faults.extend(named_twice(access));
    faults.extend(granted_and_excepted(access));
    faults.extend(check_crowding(access, groups));
    faults.sort();
    faults
}

fn check_naming(access: &Access<'_>, grant: &NamingGrant, groups: &GroupNames) -> Vec<Fault> {
    let at = grant.group.at;
    let mut faults = Vec::new();
    let mut matches = false;
    for name in groups.values() {
        for claim in access.claims_of_name(name).into_iter().filter(|claim| claim.rule == grant.at) {
            matches = true;
            match (&claim.target, &claim.blocked) {
                (Err(why), _) => {
                    let hint = access.hint(why);
                    faults.push(Fault::warning(at, format!("group `{name}`: {why}{hint}")));
                }
                (Ok(_), Some(why @ Obstacle::ManagementAccountNotAllowed)) => {
                    faults.push(Fault::error(
                        at,
                        format!("group `{name}` leads to account {}: {why}", access.accounts.management()),
                    ));
                }
                (Ok(_), Some(why)) => faults.push(Fault::warning(at, format!("group `{name}`: {why}"))),
                (Ok(_), None) => {}
            }
        }
    }
    if !matches {
        let message = "no group in scope has a name like this: correct the expression, or assign such a group \
                       to the enterprise application";
        faults.push(Fault::warning(at, message));
    }
    faults
}

fn check_group(grant: &ExplicitGrant, groups: &GroupNames) -> Option<Fault> {
    let (is_known, hint) = match &grant.group.value {
        GroupSelector::Id(id) => (groups.contains_key(id), String::new()),
        GroupSelector::Name(wanted) => {
            let names = || groups.values().map(String::as_str);
            (names().any(|name| name == wanted), did_you_mean(wanted, names()))
        }
    };
    let message = format!(
        "no group `{}` is in scope: assign it to the enterprise application{hint}",
        grant.group.value
    );
    (!is_known).then(|| Fault::warning(grant.group.at, message))
}

fn check_permission_set(access: &Access<'_>, grant: &ExplicitGrant) -> Option<Fault> {
    let name = &grant.permission_set.value;
    let why = Obstacle::NoSuchPermissionSet { permission_set: name.clone() };
    let is_known = access.permission_sets.named(name).is_some();
    (!is_known).then(|| Fault::error(grant.permission_set.at, format!("{why}{}", access.hint(&why))))
}

fn check_accounts(access: &Access<'_>, grant: &ExplicitGrant) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut included = BTreeSet::new();
    for entry in &grant.accounts {
        match access.certain_accounts(entry) {
            Err(fault) => faults.push(fault),
            Ok(accounts) => {
                let management = access.accounts.management();
                let leads_there = entry.value.is_single() && accounts.contains(management);
                if leads_there && !grant.allow_management_account {
                    faults.push(Fault::error(entry.at, Obstacle::ManagementAccountNotAllowed.to_string()));
                }
                if accounts.is_empty() {
                    let message = format!("`{}` holds no account: the entry gives no access", entry.value);
                    faults.push(Fault::warning(entry.at, message));
                }
                included.extend(accounts);
            }
        }
    }
    for entry in &grant.except {
        match access.certain_accounts(entry) {
            Err(fault) => faults.push(fault),
            Ok(accounts) if accounts.is_disjoint(&included) => {
                let message = format!("`{}` is not among the grant's accounts: remove it", entry.value);
                faults.push(Fault::warning(entry.at, message));
            }
            Ok(_) => {}
        }
    }
    faults
}

/// Grants that name one account in two ways, by id and by name.
fn named_twice(access: &Access<'_>) -> Vec<Fault> {
    contradictions(&access.rules.grants, &|one, other| {
        let accounts = |entry: &AccountSelector| access.accounts_of(entry, true).ok();
        one != other
            && one.is_single()
            && other.is_single()
            && accounts(one).is_some_and(|named| Some(named) == accounts(other))
    })
}

/// What one grant excepts and another gives, where only the organization shows that both speak of one account.
fn granted_and_excepted(access: &Access<'_>) -> Vec<Fault> {
    let grants: Vec<(&ExplicitGrant, Extent)> =
        access.rules.explicit().map(|grant| (grant, access.extent(grant))).collect();
    let mut faults = Vec::new();
    for (granting, given) in &grants {
        let same_group = grants.iter().filter(|(other, _)| {
            other.group.value == granting.group.value && !speaks_of_one_account(granting, other, access)
        });
        for (excepting, extent) in same_group {
            let given = given.claims.iter().filter_map(|claim| claim.target.as_ref().ok());
            let both = given.filter(|assignment| extent.excluded.contains(*assignment));
            if let Some(AccountAssignment { account, .. }) = both.into_iter().next() {
                let message = format!(
                    "this gives `{}` access to account {account}, which line {} excepts: decide for one of the two",
                    granting.group.value, excepting.at.line
                );
                faults.push(Fault::error(granting.at, message));
            }
        }
    }
    faults
}

/// True if the two name an account so that [`contradictions`] has found it already.
fn speaks_of_one_account(granting: &ExplicitGrant, excepting: &ExplicitGrant, access: &Access<'_>) -> bool {
    granting.accounts.iter().any(|one| {
        excepting.except.iter().any(|other| {
            one.value == other.value
                || one.value.is_single()
                    && other.value.is_single()
                    && access.accounts_of(&one.value, true) == access.accounts_of(&other.value, true)
        })
    })
}

fn check_crowding(access: &Access<'_>, groups: &GroupNames) -> Vec<Fault> {
    let (desired, _) = desired_assignments(access, groups, &Bindings::default());
    let mut faults = Vec::new();
    for (assignment, count) in crowded(&desired) {
        let rules = desired.values().filter_map(|desired| desired.granted.get(&assignment));
        if let Some(at) = rules.flatten().min() {
            let message = format!(
                "{count} groups get {assignment}, and AWS allows {}: put people into fewer groups",
                super::MOST_GROUPS
            );
            faults.push(if count > super::MOST_GROUPS {
                Fault::error(*at, message)
            } else {
                Fault::warning(*at, message)
            });
        }
    }
    faults
}

impl Access<'_> {
    /// The accounts that an entry names for sure, the management account included only where it is named itself.
    fn certain_accounts(&self, entry: &Placed<AccountSelector>) -> Result<BTreeSet<AccountId>, Fault> {
        let error = |why: &Obstacle| Fault::error(entry.at, format!("{why}{}", self.hint(why)));
        let named = self.accounts_of(&entry.value, false).map_err(|why| error(&why))?;
        match named.values().flatten().next() {
            Some(doubt) => Err(error(doubt)),
            None => Ok(named.into_keys().collect()),
        }
    }

    /// What was probably meant.
    fn hint(&self, why: &Obstacle) -> String {
        match why {
            Obstacle::NoSuchAccount { account } => did_you_mean(account, self.account_words.iter().copied()),
            Obstacle::NoSuchPermissionSet { permission_set } => {
                did_you_mean(permission_set, self.permission_set_words.iter().copied())
            }
            Obstacle::NoSuchUnit { unit } => {
                did_you_mean(unit, self.accounts.units().map(|unit| unit.as_str()))
            }
            _ => String::new(),
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
