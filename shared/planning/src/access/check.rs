//! Looks for faults in the rules that only show where accounts, permission sets and groups are known.

use super::claim::Extent;
use super::{Access, AccountAssignment, Bindings, GroupNames, Obstacle, crowded, desired_assignments};
use crate::ids::AccountId;
use crate::rules::{
    AccountSelector, Entry, ExplicitGrant, Fault, GroupSelector, NamingGrant, Placed, contradictions,
    did_you_mean, is_same_as_written,
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
    faults.extend(named_twice(access, groups));
    faults.extend(granted_and_excepted(access, groups));
    faults.extend(check_crowding(access, groups));
    faults.sort();
    faults.dedup();
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
        match access.certain_accounts(entry, grant.allow_management_account) {
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
        match access.certain_accounts(entry, true) {
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

/// Grants that name one group or one account in two ways, by id and by name.
fn named_twice(access: &Access<'_>, groups: &GroupNames) -> Vec<Fault> {
    contradictions(access.rules, &|one, other| {
        !is_same_as_written(one, other) && is_same_here(access, groups, one, other)
    })
}

/// What one grant excepts and another gives, where only the organization shows that both speak of one account.
fn granted_and_excepted(access: &Access<'_>, groups: &GroupNames) -> Vec<Fault> {
    let grants: Vec<(&ExplicitGrant, Extent)> =
        access.rules.explicit().map(|grant| (grant, access.extent(grant))).collect();
    let mut faults = Vec::new();
    for (granting, given) in &grants {
        let group = meant(&granting.group.value, groups);
        for (excepting, extent) in
            grants.iter().filter(|(other, _)| meant(&other.group.value, groups) == group)
        {
            let given = given.claims.iter().filter_map(|claim| claim.target.as_ref().ok());
            let mut both = given.filter(|assignment| extent.excluded.contains(*assignment));
            let is_found = is_found_by_entries(access, groups, granting, excepting);
            if let Some(AccountAssignment { account, .. }) = both.next().filter(|_| !is_found) {
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

/// True if the entries of the two show it already.
fn is_found_by_entries(
    access: &Access<'_>,
    groups: &GroupNames,
    granting: &ExplicitGrant,
    excepting: &ExplicitGrant,
) -> bool {
    granting.accounts.iter().any(|one| {
        let one = Entry { group: &granting.group.value, accounts: &one.value };
        excepting.except.iter().any(|other| {
            let other = Entry { group: &excepting.group.value, accounts: &other.value };
            is_same_here(access, groups, one, other)
        })
    })
}

/// True if both entries speak of one group and of the same entry or account.
fn is_same_here(access: &Access<'_>, groups: &GroupNames, one: Entry<'_>, other: Entry<'_>) -> bool {
    let is_one_account = || {
        one.accounts.is_single()
            && other.accounts.is_single()
            && access.accounts_of(one.accounts, true) == access.accounts_of(other.accounts, true)
    };
    meant(one.group, groups) == meant(other.group, groups)
        && (one.accounts == other.accounts || is_one_account())
}

/// The group that a selector means, by its id if only one group in scope has the name.
fn meant(selector: &GroupSelector, groups: &GroupNames) -> GroupSelector {
    let GroupSelector::Name(wanted) = selector else { return selector.clone() };
    let mut named = groups.iter().filter(|(_, name)| *name == wanted);
    match (named.next(), named.next()) {
        (Some((id, _)), None) => GroupSelector::Id(id.clone()),
        _ => selector.clone(),
    }
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
    /// The accounts that an entry names for sure.
    fn certain_accounts(
        &self,
        entry: &Placed<AccountSelector>,
        with_management_account: bool,
    ) -> Result<BTreeSet<AccountId>, Fault> {
        let error = |why: &Obstacle| Fault::error(entry.at, format!("{why}{}", self.hint(why)));
        let named = self.accounts_of(&entry.value, with_management_account).map_err(|why| error(&why))?;
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
