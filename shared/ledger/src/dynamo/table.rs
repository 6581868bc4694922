//! The table, and the calls that several kinds of items share. Every read is strongly consistent.

use super::keys::Key;
use crate::backoff::{ATTEMPTS, pause_before};
use crate::failure::Operation;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, KeysAndAttributes, WriteRequest};
use engine::ports::{CallError, Cause};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;

/// An item's attributes.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// Calls of one kind at a time: enough to hide their latency, few enough for any table.
pub(crate) const CONCURRENT_CALLS: usize = 16;

/// Keys of one BatchGetItem, and writes of one BatchWriteItem (DynamoDB API reference).
const GETS: usize = 100;
const WRITES: usize = 25;

const TABLE: &str = "the ledger's table (LEDGER_TABLE)";

pub(crate) const GET: Operation =
    Operation { name: "dynamodb:GetItem", actions: "dynamodb:GetItem", resource: TABLE };
pub(crate) const BATCH_GET: Operation =
    Operation { name: "dynamodb:BatchGetItem", actions: "dynamodb:BatchGetItem", resource: TABLE };
pub(crate) const PUT: Operation =
    Operation { name: "dynamodb:PutItem", actions: "dynamodb:PutItem", resource: TABLE };
pub(crate) const UPDATE: Operation =
    Operation { name: "dynamodb:UpdateItem", actions: "dynamodb:UpdateItem", resource: TABLE };
pub(crate) const DELETE: Operation =
    Operation { name: "dynamodb:DeleteItem", actions: "dynamodb:DeleteItem", resource: TABLE };
pub(crate) const QUERY: Operation =
    Operation { name: "dynamodb:Query", actions: "dynamodb:Query", resource: TABLE };
pub(crate) const BATCH_WRITE: Operation =
    Operation { name: "dynamodb:BatchWriteItem", actions: "dynamodb:BatchWriteItem", resource: TABLE };
pub(crate) const TRANSACT: Operation = Operation {
    name: "dynamodb:TransactWriteItems",
    actions: "dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:DeleteItem",
    resource: TABLE,
};

/// A table of this name.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub client: Client,
    pub name: String,
}

impl Table {
    /// One item.
    pub async fn get(&self, key: &Key) -> Result<Option<Attributes>, CallError> {
        let request = self.client.get_item().table_name(&self.name).set_key(Some(key.attributes()));
        let answer = request.consistent_read(true).send().await;
        Ok(answer.map_err(|error| GET.error(key, &error))?.item)
    }

    /// The items of these keys, which differ; those that are not there are absent.
    pub async fn get_all(&self, keys: &[Key]) -> Result<Vec<Attributes>, CallError> {
        match keys {
            [] => Ok(Vec::new()),
            [key] => Ok(self.get(key).await?.into_iter().collect()),
            keys => {
                let chunks: Vec<Vec<Key>> = keys.chunks(GETS).map(<[Key]>::to_vec).collect();
                let chunks = stream::iter(chunks).map(|chunk| async move { self.get_chunk(&chunk).await });
                let found: Vec<Vec<Attributes>> =
                    chunks.buffer_unordered(CONCURRENT_CALLS).try_collect().await?;
                Ok(found.into_iter().flatten().collect())
            }
        }
    }

    async fn get_chunk(&self, keys: &[Key]) -> Result<Vec<Attributes>, CallError> {
        let mut open: Vec<Attributes> = keys.iter().map(Key::attributes).collect();
        let mut found = Vec::new();
        for attempt in 0..ATTEMPTS {
            pause_before(attempt).await;
            let wanted = KeysAndAttributes::builder().set_keys(Some(open)).consistent_read(true).build();
            let wanted = wanted.map_err(|error| unbuildable(&BATCH_GET, &error))?;
            let answer = self.client.batch_get_item().request_items(&self.name, wanted).send().await;
            let answer = answer.map_err(|error| BATCH_GET.error(keys.len(), &error))?;
            found.extend(answer.responses.into_iter().flat_map(HashMap::into_values).flatten());
            let unprocessed = answer.unprocessed_keys.into_iter().flat_map(HashMap::into_values);
            open = unprocessed.flat_map(|keys| keys.keys).collect();
            if open.is_empty() {
                return Ok(found);
            }
        }
        Err(BATCH_GET.failed(format!("{} items", open.len()), Cause::Throttled { retry_after: None }))
    }

