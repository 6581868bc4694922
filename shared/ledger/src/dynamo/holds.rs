//! Holds with their principals, marks on records, and counts of losses.

use super::fields::Fields;
use super::keys::{HOLDS, Key, held_list, loss_list, sortable_minute};
use super::table::{
    CONCURRENT_CALLS, PUT, QUERY, Range, Table, UPDATE, number, past_transactions, text, unbuildable,
};
use crate::item::{Item, place_of};
use aws_sdk_dynamodb::types::AttributeValue;
use engine::holds::{Loss, Mark};
use engine::ports::{CallError, Cause};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use planning::access::AccountAssignment;
use planning::hold::{Held, Hold, HoldId, HoldMarks};
use planning::record::PrincipalKind;
use planning::{EntraObjectId, GroupId};
use std::collections::BTreeSet;

/// The window in which losses are counted.
const WINDOW_MINUTES: i64 = 10;

pub(crate) async fn open(table: &Table) -> Result<Vec<Hold>, CallError> {
    let range = Range { partition: HOLDS, from: "!", to: "~", keys_only: false, limit: None };
    let items = table.all(&range).await?;
    let mut holds = items.iter().map(|item| hold_of(&Fields::of(item))).collect::<Result<Vec<Hold>, _>>()?;
    holds.sort_by_key(|hold| hold.since);
    Ok(holds)
}

pub(crate) async fn hold(table: &Table, hold: &Hold, held: &[Held]) -> Result<(), CallError> {
    let marks = held.iter().filter(|held| !held.groups.is_empty());
    let marks: Vec<Held> = marks.cloned().collect();
    let marked = stream::iter(marks)
        .map(|held| async move { mark(table, &held.principal, &held.groups, Mark::Held).await });
    marked.buffer_unordered(CONCURRENT_CALLS).try_collect::<()>().await?;
    for held in held.iter().filter(|held| !held.access.is_empty()) {
        mark_access(table, &held.principal, &held.access, Mark::Held).await?;
    }
    let body = serde_json::to_string(hold).map_err(|error| unbuildable(&PUT, &error))?;
    let mut item = Key::hold(&hold.id).attributes();
    item.insert("body".to_owned(), text(body));
    let put = table.client.put_item().table_name(&table.name).set_item(Some(item));
    put.send().await.map_err(|error| PUT.error(&hold.id, &error))?;
    let stored =
        stream::iter(held.to_vec()).map(|held| async move { put_held(table, &hold.id, &held).await });
    stored.buffer_unordered(CONCURRENT_CALLS).try_collect().await
}

async fn put_held(table: &Table, hold: &HoldId, held: &Held) -> Result<(), CallError> {
    let key = Key::held(hold, &held.principal);
    let request = table.client.update_item().table_name(&table.name).set_key(Some(key.attributes()));
    let request = request
        .expression_attribute_names("#kind", "kind")
        .expression_attribute_values(":kind", text(held.kind.to_string()))
        .expression_attribute_values(":false", AttributeValue::Bool(false));
    let set = "SET #kind = :kind, approved = if_not_exists(approved, :false)";
    let mut added = Vec::new();
    let mut request = request;
    if !held.groups.is_empty() {
        added.push("#groups :groups");
        request = request
            .expression_attribute_names("#groups", "groups")
            .expression_attribute_values(":groups", texts(&held.groups));
    }
    if !held.access.is_empty() {
        added.push("#access :access");
        request = request
            .expression_attribute_names("#access", "access")
            .expression_attribute_values(":access", stored(&held.access));
    }
    let request = if added.is_empty() {
        request.update_expression(set)
    } else {
        request.update_expression(format!("{set} ADD {}", added.join(", ")))
    };
    request.send().await.map(|_| ()).map_err(|error| UPDATE.error(&key, &error))
}

