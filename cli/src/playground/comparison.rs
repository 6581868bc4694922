//! Compares both sides through their public interfaces, independently of the product's own planning.

use super::entra::Entra;
use anyhow::Context;
use aws_sdk_identitystore::Client;
use aws_sdk_identitystore::types::MemberId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Groups by name with the user names of their members, and everybody who should be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// Display names by user name.
    pub users: BTreeMap<String, String>,
    /// Members by group name.
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

/// Whom the story expects to be skipped: they are in scope, and AWS would refuse them.
#[derive(Debug, Clone, Default)]
pub struct Exceptions {
    /// Entra object ids of users and groups.
    pub skipped: BTreeSet<String>,
}

/// What the assignments in Entra ID call for.
pub async fn called_for(
    entra: &Entra,
    service_principal: &str,
    exceptions: &Exceptions,
) -> anyhow::Result<Side> {
    let assignments =
        entra.list(&format!("/servicePrincipals/{service_principal}/appRoleAssignedTo")).await?;
    let mut side = Side::default();
    for assignment in assignments {
        let id = assignment["principalId"].as_str().context("an assignment without principal")?;
        if assignment["principalType"] == "User" {
            side.users.extend(user_in_scope(entra, id, exceptions).await?);
            continue;
        }
        let mut members = BTreeSet::new();
        for member in entra.list(&format!("/groups/{id}/members")).await? {
            if member["@odata.type"] == "#microsoft.graph.user" {
                let id = member["id"].as_str().context("a member without id")?;
                let member = user_in_scope(entra, id, exceptions).await?;
                members.extend(member.iter().map(|(name, _)| name.clone()));
                side.users.extend(member);
            }
        }
        if !exceptions.skipped.contains(id) {
            let name = entra.get(&format!("/groups/{id}?$select=id,displayName")).await?;
            side.groups.insert(name["displayName"].as_str().unwrap_or_default().to_owned(), members);
        }
    }
    Ok(side)
}

async fn user_in_scope(
    entra: &Entra,
    id: &str,
    exceptions: &Exceptions,
) -> anyhow::Result<Option<(String, String)>> {
    if exceptions.skipped.contains(id) {
        return Ok(None);
    }
    let user: Value =
        entra.get(&format!("/users/{id}?$select=id,userPrincipalName,displayName,accountEnabled")).await?;
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    let enabled = user["accountEnabled"] == true;
    Ok(enabled.then(|| (text("userPrincipalName"), text("displayName"))))
}

/// What Identity Center holds.
pub async fn held(client: &Client, store: &str) -> anyhow::Result<Side> {
    let (mut names, mut users) = (BTreeMap::new(), BTreeMap::new());
    let mut pages = client.list_users().identity_store_id(store).into_paginator().items().send();
    while let Some(user) = pages.next().await {
        let user = user?;
        let name = user.user_name.unwrap_or_default();
        users.insert(name.clone(), user.display_name.unwrap_or_default());
        names.insert(user.user_id, name);
    }
    let mut side = Side { users, groups: BTreeMap::new() };
    let mut pages = client.list_groups().identity_store_id(store).into_paginator().items().send();
    while let Some(group) = pages.next().await {
        let group = group?;
        let memberships = client
            .list_group_memberships()
            .identity_store_id(store)
            .group_id(&group.group_id)
            .into_paginator();
        let mut members = BTreeSet::new();
        let mut pages = memberships.items().send();
        while let Some(membership) = pages.next().await {
            if let Some(MemberId::UserId(user)) = membership?.member_id {
                members.extend(names.get(&user).cloned());
            }
        }
        side.groups.insert(group.display_name.unwrap_or_default(), members);
    }
    Ok(side)
}

/// How the sides differ, one line each. Objects that are no longer called for may stand during their grace
/// period, but without any membership.
pub fn differences(wanted: &Side, actual: &Side) -> Vec<String> {
    let mut lines = Vec::new();
    for (user, name) in &wanted.users {
        match actual.users.get(user) {
            None => lines.push(format!("user {user} is not in Identity Center")),
            Some(held) if held != name => {
                lines.push(format!("user {user} is called {held:?} and should be called {name:?}"));
            }
            Some(_) => {}
        }
    }
    for (group, members) in &wanted.groups {
        match actual.groups.get(group) {
            None => lines.push(format!("group {group} is not in Identity Center")),
            Some(held) if held != members => {
                lines.push(format!("group {group} holds {held:?} and should hold {members:?}"));
            }
            Some(_) => {}
        }
    }
    for (group, members) in &actual.groups {
        if !wanted.groups.contains_key(group) && !members.is_empty() {
            lines.push(format!("group {group} is not called for and still holds {members:?}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(groups: &[(&str, &[&str])]) -> Side {
        let groups: BTreeMap<String, BTreeSet<String>> = groups
            .iter()
            .map(|(name, members)| ((*name).to_owned(), members.iter().map(ToString::to_string).collect()))
            .collect();
        let users = groups.values().flatten().map(|name| (name.clone(), name.to_uppercase())).collect();
        Side { users, groups }
    }

    #[test]
    fn a_tombstone_without_members_is_no_difference() {
        assert!(differences(&side(&[("A", &["ada"])]), &side(&[("A", &["ada"]), ("Left", &[])])).is_empty());
    }

    #[test]
    fn another_display_name_is_a_difference() {
        let (wanted, mut actual) = (side(&[("A", &["ada"])]), side(&[("A", &["ada"])]));
        actual.users.insert("ada".to_owned(), "Ada Byron".to_owned());
        assert_eq!(differences(&wanted, &actual).len(), 1);
    }

    #[test]
    fn a_member_that_nobody_calls_for_is_a_difference() {
        assert_eq!(differences(&side(&[("A", &[])]), &side(&[("A", &["ada"])])).len(), 1);
        assert_eq!(differences(&side(&[]), &side(&[("Left", &["ada"])])).len(), 1);
    }
}
