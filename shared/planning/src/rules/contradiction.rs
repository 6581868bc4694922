//! Finds grants that contradict or repeat each other: one of the two is not what was meant.

use super::fault::{Fault, Placed};
use super::selector::{AccountSelector, GroupSelector};
use super::{ExplicitGrant, NamingGrant, Rules};

/// An entry of `accounts` or `except`, with the group of its grant.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) group: &'a GroupSelector,
    pub(crate) accounts: &'a AccountSelector,
}

/// When two entries speak of one group and the same accounts.
pub(crate) type Same<'a> = &'a dyn Fn(Entry<'_>, Entry<'_>) -> bool;

/// True if both entries say the same with the same words.
pub(crate) fn is_same_as_written(one: Entry<'_>, other: Entry<'_>) -> bool {
    one.group == other.group && one.accounts == other.accounts
}

/// Two grants of one permission set to one group contradict each other where one gives access to what the other
/// excepts; they repeat each other where both give it. So do two entries of one list. The later of the two is at
/// fault, since it was probably added last.
pub(crate) fn contradictions(rules: &Rules, same: Same<'_>) -> Vec<Fault> {
    let grants: Vec<&ExplicitGrant> = rules.explicit().collect();
    let mut faults = Vec::new();
    for (number, later) in grants.iter().enumerate() {
        faults.extend(within(later, same));
        for earlier in &grants[..number] {
            if earlier.permission_set.value == later.permission_set.value {
                faults.extend(between(earlier, later, same));
            }
        }
    }
    faults
}

/// Naming conventions that repeat an earlier one.
pub(super) fn repeated_conventions(rules: &Rules) -> Vec<Fault> {
    let grants: Vec<&NamingGrant> = rules.naming().collect();
    let mut faults = Vec::new();
    for (number, later) in grants.iter().enumerate() {
        if let Some(earlier) =
            grants[..number].iter().find(|earlier| earlier.group.value == later.group.value)
        {
            let message = format!("line {} has the same expression: remove one of the two", earlier.at.line);
            faults.push(Fault::error(later.group.at, message));
        }
    }
    faults
}

fn within(grant: &ExplicitGrant, same: Same<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for list in [&grant.accounts, &grant.except] {
        for (number, entry) in list.iter().enumerate() {
            let earlier = (grant, &list[..number]);
            if shared(earlier, (grant, std::slice::from_ref(entry)), same).next().is_some() {
                let message = format!("`{}` is already in this list: remove one of the two", entry.value);
                faults.push(Fault::error(entry.at, message));
            }
        }
    }
    faults.extend(shared((grant, &grant.accounts), (grant, &grant.except), same).map(|(_, entry)| {
        let message = format!("`{}` is in `accounts`, too: remove it there or here", entry.value);
        Fault::error(entry.at, message)
    }));
    faults
}

fn between(earlier: &ExplicitGrant, later: &ExplicitGrant, same: Same<'_>) -> Vec<Fault> {
    let who = format!("`{}` with `{}`", later.group.value, later.permission_set.value);
    let repeated =
        shared((earlier, &earlier.accounts), (later, &later.accounts), same).map(|(first, entry)| {
            let message =
                format!("line {} already gives {who} access to `{}`: remove one", first.at.line, entry.value);
            Fault::error(entry.at, message)
        });
    let granted = shared((earlier, &earlier.except), (later, &later.accounts), same).map(|(first, entry)| {
        let message = format!(
            "this gives {who} access to `{}`, which line {} excepts: decide for one of the two",
            entry.value, first.at.line
        );
        Fault::error(entry.at, message)
    });
    let excepted =
        shared((earlier, &earlier.accounts), (later, &later.except), same).map(|(first, entry)| {
            let message = format!(
                "this excepts `{}` for {who}, and line {} gives access to it: decide for one of the two",
                entry.value, first.at.line
            );
            Fault::error(entry.at, message)
        });
    repeated.chain(granted).chain(excepted).collect()
}

type Entries<'a> = (&'a ExplicitGrant, &'a [Placed<AccountSelector>]);

/// Every entry of `later` that is in `earlier`, too.
fn shared<'a>(
    earlier: Entries<'a>,
    later: Entries<'a>,
    same: Same<'a>,
) -> impl Iterator<Item = (&'a Placed<AccountSelector>, &'a Placed<AccountSelector>)> {
    let entry = |grant: &'a ExplicitGrant, entry: &'a Placed<AccountSelector>| Entry {
        group: &grant.group.value,
        accounts: &entry.value,
    };
    later.1.iter().filter_map(move |second| {
        let first = earlier.1.iter().find(|first| same(entry(earlier.0, first), entry(later.0, second)))?;
        Some((first, second))
    })
}
