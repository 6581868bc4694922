//! Sign-ins, counted by the minute, each event once. Both the counts and what keeps events apart expire by themselves.

use super::DynamoLedger;
use super::fields::Fields;
use super::keys::{Key, SIGN_INS, sortable_minute};
use super::table::{Attributes, Range, TRANSACT, Table, number, unbuildable};
use crate::backoff::{ATTEMPTS, pause_before};
use async_trait::async_trait;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError as Error;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use engine::ports::{CallError, Cause};
use engine::rotation::ports::{SignInCount, SignInEvent, SignInEvidence, SignInOutcome};
use jiff::Timestamp;

/// Counts are looked at for a rotation's observation and the days before it.
const KEPT: i64 = 60 * 86_400;
/// EventBridge gives up after a day.
const EVENTS_KEPT: i64 = 2 * 86_400;
/// Behind every minute.
const LAST: &str = "999999999999";

#[async_trait]
impl SignInEvidence for DynamoLedger {
    async fn count(&self, event: &SignInEvent) -> Result<(), CallError> {
        let items = transaction(&self.table, event).map_err(|error| unbuildable(&TRANSACT, &error))?;
        for attempt in 0..ATTEMPTS {
            pause_before(attempt).await;
            let request = self.table.client.transact_write_items().set_transact_items(Some(items.clone()));
            let Err(error) = request.send().await else { return Ok(()) };
            match error.as_service_error() {
                Some(Error::TransactionCanceledException(cancelled)) => {
                    let code =
                        |at: usize| cancelled.cancellation_reasons().get(at).and_then(|reason| reason.code());
                    match (code(0), code(1)) {
                        // Counted before.
                        (Some("ConditionalCheckFailed"), _) => return Ok(()),
                        (Some("TransactionConflict"), _) | (_, Some("TransactionConflict")) => {}
                        _ => return Err(TRANSACT.error("a sign-in", &error)),
                    }
                }
                Some(Error::TransactionInProgressException(_)) => {}
                _ => return Err(TRANSACT.error("a sign-in", &error)),
            }
        }
        Err(TRANSACT.failed("a sign-in", Cause::Throttled { retry_after: None }))
    }

    async fn since(&self, from: Timestamp) -> Result<Vec<SignInCount>, CallError> {
        // The first minute that begins then or later.
        let first = from.as_second().saturating_add(59).div_euclid(60);
        let from = sortable_minute(first);
        let range = Range { partition: SIGN_INS, from: &from, to: LAST, keys_only: false, limit: None };
        let (mut counts, mut after) = (Vec::new(), None);
        loop {
            let page = self.table.page(&range, after).await?;
            for item in &page.items {
                counts.push(count_of(item)?);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(counts),
            }
        }
    }
}

fn transaction(table: &Table, event: &SignInEvent) -> Result<Vec<TransactWriteItem>, BuildError> {
    let second = event.at.as_second();
    let mut seen = Key::sign_in_event(&event.id).attributes();
    seen.insert("expires".to_owned(), number(second.saturating_add(EVENTS_KEPT)));
    let seen = Put::builder().table_name(&table.name).set_item(Some(seen));
    let seen = seen.condition_expression("attribute_not_exists(pk)").build()?;
    let counter = match event.outcome {
        SignInOutcome::Success => "successes",
        SignInOutcome::Failure => "failures",
    };
    let count = Update::builder()
        .table_name(&table.name)
        .set_key(Some(Key::sign_ins(second.div_euclid(60)).attributes()))
        .update_expression("ADD #counter :one SET expires = :expires")
        .expression_attribute_names("#counter", counter)
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":expires", number(second.saturating_add(KEPT)))
        .build()?;
    Ok(vec![
        TransactWriteItem::builder().put(seen).build(),
        TransactWriteItem::builder().update(count).build(),
    ])
}

fn count_of(item: &Attributes) -> Result<SignInCount, CallError> {
    let fields = Fields::of(item);
    let minute: i64 = fields.key()?.sk.parse().map_err(|_| fields.unusable("sk"))?;
    let minute = Timestamp::from_second(minute.saturating_mul(60)).map_err(|_| fields.unusable("sk"))?;
    Ok(SignInCount {
        minute,
        successes: fields.number("successes")?.unwrap_or(0),
        failures: fields.number("failures")?.unwrap_or(0),
    })
}
