//! Whose object a user or group of the identity store is: one pointer for each object of ours.

use super::fields::Fields;
use super::keys::Key;
use super::table::{Attributes, Table, text};
use engine::ports::CallError;
use planning::record::PrincipalKind;
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// The pointer's item.
pub(crate) fn item(object: &str, kind: PrincipalKind, owner: &EntraObjectId) -> Attributes {
    let mut item = Key::owner(object).attributes();
    item.insert("kind".to_owned(), text(kind.to_string()));
    item.insert("principal".to_owned(), text(owner.as_str()));
    item
}

pub(crate) async fn of_users(
    table: &Table,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
    let keys: Vec<Key> = users.iter().map(|user| Key::owner(user.as_str())).collect();
    let mut owners = BTreeMap::new();
    for item in table.get_all(&keys).await? {
        let fields = Fields::of(&item);
        let Some(owner) = owner(&fields, PrincipalKind::User)? else { continue };
        let user = fields.key()?.object().and_then(|object| UserId::parse(object).ok());
        owners.insert(user.ok_or_else(|| fields.unusable("pk"))?, owner);
    }
    Ok(owners)
}

pub(crate) async fn of_group(table: &Table, group: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
    match table.get(&Key::owner(group.as_str())).await? {
        Some(item) => owner(&Fields::of(&item), PrincipalKind::Group),
        None => Ok(None),
    }
}

fn owner(fields: &Fields<'_>, kind: PrincipalKind) -> Result<Option<EntraObjectId>, CallError> {
    if fields.kind()? != kind {
        return Ok(None);
    }
    let owner = EntraObjectId::parse(fields.required_text("principal")?);
    owner.map(Some).map_err(|_| fields.unusable("principal"))
}