    /// The next page of a partition between two sort keys, both included; keys alone if asked for.
    pub async fn page(&self, range: &Range<'_>, after: Option<Attributes>) -> Result<ItemPage, CallError> {
        let request = self.client.query().table_name(&self.name).consistent_read(true);
        let request = request
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(range.partition))
            .expression_attribute_values(":from", text(range.from))
            .expression_attribute_values(":to", text(range.to))
            .set_exclusive_start_key(after)
            .set_limit(range.limit);
        let request = if range.keys_only { request.projection_expression("pk, sk") } else { request };
        let answer = request.send().await.map_err(|error| QUERY.error(range.partition, &error))?;
        Ok(ItemPage {
            items: answer.items.unwrap_or_default(),
            next: answer.last_evaluated_key.filter(|key| !key.is_empty()),
        })
    }

    /// Every item between two sort keys.
    pub async fn all(&self, range: &Range<'_>) -> Result<Vec<Attributes>, CallError> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(range, after).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// Deletes items; those that are not there are no error.
    pub async fn delete_all(&self, keys: &[Key]) -> Result<(), CallError> {
        let chunks: Vec<Vec<Key>> = keys.chunks(WRITES).map(<[Key]>::to_vec).collect();
        let chunks = stream::iter(chunks).map(|chunk| async move { self.delete_chunk(&chunk).await });
        chunks.buffer_unordered(CONCURRENT_CALLS).try_collect().await
    }

    async fn delete_chunk(&self, keys: &[Key]) -> Result<(), CallError> {
        let mut open = Vec::new();
        for key in keys {
            let delete = DeleteRequest::builder().set_key(Some(key.attributes())).build();
            let delete = delete.map_err(|error| unbuildable(&BATCH_WRITE, &error))?;
            open.push(WriteRequest::builder().delete_request(delete).build());
        }
        for attempt in 0..ATTEMPTS {
            pause_before(attempt).await;
            let answer = self.client.batch_write_item().request_items(&self.name, open).send().await;
            let answer = answer.map_err(|error| BATCH_WRITE.error(keys.len(), &error))?;
            open = answer.unprocessed_items.into_iter().flat_map(HashMap::into_values).flatten().collect();
            if open.is_empty() {
                return Ok(());
            }
        }
        Err(BATCH_WRITE.failed(format!("{} items", open.len()), Cause::Throttled { retry_after: None }))
    }
}

/// Sends a write of one item again while a transaction is at work on the item, which the SDK takes for final.
pub(crate) async fn past_transactions<T, E, F>(write: impl Fn() -> F) -> Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    let mut attempt = 0;
    loop {
        attempt += 1;
        match write().await {
            Err(error) if attempt < ATTEMPTS && error.code() == Some("TransactionConflictException") => {
                pause_before(attempt).await;
            }
            answer => return answer,
        }
    }
}

/// A part of a partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<'a> {
    pub partition: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub keys_only: bool,
    /// Items of a page; as many as fit if there is none.
    pub limit: Option<i32>,
}

/// A page of a query.
#[derive(Debug)]
pub(crate) struct ItemPage {
    pub items: Vec<Attributes>,
    pub next: Option<Attributes>,
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The SDK refuses to build a request; only a defect of ours can bring that about.
pub(crate) fn unbuildable(operation: &Operation, error: &dyn std::error::Error) -> CallError {
    operation.failed("request", Cause::Unanswered { detail: format!("the request was not built: {error}") })
}
