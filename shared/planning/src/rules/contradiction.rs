//! Finds grants that contradict or repeat each other: one of the two is not what was meant.

use super::fault::{Fault, Placed};
use super::selector::AccountSelector;
use super::{ExplicitGrant, Grant};

/// When two entries name the same accounts.
pub(crate) type Same<'a> = &'a dyn Fn(&AccountSelector, &AccountSelector) -> bool;

/// Two grants of one permission set to one group contradict each other where one gives access to what the other
/// excepts; they repeat each other where both give it. So do two equal naming conventions, and two entries of
/// one list. The later of the two is at fault, since it was probably added last.
pub(crate) fn contradictions(grants: &[Grant], same: Same<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, later) in grants.iter().enumerate() {
        if let Grant::Explicit(grant) = later {
            faults.extend(within(grant, same));
        }
        for earlier in &grants[..number] {
            match (earlier, later) {
                (Grant::Explicit(earlier), Grant::Explicit(later)) if is_same_access(earlier, later) => {
                    faults.extend(between(earlier, later, same));
                }
                (Grant::ByNaming(earlier), Grant::ByNaming(later))
                    if earlier.group.value == later.group.value =>
                {
                    let message =
                        format!("line {} has the same expression: remove one of the two", earlier.at.line);
                    faults.push(Fault::error(later.group.at, message));
                }
                _ => {}
            }
        }
    }
    faults
}

fn is_same_access(earlier: &ExplicitGrant, later: &ExplicitGrant) -> bool {
    earlier.group.value == later.group.value && earlier.permission_set.value == later.permission_set.value
}

fn within(grant: &ExplicitGrant, same: Same<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for list in [&grant.accounts, &grant.except] {
        for (number, entry) in list.iter().enumerate() {
            if list[..number].iter().any(|earlier| same(&earlier.value, &entry.value)) {
                let message = format!("`{}` is already in this list: remove one of the two", entry.value);
                faults.push(Fault::error(entry.at, message));
            }
        }
    }
    faults.extend(shared(&grant.accounts, &grant.except, same).map(|(_, entry)| {
        let message = format!("`{}` is in `accounts`, too: remove it there or here", entry.value);
        Fault::error(entry.at, message)
    }));
    faults
}

fn between(earlier: &ExplicitGrant, later: &ExplicitGrant, same: Same<'_>) -> Vec<Fault> {
    let who = format!("`{}` with `{}`", later.group.value, later.permission_set.value);
    let repeated = shared(&earlier.accounts, &later.accounts, same).map(|(first, entry)| {
        let message =
            format!("line {} already gives {who} access to `{}`: remove one", first.at.line, entry.value);
        Fault::error(entry.at, message)
    });
    let granted = shared(&earlier.except, &later.accounts, same).map(|(first, entry)| {
        let message = format!(
            "this gives {who} access to `{}`, which line {} excepts: decide for one of the two",
            entry.value, first.at.line
        );
        Fault::error(entry.at, message)
    });
    let excepted = shared(&earlier.accounts, &later.except, same).map(|(first, entry)| {
        let message = format!(
            "this excepts `{}` for {who}, and line {} gives access to it: decide for one of the two",
            entry.value, first.at.line
        );
        Fault::error(entry.at, message)
    });
    repeated.chain(granted).chain(excepted).collect()
}

/// Every entry of `there` that is in `here`, too.
fn shared<'a>(
    here: &'a [Placed<AccountSelector>],
    there: &'a [Placed<AccountSelector>],
    same: Same<'a>,
) -> impl Iterator<Item = (&'a Placed<AccountSelector>, &'a Placed<AccountSelector>)> {
    there.iter().filter_map(move |entry| {
        let first = here.iter().find(|first| same(&first.value, &entry.value))?;
        Some((first, entry))
    })
}
