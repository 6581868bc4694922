//! The assigned set: a header, and chunks of ids. A new set is written beside the one in force, which the
//! header then switches; a set that is read is complete, or an error.

use super::fields::Fields;
use super::keys::{ASSIGNED, Key, chunks_before, chunks_of};
use super::table::{Attributes, PUT, Range, Table, number, text};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use engine::ports::{CallError, Cause};
use planning::EntraObjectId;
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::record::PrincipalKind;
use uuid::Uuid;

/// Principals of one chunk: 17 bytes each, well below the 400 KB that an item may have.
const CHUNK: usize = 15_000;
const PACKED: usize = 17;
const GROUP: u8 = 1;
const MISSING_ONCE: u8 = 2;
const HELD: u8 = 4;
const ARRIVING: u8 = 8;
const LEAVING: u8 = 16;

pub(crate) async fn header(table: &Table) -> Result<Option<AssignedHeader>, CallError> {
    let item = table.get(&Key::assigned_header()).await?;
    item.map(|item| header_of(&item).map(|(header, _)| header)).transpose()
}

pub(crate) async fn read(table: &Table, header: &AssignedHeader) -> Result<AssignedSet, CallError> {
    let moved_on = || CallError::new("read", "the assigned set", Cause::Concurrent);
    let item = table.get(&Key::assigned_header()).await?.ok_or_else(moved_on)?;
    let (stored, attempt) = header_of(&item)?;
    if stored != *header {
        return Err(moved_on());
    }
    let prefix = chunks_of(header.version, &attempt);
    // `~` follows every digit.
    let last = format!("{prefix}~");
    let range = Range { partition: ASSIGNED, from: &prefix, to: &last, keys_only: false, limit: None };
    let mut set = AssignedSet::default();
    for chunk in table.all(&range).await? {
        unpack(&Fields::of(&chunk), &mut set)?;
    }
    if set.header(header.version) == *header {
        return Ok(set);
    }
    // Chunks vanish only once a newer header is in force.
    if self::header(table).await?.as_ref() != Some(header) {
        return Err(moved_on());
    }
    let missing =
        "the chunks of the assigned set are not what its header says: restore the ledger's table from \
                   its backup, or delete the item assigned / header, so that the set is read from Graph anew"
            .to_owned();
    Err(CallError::new("read", "the assigned set", Cause::Incomplete { missing }))
}

pub(crate) async fn store(
    table: &Table,
    previous: Option<&AssignedHeader>,
    set: &AssignedSet,
) -> Result<AssignedHeader, CallError> {
    let header = set.header(previous.map_or(1, |previous| previous.version + 1));
    let attempt = Uuid::new_v4().simple().to_string();
    let chunks = pack(set);
    let mut keys = Vec::new();
    for (position, chunk) in chunks.into_iter().enumerate() {
        let key = Key::assigned_chunk(header.version, &attempt, position);
        let mut item = key.attributes();
        item.insert("principals".to_owned(), AttributeValue::B(Blob::new(chunk)));
        let put = table.client.put_item().table_name(&table.name).set_item(Some(item));
        put.send().await.map_err(|error| PUT.error(&key, &error))?;
        keys.push(key);
    }
    if !switch(table, previous, &header, &attempt).await? {
        // What stays behind if this fails is deleted with the next version.
        let _ = table.delete_all(&keys).await;
        return Err(PUT.failed("the assigned set", Cause::Concurrent));
    }
    if let Err(error) = delete_before(table, header.version).await {
        tracing::warn!(%error, "old chunks of the assigned set stay until the next change");
    }
    Ok(header)
}

