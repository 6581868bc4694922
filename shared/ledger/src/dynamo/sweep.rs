//! What the table keeps for the full sweep: all records in 256 parts, a lease, and how far the run has come.

use super::DynamoLedger;
use super::fields::Fields;
use super::keys::{Key, part_of_records};
use super::lease;
use super::records::stored;
use super::table::{Attributes, Range, Table, UPDATE, number, text, unbuildable};
use crate::item::place_of;
use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use engine::doctor::ports::SweepHistory;
use engine::ports::{CallError, Cause};
use engine::sweep::ports::{PartOfRecords, SweepLease, SweepLedger, SweepProgress, SweepState};
use jiff::Timestamp;

#[async_trait]
impl SweepLedger for DynamoLedger {
    async fn part_of_records(&self, first_byte: u8) -> Result<PartOfRecords, CallError> {
        let partition = part_of_records(first_byte);
        // Ids consist of hexadecimal digits and hyphens: all of them are between these.
        let range = Range { partition: &partition, from: "0", to: "g", keys_only: false, limit: None };
        let (mut part, mut after) = (PartOfRecords::default(), None);
        loop {
            let page = self.table.page(&range, after).await?;
            page.items.iter().try_for_each(|item| add(&mut part, item))?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(part),
            }
        }
    }

    async fn sweep_state(&self) -> Result<SweepState, CallError> {
        let Some(item) = self.table.get(&Key::sweep()).await? else { return Ok(SweepState::default()) };
        let fields = Fields::of(&item);
        let wanted_at: Option<i64> = fields.number("wanted_at")?;
        let wanted_at = wanted_at.map(Timestamp::from_millisecond).transpose();
        Ok(SweepState {
            progress: progress(&fields, "progress")?,
            wanted_at: wanted_at.map_err(|_| fields.unusable("wanted_at"))?,
        })
    }

    async fn answer_sweep_request(&self, begun: Timestamp) -> Result<(), CallError> {
        let request = update(&self.table)
            .update_expression("REMOVE wanted_at")
            .condition_expression("wanted_at <= :begun")
            .expression_attribute_values(":begun", number(begun.as_millisecond()));
        is_written(request.send().await).map(|_| ())
    }

    async fn take_sweep_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SweepLease>, CallError> {
        let holder = lease::holder();
        let request = lease::take(update(&self.table), &holder, now, until);
        Ok(is_written(request.send().await)?.then_some(SweepLease { holder }))
    }

    async fn store_sweep_progress(
        &self,
        lease: &SweepLease,
        progress: Option<&SweepProgress>,
    ) -> Result<(), CallError> {
        let request = lease::held(update(&self.table), &lease.holder);
        let request = match progress {
            // What was stored last of the run tells when it began.
            None => request
                .update_expression("SET finished = if_not_exists(progress, :none) REMOVE progress")
                .expression_attribute_values(":none", text("")),
            Some(progress) => {
                let progress =
                    serde_json::to_string(progress).map_err(|error| unbuildable(&UPDATE, &error))?;
                request
                    .update_expression("SET progress = :progress")
                    .expression_attribute_values(":progress", text(progress))
            }
        };
        if is_written(request.send().await)? {
            Ok(())
        } else {
            Err(UPDATE.failed(Key::sweep(), Cause::Concurrent))
        }
    }

    async fn store_managed_users(&self, count: u64) -> Result<(), CallError> {
        super::holds::store_managed_users(&self.table, count).await
    }

    async fn return_sweep_lease(&self, lease: &SweepLease) -> Result<(), CallError> {
        let request = lease::give_back(update(&self.table), &lease.holder);
        is_written(request.send().await).map(|_| ())
    }
}

#[async_trait]
impl SweepHistory for DynamoLedger {
    async fn last_finished(&self) -> Result<Option<Timestamp>, CallError> {
        let Some(item) = self.table.get(&Key::sweep()).await? else { return Ok(None) };
        Ok(progress(&Fields::of(&item), "finished")?.map(|progress| progress.started_at))
    }
}

fn progress(fields: &Fields<'_>, name: &'static str) -> Result<Option<SweepProgress>, CallError> {
    let Some(progress) = fields.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    serde_json::from_str(progress).map(Some).map_err(|error| {
        let why = place_of(&error);
        let missing = format!(
            "the progress of the full sweep is unreadable ({why}): delete the item, and the sweep begins anew"
        );
        CallError::new("read", Key::sweep(), Cause::Incomplete { missing })
    })
}

fn add(part: &mut PartOfRecords, attributes: &Attributes) -> Result<(), CallError> {
    let fields = Fields::of(attributes);
    let id = fields.key()?.principal().ok_or_else(|| fields.unusable("sk"))?;
    let item = stored(attributes)?;
    part.users.extend(item.record(&id)?);
    part.groups.extend(item.record(&id)?);
    Ok(())
}

fn update(table: &Table) -> UpdateItemFluentBuilder {
    table.client.update_item().table_name(&table.name).set_key(Some(Key::sweep().attributes()))
}

/// False if the condition does not hold.
fn is_written<T>(answer: Result<T, SdkError<UpdateItemError>>) -> Result<bool, CallError> {
    match answer {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(false)
        }
        Err(error) => Err(UPDATE.error(Key::sweep(), &error)),
    }
}