pub(crate) async fn held(
    table: &Table,
    hold: &HoldId,
    after: Option<&EntraObjectId>,
    limit: usize,
) -> Result<Vec<Held>, CallError> {
    let partition = held_list(hold);
    // A space follows the id itself and precedes every other id.
    let from = after.map_or_else(|| "0".to_owned(), |after| format!("{after} "));
    let range = Range { partition: &partition, from: &from, to: "g", keys_only: false, limit: None };
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let page = table.page(&range, next).await?;
        for item in &page.items {
            found.push(held_of(&Fields::of(item))?);
        }
        next = page.next;
        if next.is_none() || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

pub(crate) async fn approve_assignment(
    table: &Table,
    hold: &HoldId,
    principal: &EntraObjectId,
) -> Result<(), CallError> {
    let key = Key::held(hold, principal);
    let request = table.client.update_item().table_name(&table.name).set_key(Some(key.attributes()));
    let answer = request
        .update_expression("SET approved = :true")
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_values(":true", AttributeValue::Bool(true))
        .send()
        .await;
    match answer {
        Ok(_) => Ok(()),
        // It was struck meanwhile: assigned again.
        Err(error) if UPDATE.is_condition(&error) => Ok(()),
        Err(error) => Err(UPDATE.error(&key, &error)),
    }
}

pub(crate) async fn strike(
    table: &Table,
    hold: &HoldId,
    principals: &BTreeSet<EntraObjectId>,
) -> Result<(), CallError> {
    let keys: Vec<Key> = principals.iter().map(|principal| Key::held(hold, principal)).collect();
    table.delete_all(&keys).await?;
    if held(table, hold, None, 1).await?.is_empty() {
        table.delete_all(&[Key::hold(hold)]).await?;
    }
    Ok(())
}

pub(crate) async fn mark(
    table: &Table,
    user: &EntraObjectId,
    groups: &BTreeSet<GroupId>,
    mark: Mark,
) -> Result<(), CallError> {
    if groups.is_empty() {
        return Ok(());
    }
    set_mark(table, user, ("held", "approved"), texts(groups), mark).await
}

pub(crate) async fn mark_access(
    table: &Table,
    group: &EntraObjectId,
    assignments: &BTreeSet<AccountAssignment>,
    mark: Mark,
) -> Result<(), CallError> {
    if assignments.is_empty() {
        return Ok(());
    }
    set_mark(table, group, ("held_access", "approved_access"), stored(assignments), mark).await
}

/// Moves these texts between two sets of a record, or out of both; nothing if there is no such record.
async fn set_mark(
    table: &Table,
    principal: &EntraObjectId,
    (held, approved): (&str, &str),
    texts: AttributeValue,
    mark: Mark,
) -> Result<(), CallError> {
    let expression = match mark {
        Mark::Held => format!("ADD {held} :texts DELETE {approved} :texts"),
        Mark::Approved => format!("ADD {approved} :texts DELETE {held} :texts"),
        Mark::None => format!("DELETE {held} :texts, {approved} :texts"),
    };
    let request =
        table.client.update_item().table_name(&table.name).set_key(Some(Key::record(principal).attributes()));
    let request = request
        .update_expression(expression)
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_values(":texts", texts);
    match past_transactions(|| request.clone().send()).await {
        Ok(_) => Ok(()),
        Err(error) if UPDATE.is_condition(&error) => Ok(()),
        Err(error) => Err(UPDATE.error(principal, &error)),
    }
}

/// The marks of a record.
pub(crate) fn marks(fields: &Fields<'_>) -> Result<HoldMarks, CallError> {
    Ok(HoldMarks {
        held: groups_of(fields, "held")?,
        approved: groups_of(fields, "approved")?,
        held_access: access_of(fields, "held_access")?,
        approved_access: access_of(fields, "approved_access")?,
    })
}

pub(crate) async fn note_losses(
    table: &Table,
    loss: Loss,
    now: Timestamp,
    principals: u64,
) -> Result<(), CallError> {
    add(table, &Key::losses(loss, minute(now)), i64::try_from(principals).unwrap_or(i64::MAX)).await
}

/// Adds up the window, and deletes what is older.
pub(crate) async fn recent_losses(table: &Table, loss: Loss, now: Timestamp) -> Result<u64, CallError> {
    let partition = loss_list(loss);
    let range = Range { partition: &partition, from: "0", to: "~", keys_only: false, limit: None };
    let first = sortable_minute(minute(now) - WINDOW_MINUTES + 1);
    let (mut sum, mut old) = (0, Vec::new());
    for item in table.all(&range).await? {
        let fields = Fields::of(&item);
        let key = fields.key()?;
        if key.sk < first {
            old.push(key);
        } else {
            sum += fields.required_number::<u64>("count")?;
        }
    }
    table.delete_all(&old).await?;
    Ok(sum)
}

pub(crate) async fn managed_users(table: &Table) -> Result<u64, CallError> {
    match table.get(&Key::managed_users()).await? {
        Some(item) => Ok(Fields::of(&item).required_number::<i64>("count")?.max(0).unsigned_abs()),
        None => Ok(0),
    }
}

pub(crate) async fn store_managed_users(table: &Table, count: u64) -> Result<(), CallError> {
    let mut item = Key::managed_users().attributes();
    item.insert("count".to_owned(), number(count));
    let put = table.client.put_item().table_name(&table.name).set_item(Some(item));
    put.send().await.map(|_| ()).map_err(|error| PUT.error("the count of users", &error))
}

/// A user's object came or went. The count is beside the record's transaction, so that creations do not
/// contend for it; a crash in between costs one, and the full sweep counts anew.
pub(crate) async fn count_managed(table: &Table, item: &Item, was_managed: bool) -> Result<(), CallError> {
    let change = i64::from(item.object.is_some()) - i64::from(was_managed);
    if item.kind != PrincipalKind::User || change == 0 {
        return Ok(());
    }
    add(table, &Key::managed_users(), change).await
}

async fn add(table: &Table, key: &Key, change: i64) -> Result<(), CallError> {
    let request = table.client.update_item().table_name(&table.name).set_key(Some(key.attributes()));
    let request = request
        .update_expression("ADD #count :change")
        .expression_attribute_names("#count", "count")
        .expression_attribute_values(":change", number(change));
    request.send().await.map(|_| ()).map_err(|error| UPDATE.error(key, &error))
}

fn hold_of(fields: &Fields<'_>) -> Result<Hold, CallError> {
    serde_json::from_str(fields.required_text("body")?).map_err(|error| {
        let missing = format!("its body is no hold ({}): delete the item", place_of(&error));
        let key = fields.key().map(|key| key.to_string()).unwrap_or_default();
        QUERY.failed(key, Cause::Incomplete { missing })
    })
}

fn held_of(fields: &Fields<'_>) -> Result<Held, CallError> {
    Ok(Held {
        principal: EntraObjectId::parse(&fields.key()?.sk).map_err(|_| fields.unusable("sk"))?,
        kind: fields.kind()?,
        groups: groups_of(fields, "groups")?,
        access: access_of(fields, "access")?,
        approved: fields.flag("approved")?,
    })
}

fn groups_of(fields: &Fields<'_>, name: &str) -> Result<BTreeSet<GroupId>, CallError> {
    let texts = fields.texts(name)?.iter();
    texts.map(|text| GroupId::parse(text).map_err(|_| fields.unusable(name))).collect()
}

fn access_of(fields: &Fields<'_>, name: &str) -> Result<BTreeSet<AccountAssignment>, CallError> {
    let texts = fields.texts(name)?.iter();
    texts.map(|text| AccountAssignment::read(text).map_err(|_| fields.unusable(name))).collect()
}

fn stored(assignments: &BTreeSet<AccountAssignment>) -> AttributeValue {
    AttributeValue::Ss(assignments.iter().map(AccountAssignment::stored).collect())
}

fn texts(groups: &BTreeSet<GroupId>) -> AttributeValue {
    AttributeValue::Ss(groups.iter().map(ToString::to_string).collect())
}

fn minute(instant: Timestamp) -> i64 {
    instant.as_second().div_euclid(60)
}
