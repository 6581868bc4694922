//! Principals' records. A write names the version that it replaces; the assigned flag is the sweep's.

use super::fields::Fields;
use super::keys::Key;
use super::table::{Attributes, TRANSACT, Table, UPDATE, number, past_transactions, text, unbuildable};
use super::{agenda, holds, owners};
use crate::backoff::{ATTEMPTS, pause_before};
use crate::item::{Item, Remembered};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use engine::agenda::AgendaEntry;
use engine::ports::{CallError, Cause};
use engine::trigger::Subject;
use planning::EntraObjectId;
use planning::record::Record;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) async fn read<P: Remembered>(
    table: &Table,
    ids: &BTreeSet<EntraObjectId>,
) -> Result<BTreeMap<EntraObjectId, Record<P>>, CallError> {
    let keys: Vec<Key> = ids.iter().map(Key::record).collect();
    let mut records = BTreeMap::new();
    for attributes in table.get_all(&keys).await? {
        let fields = Fields::of(&attributes);
        let id = fields.key()?.principal().ok_or_else(|| fields.unusable("pk"))?;
        if let Some(record) = stored(&attributes)?.record(&id)? {
            records.insert(id, record);
        }
    }
    Ok(records)
}

/// Replaces a record, with the pointer to its owner where the object is a new one.
pub(crate) async fn put<P: Remembered>(table: &Table, record: &Record<P>) -> Result<u64, CallError> {
    let write = Write { id: &record.id, replaced: record.version, item: Item::following(record)? };
    for attempt in 0..ATTEMPTS {
        pause_before(attempt).await;
        match write.update(table).await? {
            Checked::Done => return Ok(write.item.version),
            Checked::OtherObject { previous } => match write.transact(table, previous.clone()).await? {
                Transacted::Done => {
                    holds::count_managed(table, &write.item, previous.is_some()).await?;
                    return Ok(write.item.version);
                }
                Transacted::Busy => {}
            },
        }
    }
    Err(TRANSACT.failed(&record.id, Cause::Throttled { retry_after: None }))
}

pub(crate) async fn mark_dirty(table: &Table, id: &EntraObjectId) -> Result<(), CallError> {
    let request =
        table.client.update_item().table_name(&table.name).set_key(Some(Key::record(id).attributes()));
    let request = request
        .update_expression("SET dirty = :true")
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_values(":true", AttributeValue::Bool(true));
    match past_transactions(|| request.clone().send()).await {
        Ok(_) => Ok(()),
        Err(error) if is_condition(&error) => Ok(()),
        Err(error) => Err(UPDATE.error(id, &error)),
    }
}

/// Changes the flag and plans the look in one transaction. Both are as they should be if it runs twice.
pub(crate) async fn set_assigned(
    table: &Table,
    assigned: bool,
    entry: &AgendaEntry,
) -> Result<(), CallError> {
    let Subject { kind, id } = &entry.subject;
    let record = Update::builder()
        .table_name(&table.name)
        .set_key(Some(Key::record(id).attributes()))
        .update_expression(
            "SET assigned = :assigned, #kind = if_not_exists(#kind, :kind), \
             #version = if_not_exists(#version, :none), dirty = if_not_exists(dirty, :false)",
        )
        .condition_expression("attribute_not_exists(pk) OR #kind = :kind")
        .expression_attribute_names("#kind", "kind")
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":assigned", AttributeValue::Bool(assigned))
        .expression_attribute_values(":kind", text(kind.to_string()))
        .expression_attribute_values(":none", number(0))
        .expression_attribute_values(":false", AttributeValue::Bool(false))
        .build()
        .map_err(|error| unbuildable(&TRANSACT, &error))?;
    let items = [
        TransactWriteItem::builder().update(record).build(),
        TransactWriteItem::builder().update(agenda::planned(table, entry)?).build(),
    ];
    for attempt in 0..ATTEMPTS {
        pause_before(attempt).await;
        match transact(table, &items).await {
            Ok(()) => return Ok(()),
            Err(Cancelled::Reasons(reasons)) if failed_condition(&reasons, 0) => {
                return Err(TRANSACT.failed(id, Cause::Conflict));
            }
            Err(Cancelled::Reasons(reasons)) => busy(id, &reasons)?,
            Err(Cancelled::Other(error)) => return Err(TRANSACT.error(id, &error)),
        }
    }
    Err(TRANSACT.failed(id, Cause::Throttled { retry_after: None }))
}

