//! The agenda: one partition for each of its lists, in the order in which work becomes due.

use super::fields::Fields;
use super::keys::{Key, agenda_list};
use super::table::{
    CONCURRENT_CALLS, DELETE, Range, TRANSACT, Table, UPDATE, number, past_transactions, text, unbuildable,
};
use crate::item::place_of;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::Update;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use engine::agenda::{AgendaEntry, AgendaKey, Priority, sortable};
use engine::ports::{CallError, Cause, DueWork};
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// An entry that is there already stays, but is not in flight any more: who works on it may have looked
/// before what is planned now came about.
const EXPRESSION: &str = "SET body = if_not_exists(body, :body) REMOVE in_flight_until";

pub(crate) async fn put(table: &Table, entries: &[AgendaEntry]) -> Result<(), CallError> {
    let puts = stream::iter(entries.to_vec()).map(|entry| async move { put_one(table, &entry).await });
    puts.buffer_unordered(CONCURRENT_CALLS).try_collect().await
}

async fn put_one(table: &Table, entry: &AgendaEntry) -> Result<(), CallError> {
    let request = table.client.update_item().table_name(&table.name);
    let request = request
        .set_key(Some(Key::agenda(&entry.key()).attributes()))
        .update_expression(EXPRESSION)
        .expression_attribute_values(":body", text(body(entry)?));
    past_transactions(|| request.clone().send())
        .await
        .map(|_| ())
        .map_err(|error| UPDATE.error(&entry.subject, &error))
}

/// The same write as part of a transaction.
pub(crate) fn planned(table: &Table, entry: &AgendaEntry) -> Result<Update, CallError> {
    let update: UpdateBuilder = Update::builder()
        .table_name(&table.name)
        .set_key(Some(Key::agenda(&entry.key()).attributes()))
        .update_expression(EXPRESSION)
        .expression_attribute_values(":body", text(body(entry)?));
    update.build().map_err(|error| unbuildable(&TRANSACT, &error))
}

pub(crate) async fn done(table: &Table, keys: &BTreeSet<AgendaKey>) -> Result<(), CallError> {
    let keys: Vec<Key> = keys.iter().map(Key::agenda).collect();
    let ticks = stream::iter(keys).map(|key| async move { tick_off(table, &key).await });
    ticks.buffer_unordered(CONCURRENT_CALLS).try_collect().await
}

/// Those of the entries that are still there.
pub(crate) async fn open(
    table: &Table,
    keys: &BTreeSet<AgendaKey>,
) -> Result<BTreeSet<AgendaKey>, CallError> {
    let wanted: Vec<Key> = keys.iter().map(Key::agenda).collect();
    let items = table.get_all(&wanted).await?;
    items.iter().map(|item| entry(&Fields::of(item)).map(|entry| entry.key())).collect()
}

/// Deletes an entry that was moved, and not put again since.
async fn tick_off(table: &Table, key: &Key) -> Result<(), CallError> {
    let request = table.client.delete_item().table_name(&table.name).set_key(Some(key.attributes()));
    let request = request.condition_expression("attribute_exists(in_flight_until)");
    match past_transactions(|| request.clone().send()).await {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(DELETE.error(key, &error)),
    }
}

pub(crate) async fn due(table: &Table, now: Timestamp, limit: usize) -> Result<DueWork, CallError> {
    let lists = Priority::ALL.map(|priority| due_of_list(table, priority, now, limit));
    let mut due = DueWork::default();
    for list in try_join_all(lists).await? {
        due.ready.extend(list.ready);
        due.in_flight.extend(list.in_flight);
    }
    Ok(due)
}

async fn due_of_list(
    table: &Table,
    priority: Priority,
    now: Timestamp,
    limit: usize,
) -> Result<DueWork, CallError> {
    let mut due = DueWork::default();
    // `$` is the character after `#`, which ends the due time in a place.
    let bound = format!("{}$", sortable(now));
    let list = agenda_list(priority);
    let page_size = i32::try_from(limit.saturating_mul(2).max(1)).unwrap_or(i32::MAX);
    let range = Range { partition: &list, from: "0", to: &bound, keys_only: false, limit: Some(page_size) };
    let mut after = None;
    loop {
        let page = table.page(&range, after).await?;
        for item in &page.items {
            if due.ready.len() == limit {
                return Ok(due);
            }
            let fields = Fields::of(item);
            if fields.number::<i64>("in_flight_until")?.is_some_and(|until| until > now.as_second()) {
                due.in_flight.push(entry(&fields)?.key());
            } else {
                due.ready.push(entry(&fields)?);
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(due),
        }
    }
}

pub(crate) async fn set_in_flight(
    table: &Table,
    key: &AgendaKey,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, CallError> {
    let item = Key::agenda(key);
    let request = table.client.update_item().table_name(&table.name).set_key(Some(item.attributes()));
    let request = request
        .update_expression("SET in_flight_until = :until")
        .condition_expression(
            "attribute_exists(pk) AND (attribute_not_exists(in_flight_until) OR in_flight_until <= :now)",
        )
        .expression_attribute_values(":until", number(until.as_second()))
        .expression_attribute_values(":now", number(now.as_second()));
    match past_transactions(|| request.clone().send()).await {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
        {
            Ok(false)
        }
        Err(error) => Err(UPDATE.error(&item, &error)),
    }
}

fn body(entry: &AgendaEntry) -> Result<String, CallError> {
    serde_json::to_string(entry).map_err(|error| unbuildable(&UPDATE, &error))
}

fn entry(fields: &Fields<'_>) -> Result<AgendaEntry, CallError> {
    serde_json::from_str(fields.required_text("body")?).map_err(|error| {
        let missing = format!(
            "its body is no agenda entry ({}): delete the item; the next full sweep finds the work again",
            place_of(&error)
        );
        let key = fields.key().map(|key| key.to_string()).unwrap_or_default();
        CallError::new("read", key, Cause::Incomplete { missing })
    })
}
