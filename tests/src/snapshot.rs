//! A snapshot of an organisation of any size, in step but for one in a hundred.

use crate::organisation::Size;
use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use planning::access::{AccountAssignment, Bindings, Caller};
use planning::group_plan::IdentityGroup;
use planning::mapping::{EntraUser, MappingSettings, map_user};
use planning::organization::{Account, AccountState, AccountTree};
use planning::permission_sets::PermissionSets;
use planning::record::{GroupRecord, PrincipalKind, Record, Standing, UserRecord};
use planning::snapshot::{
    AccessSide, EntraGroup, EntraSide, FORMAT, IdentityCenterSide, LedgerSide, Snapshot, SnapshotSettings,
};
use planning::user_plan::IdentityUser;
use planning::{
    AccountId, EntraObjectId, GroupId, MembershipId, OrganizationalUnitId, PermissionSetArn, UserId,
};
use std::collections::{BTreeMap, BTreeSet};

/// Each group's name leads to one account by either.
const RULES: &str = "[[grant]]\ngroup = '^AWS-(?<account>[^-]+)-(?<permission_set>[^-]+)-[^-]+-\\d+$'\n\
                     [[grant]]\ngroup = '^AWS-[^-]+-(?<permission_set>[^-]+)-(?<account>[^-]+)-\\d+$'\n";
const ACCOUNTS: usize = 100;
const PERMISSION_SETS: usize = 20;
/// One in so many differs.
const DIFFERENT: usize = 100;

/// What differs in such a snapshot: memberships that are missing in Identity Center.
pub fn differences(size: Size) -> usize {
    (0..size.groups)
        .map(|group| members(size, group).filter(|user| user.is_multiple_of(DIFFERENT)).count())
        .sum()
}

/// The snapshot.
///
/// # Errors
/// Never, unless an id has a new form.
pub fn snapshot(size: Size) -> anyhow::Result<Snapshot> {
    let mut snapshot = Snapshot {
        format: FORMAT,
        taken_at: Timestamp::UNIX_EPOCH,
        tenant: entra_id(0, 1)?,
        service_principal: entra_id(0, 2)?,
        settings: SnapshotSettings {
            mapping: MappingSettings::default(),
            flatten_nested_groups: false,
            grace: SignedDuration::from_hours(168),
        },
        entra: EntraSide::default(),
        identity_center: IdentityCenterSide::default(),
        ledger: LedgerSide::default(),
        access: Some(access(size)?),
    };
    for number in 0..size.users {
        add_user(&mut snapshot, size, number)?;
    }
    for number in 0..size.groups {
        add_group(&mut snapshot, size, number)?;
    }
    Ok(snapshot)
}

fn add_user(snapshot: &mut Snapshot, size: Size, number: usize) -> anyhow::Result<()> {
    let id = entra_id(1, number)?;
    let entra = person(id.clone(), number);
    let mapped = map_user(&entra, None, &snapshot.settings.mapping);
    let attributes = mapped.map_err(|why| anyhow::anyhow!("{why}"))?.attributes;
    let user_id = UserId::parse(&format!("u-{number:08}"))?;
    let mut record = Record::<UserRecord>::unknown(id.clone());
    record.version = 1;
    record.principal.is_created(user_id.clone(), &attributes);
    if !number.is_multiple_of(DIFFERENT) {
        for group in groups_of(size, number) {
            record.principal.memberships.insert(group_id(group)?, membership_id(group, number)?);
        }
    }
    snapshot.ledger.users.push(record);
    snapshot.identity_center.users.push(IdentityUser {
        user_id,
        attributes,
        revision: None,
        is_disabled: false,
    });
    snapshot.entra.users.insert(id, entra);
    Ok(())
}

fn add_group(snapshot: &mut Snapshot, size: Size, number: usize) -> anyhow::Result<()> {
    let (id, object, name) = (entra_id(2, number)?, group_id(number)?, group_name(number));
    let users: anyhow::Result<BTreeSet<_>> = members(size, number).map(|user| entra_id(1, user)).collect();
    let there = members(size, number).filter(|user| !user.is_multiple_of(DIFFERENT));
    let there: anyhow::Result<BTreeMap<_, _>> = there
        .map(|user| Ok((UserId::parse(&format!("u-{user:08}"))?, membership_id(number, user)?)))
        .collect();
    let mut record = Record::<GroupRecord>::unknown(id.clone());
    (record.version, record.assigned) = (1, true);
    record.principal.standing = Standing::Mirrored;
    record.principal.group_id = Some(object.clone());
    (record.principal.entra_name, record.principal.name) = (Some(name.clone()), Some(name.clone()));
    snapshot.ledger.groups.push(record);
    snapshot.identity_center.memberships.insert(object.clone(), there?);
    let group = IdentityGroup { group_id: object, name: name.clone(), revision: None };
    snapshot.identity_center.groups.push(group);
    snapshot.entra.assigned.insert(id.clone(), PrincipalKind::Group);
    snapshot.entra.groups.insert(id, EntraGroup { name, users: users?, groups: BTreeSet::new() });
    Ok(())
}