/// One replacement of a record.
struct Write<'a> {
    id: &'a EntraObjectId,
    /// The version that is replaced.
    replaced: u64,
    item: Item,
}

/// What the plain write came to.
enum Checked {
    Done,
    /// The record is as expected, but the object is another one: the pointers have to change, too.
    OtherObject {
        previous: Option<String>,
    },
}

enum Transacted {
    Done,
    Busy,
}

impl Write<'_> {
    /// Writes if version, kind and object are as expected.
    async fn update(&self, table: &Table) -> Result<Checked, CallError> {
        let same_object = match &self.item.object {
            Some(_) => "#object = :object",
            None => "attribute_not_exists(#object)",
        };
        let request = table
            .client
            .update_item()
            .table_name(&table.name)
            .set_key(Some(Key::record(self.id).attributes()))
            .update_expression(self.expression())
            .condition_expression(format!("{} AND {same_object}", self.condition()))
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(self.values()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match past_transactions(|| request.clone().send()).await {
            Ok(_) => Ok(Checked::Done),
            Err(error) => match old_item(&error) {
                Some(old) => self.judge(old),
                None => Err(UPDATE.error(self.id, &error)),
            },
        }
    }

    /// Why the condition failed: our own effect, somebody else's, or just another object.
    fn judge(&self, old: Option<Attributes>) -> Result<Checked, CallError> {
        let Some(old) = old else {
            let expected = self.replaced == 0;
            return if expected {
                Ok(Checked::OtherObject { previous: None })
            } else {
                Err(self.concurrent())
            };
        };
        let old = stored(&old)?;
        if self.item.is_stored_as(&old) {
            return Ok(Checked::Done);
        }
        if (old.version, old.kind) != (self.replaced, self.item.kind) {
            return Err(self.concurrent());
        }
        Ok(Checked::OtherObject { previous: old.object })
    }

    /// Writes the record together with the pointers of the new object and of the one before it.
    async fn transact(&self, table: &Table, previous: Option<String>) -> Result<Transacted, CallError> {
        let record = Update::builder()
            .table_name(&table.name)
            .set_key(Some(Key::record(self.id).attributes()))
            .update_expression(self.expression())
            .condition_expression(self.condition())
            .set_expression_attribute_names(Some(names()))
            .set_expression_attribute_values(Some(self.values()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| unbuildable(&TRANSACT, &error))?;
        let mut items = vec![TransactWriteItem::builder().update(record).build()];
        if let Some(object) = &self.item.object {
            let pointer = Put::builder()
                .table_name(&table.name)
                .set_item(Some(owners::item(object, self.item.kind, self.id)))
                .condition_expression("attribute_not_exists(pk) OR principal = :own")
                .expression_attribute_values(":own", text(self.id.as_str()))
                .build()
                .map_err(|error| unbuildable(&TRANSACT, &error))?;
            items.push(TransactWriteItem::builder().put(pointer).build());
        }
        if let Some(object) = previous.filter(|object| Some(object) != self.item.object.as_ref()) {
            let pointer = Delete::builder()
                .table_name(&table.name)
                .set_key(Some(Key::owner(&object).attributes()))
                .build()
                .map_err(|error| unbuildable(&TRANSACT, &error))?;
            items.push(TransactWriteItem::builder().delete(pointer).build());
        }
        match transact(table, &items).await {
            Ok(()) => Ok(Transacted::Done),
            Err(Cancelled::Other(error)) => Err(TRANSACT.error(self.id, &error)),
            Err(Cancelled::Reasons(reasons)) if failed_condition(&reasons, 0) => {
                let old = reasons.into_iter().next().and_then(|reason| reason.item);
                match self.judge(old)? {
                    Checked::Done => Ok(Transacted::Done),
                    // The reason does not show what it refers to: look again.
                    Checked::OtherObject { .. } => Ok(Transacted::Busy),
                }
            }
            Err(Cancelled::Reasons(reasons)) if failed_condition(&reasons, 1) => {
                Err(TRANSACT.failed(self.id, Cause::Conflict))
            }
            Err(Cancelled::Reasons(reasons)) => busy(self.id, &reasons).map(|()| Transacted::Busy),
        }
    }

    fn condition(&self) -> &'static str {
        if self.replaced == 0 {
            "(attribute_not_exists(pk) OR (#version = :replaced AND #kind = :kind))"
        } else {
            "(#version = :replaced AND #kind = :kind)"
        }
    }

    /// `assigned` is left alone; a record that a handler makes is not assigned.
    fn expression(&self) -> &'static str {
        match self.item.object {
            Some(_) => {
                "SET #kind = :kind, #version = :version, dirty = :dirty, body = :body, #object = :object, \
                 assigned = if_not_exists(assigned, :false)"
            }
            None => {
                "SET #kind = :kind, #version = :version, dirty = :dirty, body = :body, \
                 assigned = if_not_exists(assigned, :false) REMOVE #object"
            }
        }
    }

    fn values(&self) -> Attributes {
        let mut values = Attributes::from([
            (":kind".to_owned(), text(self.item.kind.to_string())),
            (":replaced".to_owned(), number(self.replaced)),
            (":version".to_owned(), number(self.item.version)),
            (":dirty".to_owned(), AttributeValue::Bool(self.item.dirty)),
            (":body".to_owned(), text(self.item.body.clone().unwrap_or_default())),
            (":false".to_owned(), AttributeValue::Bool(false)),
        ]);
        if let Some(object) = &self.item.object {
            values.insert(":object".to_owned(), text(object));
        }
        values
    }

    fn concurrent(&self) -> CallError {
        UPDATE.failed(self.id, Cause::Concurrent)
    }
}

