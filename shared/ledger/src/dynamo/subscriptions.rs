//! What the table keeps of the subscriptions to change notifications: whose turn it is, and what is remembered of them; and
//! the request for a full sweep.

use super::DynamoLedger;
use super::fields::Fields;
use super::keys::Key;
use super::lease;
use super::table::{Attributes, Table, UPDATE, number, text, unbuildable};
use crate::item::place_of;
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use engine::ports::{CallError, Cause};
use engine::subscriptions::ports::{SubscriptionLease, SubscriptionLedger, SweepRequests};
use jiff::Timestamp;
use planning::subscriptions::Remembered;

#[async_trait]
impl SubscriptionLedger for DynamoLedger {
    async fn begin(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(SubscriptionLease, Remembered)>, CallError> {
        let holder = lease::holder();
        let request =
            lease::take(update(&self.table), &holder, now, until).return_values(ReturnValue::AllNew);
        match request.send().await {
            Ok(answer) => {
                let remembered = remembered(&answer.attributes.unwrap_or_default())?;
                Ok(Some((SubscriptionLease { holder }, remembered)))
            }
            Err(error) if UPDATE.is_condition(&error) => Ok(None),
            Err(error) => Err(UPDATE.error(Key::subscriptions(), &error)),
        }
    }

    async fn store(&self, lease: &SubscriptionLease, remembered: &Remembered) -> Result<(), CallError> {
        let body = serde_json::to_string(remembered).map_err(|error| unbuildable(&UPDATE, &error))?;
        let request = lease::held(update(&self.table), &lease.holder)
            .update_expression("SET body = :body")
            .expression_attribute_values(":body", text(body));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if UPDATE.is_condition(&error) => {
                Err(UPDATE.failed(Key::subscriptions(), Cause::Concurrent))
            }
            Err(error) => Err(UPDATE.error(Key::subscriptions(), &error)),
        }
    }

    async fn end(&self, lease: &SubscriptionLease) -> Result<(), CallError> {
        let request = lease::give_back(update(&self.table), &lease.holder);
        match request.send().await {
            Ok(_) => Ok(()),
            // It has expired, and is somebody else's.
            Err(error) if UPDATE.is_condition(&error) => Ok(()),
            Err(error) => Err(UPDATE.error(Key::subscriptions(), &error)),
        }
    }
}

#[async_trait]
impl SweepRequests for DynamoLedger {
    async fn want_everything(&self, at: Timestamp) -> Result<(), CallError> {
        let key = Key::sweep();
        let request =
            self.table.client.update_item().table_name(&self.table.name).set_key(Some(key.attributes()));
        // A part of a millisecond counts as a whole one, so that no sweep that began before it is taken for the answer.
        let rest = at.subsec_nanosecond() % 1_000_000;
        let millisecond = at.as_millisecond() + i64::from(rest > 0);
        let request = request
            .update_expression("SET wanted_at = :at")
            .expression_attribute_values(":at", number(millisecond));
        request.send().await.map(|_| ()).map_err(|error| UPDATE.error(key, &error))
    }
}

fn remembered(item: &Attributes) -> Result<Remembered, CallError> {
    let Some(body) = Fields::of(item).text("body")? else { return Ok(Remembered::default()) };
    serde_json::from_str(body).map_err(|error| {
        let missing = format!(
            "its body is unreadable ({}): delete the item, and the next run makes the subscriptions anew",
            place_of(&error)
        );
        CallError::new("read", Key::subscriptions(), Cause::Incomplete { missing })
    })
}

fn update(table: &Table) -> UpdateItemFluentBuilder {
    table.client.update_item().table_name(&table.name).set_key(Some(Key::subscriptions().attributes()))
}