fn access(size: Size) -> anyhow::Result<AccessSide> {
    let root = OrganizationalUnitId::parse("r-root")?;
    let accounts: anyhow::Result<Vec<Account>> = (0..ACCOUNTS)
        .map(|number| {
            let (id, name) = (account_id(number)?, format!("account{number}"));
            Ok(Account { id, name, state: AccountState::Active, units: vec![root.clone()] })
        })
        .chain([Ok(Account {
            id: AccountId::parse("999999999999")?,
            name: "management".into(),
            state: AccountState::Active,
            units: vec![root.clone()],
        })])
        .collect();
    let sets: anyhow::Result<Vec<_>> =
        (0..PERMISSION_SETS).map(|number| Ok((format!("Set{number}"), permission_set(number)?))).collect();
    let (mut of_groups, mut recorded) = (BTreeMap::new(), BTreeMap::new());
    for group in 0..size.groups {
        let (first, second, set) = leads_to(group);
        let both = [first, second].map(|account| {
            Ok::<_, anyhow::Error>(AccountAssignment {
                permission_set: permission_set(set)?,
                account: account_id(account)?,
            })
        });
        let both = both.into_iter().collect::<anyhow::Result<BTreeSet<_>>>()?;
        of_groups.insert(group_id(group)?, both.clone());
        recorded.insert(entra_id(2, group)?, both);
    }
    Ok(AccessSide {
        rules: RULES.to_owned(),
        accounts: AccountTree::new(AccountId::parse("999999999999")?, accounts?, BTreeSet::from([root]))?,
        permission_sets: PermissionSets::new(sets?)?,
        caller: Caller::ManagementAccount,
        of_groups,
        of_users: BTreeMap::new(),
        recorded,
        bindings: Bindings::default(),
    })
}

fn person(id: EntraObjectId, number: usize) -> EntraUser {
    let address = format!("user{number}@contoso.example");
    EntraUser {
        id,
        user_principal_name: address.clone(),
        account_enabled: true,
        mail: Some(address),
        display_name: Some(format!("User {number}")),
        given_name: Some("User".into()),
        surname: Some(format!("Number{number}")),
        job_title: Some("Engineer".into()),
        preferred_language: None,
        business_phone: None,
        street_address: None,
        city: None,
        state: None,
        postal_code: None,
        country: None,
        employee_id: Some(format!("E{number:06}")),
        department: Some(format!("Department {}", number % 50)),
        division: None,
        cost_center: None,
        company_name: Some("Contoso".into()),
        manager: None,
        extension_attributes: BTreeMap::new(),
    }
}

fn group_name(number: usize) -> String {
    let (first, second, set) = leads_to(number);
    format!("AWS-account{first}-Set{set}-account{second}-{number}")
}

fn leads_to(group: usize) -> (usize, usize, usize) {
    (group % ACCOUNTS, (group + 1) % ACCOUNTS, group / ACCOUNTS % PERMISSION_SETS)
}

/// Every user is in as many groups as any other.
fn members(size: Size, group: usize) -> impl Iterator<Item = usize> {
    let first = group * size.users / size.groups;
    (first..first + size.members_per_group).map(move |user| user % size.users)
}

fn groups_of(size: Size, user: usize) -> impl Iterator<Item = usize> {
    let step = size.users / size.groups;
    let last = user / step + size.groups;
    let count = size.members_per_group.div_ceil(step);
    (last + 1 - count..=last)
        .map(move |group| group % size.groups)
        .filter(move |group| members(size, *group).any(|member| member == user))
}

fn entra_id(kind: usize, number: usize) -> anyhow::Result<EntraObjectId> {
    let hash = number.wrapping_mul(2_654_435_761) % 0x1_0000_0000;
    EntraObjectId::parse(&format!("{hash:08x}-0000-4000-8000-{:012x}", kind * 0x1000_0000 + number))
        .context("an Entra object id has another form")
}

fn group_id(number: usize) -> anyhow::Result<GroupId> {
    Ok(GroupId::parse(&format!("g-{number:08}"))?)
}

fn membership_id(group: usize, user: usize) -> anyhow::Result<MembershipId> {
    Ok(MembershipId::parse(&format!("m-{group:08}-{user:08}"))?)
}

fn account_id(number: usize) -> anyhow::Result<AccountId> {
    Ok(AccountId::parse(&format!("{:012}", number + 100_000_000_000))?)
}

fn permission_set(number: usize) -> anyhow::Result<PermissionSetArn> {
    let arn = format!("arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-{number:016}");
    Ok(PermissionSetArn::parse(&arn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn such_a_snapshot_is_in_step_but_for_what_differs() {
        let size = Size { users: 1_000, groups: 100, members_per_group: 100 };
        let snapshot = snapshot(size).unwrap();
        let plan = planning::snapshot::plan(&snapshot).unwrap();
        assert_eq!(plan.changes().count(), differences(size), "{plan}");
        assert!(plan.summary().skipped == 0 && plan.summary().revoke == 0, "{plan}");
        assert_eq!(snapshot.access.unwrap().of_groups.values().map(BTreeSet::len).sum::<usize>(), 200);
    }
}