fn names() -> std::collections::HashMap<String, String> {
    ["kind", "version", "object"].map(|name| (format!("#{name}"), name.to_owned())).into()
}

/// The record in these attributes.
pub(super) fn stored(attributes: &Attributes) -> Result<Item, CallError> {
    let fields = Fields::of(attributes);
    Ok(Item {
        kind: fields.kind()?,
        version: fields.required_number("version")?,
        assigned: fields.flag("assigned")?,
        dirty: fields.flag("dirty")?,
        marks: holds::marks(&fields)?,
        object: fields.text("object")?.map(str::to_owned),
        body: fields.text("body")?.map(str::to_owned),
    })
}

/// Why a transaction did not happen.
enum Cancelled {
    Reasons(Vec<CancellationReason>),
    Other(Box<SdkError<TransactWriteItemsError>>),
}

async fn transact(table: &Table, items: &[TransactWriteItem]) -> Result<(), Cancelled> {
    let request = table.client.transact_write_items().set_transact_items(Some(items.to_vec()));
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                Err(Cancelled::Reasons(cancelled.cancellation_reasons().to_vec()))
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
                Err(Cancelled::Reasons(Vec::new()))
            }
            _ => Err(Cancelled::Other(Box::new(error))),
        },
    }
}

/// Whether a cancelled transaction is worth another attempt: unless a reason says something else, it met
/// another one.
fn busy(id: &EntraObjectId, reasons: &[CancellationReason]) -> Result<(), CallError> {
    let codes = reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None");
    let mut causes = codes.map(|code| TRANSACT.cause_of(code, "the reason of a cancelled transaction"));
    match causes.find(|cause| !matches!(cause, Cause::Throttled { .. })) {
        Some(cause) => Err(TRANSACT.failed(id, cause)),
        None => Ok(()),
    }
}

fn failed_condition(reasons: &[CancellationReason], at: usize) -> bool {
    reasons.get(at).and_then(CancellationReason::code) == Some("ConditionalCheckFailed")
}

fn is_condition(error: &SdkError<UpdateItemError>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

/// The item that made the condition fail, `Some(None)` if there is none; `None` if it was no condition.
fn old_item(error: &SdkError<UpdateItemError>) -> Option<Option<Attributes>> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(failed) => {
            Some(failed.item().filter(|item| !item.is_empty()).cloned())
        }
        _ => None,
    }
}
