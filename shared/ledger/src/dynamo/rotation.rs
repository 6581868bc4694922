//! What the table keeps of the rotation of the signing certificate: its state, what passes between operators and runs,
//! what happened, and what people were told.

use super::DynamoLedger;
use super::fields::Fields;
use super::keys::{Key, ROTATION};
use super::table::{Attributes, PUT, Range, Table, number, past_transactions, text, unbuildable};
use crate::item::place_of;
use async_trait::async_trait;
use engine::ports::{CallError, Cause};
use engine::rotation::Look;
use engine::rotation::ports::{
    HistoryEntry, Instruction, OperatorDesk, Outcome, RotationLedger, TargetMemory,
};
use jiff::Timestamp;
use planning::rotation::{Persisted, TargetId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

const STATE: &str = "state";
const DUE: &str = "due";
const INSTRUCTION: &str = "instruction";
const OUTCOME: &str = "outcome";
const LOOK: &str = "look";
/// How the sort keys of what happened begin, and what comes behind all of them.
const HISTORY: (&str, &str) = ("history#", "history$");

#[async_trait]
impl RotationLedger for DynamoLedger {
    async fn load(&self) -> Result<Persisted, CallError> {
        Ok(read(&self.table, STATE).await?.unwrap_or_default())
    }

    async fn store(&self, next: &Persisted) -> Result<(), CallError> {
        let (key, attempt) = (Key::rotation(STATE), Uuid::new_v4().simple().to_string());
        let mut item = with_body(&key, next)?;
        item.insert("revision".to_owned(), number(next.revision));
        item.insert("attempt".to_owned(), text(&attempt));
        let request = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        let request = match next.revision.checked_sub(1) {
            None | Some(0) => request.condition_expression("attribute_not_exists(pk)"),
            Some(before) => request
                .condition_expression("revision = :before")
                .expression_attribute_values(":before", number(before)),
        };
        match past_transactions(|| request.clone().send()).await {
            Ok(_) => Ok(()),
            // The answer to our own first attempt may have been lost.
            Err(error) if PUT.is_condition(&error) && is_ours(&self.table, &key, &attempt).await? => Ok(()),
            Err(error) if PUT.is_condition(&error) => Err(PUT.failed(key, Cause::Concurrent)),
            Err(error) => Err(PUT.error(key, &error)),
        }
    }

    async fn due(&self) -> Result<Option<Timestamp>, CallError> {
        moment(&self.table, DUE).await
    }

    async fn set_due(&self, due: Timestamp) -> Result<(), CallError> {
        put_moment(&self.table, DUE, due).await
    }

    async fn add_history(&self, entry: &HistoryEntry) -> Result<(), CallError> {
        // Sorted by time; what happens in the same second is told apart.
        let name = format!("{}{:012}#{}", HISTORY.0, entry.at.as_second().max(0), Uuid::now_v7().simple());
        put(&self.table, &name, entry).await
    }

    async fn history(&self, most: usize) -> Result<Vec<HistoryEntry>, CallError> {
        let range =
            Range { partition: ROTATION, from: HISTORY.0, to: HISTORY.1, keys_only: false, limit: None };
        let items = self.table.all(&range).await?;
        items.iter().rev().take(most).map(body).collect()
    }

    async fn told_at(&self, notice: &str) -> Result<Option<Timestamp>, CallError> {
        moment(&self.table, &told(notice)).await
    }

    async fn note_told(&self, notice: &str, at: Timestamp) -> Result<(), CallError> {
        put_moment(&self.table, &told(notice), at).await
    }
}

#[async_trait]
impl OperatorDesk for DynamoLedger {
    async fn instruct(&self, instruction: &Instruction) -> Result<(), CallError> {
        let key = Key::rotation(INSTRUCTION);
        let mut item = with_body(&key, instruction)?;
        item.insert("id".to_owned(), text(&instruction.id));
        let request = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        let request = request
            .condition_expression("attribute_not_exists(pk) OR id = :id")
            .expression_attribute_values(":id", text(&instruction.id));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if PUT.is_condition(&error) => Err(PUT.failed(key, Cause::Conflict)),
            Err(error) => Err(PUT.error(key, &error)),
        }
    }

    async fn instruction(&self) -> Result<Option<Instruction>, CallError> {
        read(&self.table, INSTRUCTION).await
    }

    async fn settle(&self, outcome: &Outcome) -> Result<(), CallError> {
        put(&self.table, OUTCOME, outcome).await?;
        let key = Key::rotation(INSTRUCTION);
        let request =
            self.table.client.delete_item().table_name(&self.table.name).set_key(Some(key.attributes()));
        let request =
            request.condition_expression("id = :id").expression_attribute_values(":id", text(&outcome.id));
        match request.send().await {
            Ok(_) => Ok(()),
            // It is gone already, or another one lies there.
            Err(error) if super::table::DELETE.is_condition(&error) => Ok(()),
            Err(error) => Err(super::table::DELETE.error(key, &error)),
        }
    }

    async fn outcome(&self) -> Result<Option<Outcome>, CallError> {
        read(&self.table, OUTCOME).await
    }

    async fn show(&self, look: &Look) -> Result<(), CallError> {
        put(&self.table, LOOK, look).await
    }

    async fn shown(&self) -> Result<Option<Look>, CallError> {
        read(&self.table, LOOK).await
    }
}

#[async_trait]
impl TargetMemory for DynamoLedger {
    async fn recall(&self, target: &TargetId) -> Result<Option<String>, CallError> {
        read(&self.table, &format!("target#{target}")).await
    }

    async fn keep(&self, target: &TargetId, id: &str) -> Result<(), CallError> {
        put(&self.table, &format!("target#{target}"), &id).await
    }
}

fn told(notice: &str) -> String {
    format!("told#{notice}")
}

async fn is_ours(table: &Table, key: &Key, attempt: &str) -> Result<bool, CallError> {
    let Some(item) = table.get(key).await? else { return Ok(false) };
    Ok(Fields::of(&item).text("attempt")? == Some(attempt))
}

async fn read<T: DeserializeOwned>(table: &Table, name: &str) -> Result<Option<T>, CallError> {
    table.get(&Key::rotation(name)).await?.as_ref().map(body).transpose()
}

fn body<T: DeserializeOwned>(item: &Attributes) -> Result<T, CallError> {
    let fields = Fields::of(item);
    serde_json::from_str(fields.required_text("body")?).map_err(|error| {
        let missing = format!(
            "its body is unreadable ({}): restore the item from the table's backup, or delete it, and the next run \
             begins anew from what it sees",
            place_of(&error)
        );
        let key = fields.key().map(|key| key.to_string()).unwrap_or_default();
        CallError::new("read", key, Cause::Incomplete { missing })
    })
}

fn with_body(key: &Key, value: &impl Serialize) -> Result<Attributes, CallError> {
    let mut item = key.attributes();
    let body = serde_json::to_string(value).map_err(|error| unbuildable(&PUT, &error))?;
    item.insert("body".to_owned(), text(body));
    Ok(item)
}

async fn put(table: &Table, name: &str, value: &impl Serialize) -> Result<(), CallError> {
    let key = Key::rotation(name);
    let item = with_body(&key, value)?;
    let answer = table.client.put_item().table_name(&table.name).set_item(Some(item)).send().await;
    answer.map(|_| ()).map_err(|error| PUT.error(key, &error))
}

async fn moment(table: &Table, name: &str) -> Result<Option<Timestamp>, CallError> {
    read(table, name).await
}

async fn put_moment(table: &Table, name: &str, at: Timestamp) -> Result<(), CallError> {
    put(table, name, &at).await
}