/// Puts the header in force; false if somebody was faster.
async fn switch(
    table: &Table,
    previous: Option<&AssignedHeader>,
    header: &AssignedHeader,
    attempt: &str,
) -> Result<bool, CallError> {
    let mut item = Key::assigned_header().attributes();
    item.insert("version".to_owned(), number(header.version));
    item.insert("digest".to_owned(), text(header.digest.to_string()));
    item.insert("missing_once".to_owned(), number(header.missing_once));
    item.insert("held".to_owned(), number(header.held));
    item.insert("arriving".to_owned(), number(header.arriving));
    item.insert("leaving".to_owned(), number(header.leaving));
    item.insert("count".to_owned(), number(header.count));
    item.insert("attempt".to_owned(), text(attempt));
    let request = table.client.put_item().table_name(&table.name).set_item(Some(item));
    let request = match previous {
        None => request.condition_expression("attribute_not_exists(pk)"),
        Some(previous) => request
            .condition_expression("#version = :version AND digest = :digest")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(previous.version))
            .expression_attribute_values(":digest", text(previous.digest.to_string())),
    };
    let request =
        request.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) => match stored_attempt(&error) {
            // The first answer was lost.
            Some(stored) => Ok(stored.as_deref() == Some(attempt)),
            None => Err(PUT.error("the assigned set", &error)),
        },
    }
}

async fn delete_before(table: &Table, version: u64) -> Result<(), CallError> {
    let (from, to) = chunks_before(version);
    let range = Range { partition: ASSIGNED, from: &from, to: &to, keys_only: true, limit: None };
    let mut keys = Vec::new();
    for item in table.all(&range).await? {
        keys.push(Fields::of(&item).key()?);
    }
    table.delete_all(&keys).await
}

fn stored_attempt(error: &SdkError<PutItemError>) -> Option<Option<String>> {
    match error.as_service_error()? {
        PutItemError::ConditionalCheckFailedException(failed) => {
            let attempt = failed.item().and_then(|item| item.get("attempt")?.as_s().ok());
            Some(attempt.cloned())
        }
        _ => None,
    }
}

fn header_of(item: &Attributes) -> Result<(AssignedHeader, String), CallError> {
    let fields = Fields::of(item);
    let digest = serde_json::from_value(fields.required_text("digest")?.into());
    let header = AssignedHeader {
        version: fields.required_number("version")?,
        digest: digest.map_err(|_| fields.unusable("digest"))?,
        missing_once: fields.required_number("missing_once")?,
        held: fields.required_number("held")?,
        arriving: fields.required_number("arriving")?,
        leaving: fields.required_number("leaving")?,
        count: fields.required_number("count")?,
    };
    Ok((header, fields.required_text("attempt")?.to_owned()))
}

fn pack(set: &AssignedSet) -> Vec<Vec<u8>> {
    let mut chunks = vec![Vec::new()];
    for (id, kind) in &set.principals {
        let full = chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK * PACKED);
        if full {
            chunks.push(Vec::new());
        }
        let mut marks = if *kind == PrincipalKind::Group { GROUP } else { 0 };
        for (mark, marked) in [
            (MISSING_ONCE, &set.missing_once),
            (HELD, &set.held),
            (ARRIVING, &set.arriving),
            (LEAVING, &set.leaving),
        ] {
            marks |= if marked.contains(id) { mark } else { 0 };
        }
        // An EntraObjectId is a GUID by construction.
        let id = Uuid::parse_str(id.as_str()).unwrap_or_default();
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(marks);
            chunk.extend_from_slice(id.as_bytes());
        }
    }
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

fn unpack(fields: &Fields<'_>, set: &mut AssignedSet) -> Result<(), CallError> {
    let bytes = fields.required_bytes("principals")?;
    if bytes.len() % PACKED != 0 {
        return Err(fields.unusable("principals"));
    }
    for packed in bytes.chunks_exact(PACKED) {
        let id = Uuid::from_slice(&packed[1..]).map_err(|_| fields.unusable("principals"))?;
        let id = EntraObjectId::parse(&id.to_string()).map_err(|_| fields.unusable("principals"))?;
        for (mark, of) in [
            (MISSING_ONCE, &mut set.missing_once),
            (HELD, &mut set.held),
            (ARRIVING, &mut set.arriving),
            (LEAVING, &mut set.leaving),
        ] {
            if packed[0] & mark != 0 {
                of.insert(id.clone());
            }
        }
        let group = packed[0] & GROUP != 0;
        set.principals.insert(id, if group { PrincipalKind::Group } else { PrincipalKind::User });
    }
    Ok(())
}
