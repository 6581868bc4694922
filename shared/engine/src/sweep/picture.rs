//! Reads the whole ledger into a picture, part by part.

use super::FullSweep;
use super::ports::PARTS;
use crate::ports::CallError;
use futures::{StreamExt, TryStreamExt, stream};
use planning::sweep::{Picture, PictureBuilder};

/// Parts that are read at a time: enough to hide the latency, few enough to hold in memory.
const PARTS_AT_A_TIME: usize = 8;

impl FullSweep {
    pub(super) async fn picture(&self) -> Result<Picture, CallError> {
        let bytes = (0..PARTS).filter_map(|part| u8::try_from(part).ok());
        let parts = stream::iter(bytes)
            .map(|byte| async move { self.patiently(|| self.ledger.part_of_records(byte)).await })
            .buffered(PARTS_AT_A_TIME);
        let builder = parts
            .try_fold(PictureBuilder::default(), |mut builder, part| async move {
                part.users.iter().for_each(|record| builder.add_user(record));
                part.groups.iter().for_each(|record| builder.add_group(record));
                Ok(builder)
            })
            .await?;
        Ok(builder.finish())
    }
}
