//! A principal's record as it is stored: a few attributes that conditions look at, and a body of JSON.

use engine::ports::{CallError, Cause};
use planning::EntraObjectId;
use planning::hold::HoldMarks;
use planning::record::{GroupRecord, PrincipalKind, Record, UserRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of a body: an item of DynamoDB has at most 400 KB with its names and other attributes.
const LARGEST_BODY: usize = 400 * 1024 - 1024;

/// What is remembered of a principal of one kind.
pub(crate) trait Remembered: Default + Serialize + DeserializeOwned {
    /// Which kind.
    const KIND: PrincipalKind;
    /// The id of its object in the identity store.
    fn object(&self) -> Option<&str>;
}

impl Remembered for UserRecord {
    const KIND: PrincipalKind = PrincipalKind::User;
    fn object(&self) -> Option<&str> {
        self.user_id.as_ref().map(planning::UserId::as_str)
    }
}

impl Remembered for GroupRecord {
    const KIND: PrincipalKind = PrincipalKind::Group;
    fn object(&self) -> Option<&str> {
        self.group_id.as_ref().map(planning::GroupId::as_str)
    }
}

/// One stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub kind: PrincipalKind,
    pub version: u64,
    pub assigned: bool,
    pub dirty: bool,
    /// Written beside the record, like `assigned`.
    pub marks: HoldMarks,
    /// The id of the object in the identity store, as in the body: its owner pointer exists.
    pub object: Option<String>,
    /// JSON; `None` until a handler has written the record for the first time.
    pub body: Option<String>,
}

impl Item {
    /// What storing this record leaves behind.
    pub fn following<P: Remembered>(record: &Record<P>) -> Result<Self, CallError> {
        let body = serde_json::to_string(&record.principal).map_err(|error| {
            let detail = format!("the record was not encoded: {error}");
            CallError::new("encode record of", &record.id, Cause::Unanswered { detail })
        })?;
        if body.len() > LARGEST_BODY {
            let remedy = format!(
                "the record would have {} bytes and the ledger takes {LARGEST_BODY}: have fewer groups assigned that \
                 the {} is in",
                body.len(),
                P::KIND
            );
            return Err(CallError::new("encode record of", &record.id, Cause::Denied { remedy }));
        }
        Ok(Self {
            kind: P::KIND,
            version: record.version + 1,
            assigned: record.assigned,
            dirty: record.dirty,
            marks: record.marks.clone(),
            object: record.principal.object().map(str::to_owned),
            body: Some(body),
        })
    }

    /// True if this is what `stored` already holds, written by an attempt whose answer was lost.
    pub fn is_stored_as(&self, stored: &Item) -> bool {
        *stored == Self { assigned: stored.assigned, marks: stored.marks.clone(), ..self.clone() }
    }

    /// The record in this item, `None` if it is one of the other kind.
    pub fn record<P: Remembered>(&self, id: &EntraObjectId) -> Result<Option<Record<P>>, CallError> {
        if self.kind != P::KIND {
            return Ok(None);
        }
        let principal = match &self.body {
            Some(body) => serde_json::from_str(body).map_err(|error| undecodable(id, &place_of(&error)))?,
            None if self.version == 0 => P::default(),
            None => return Err(undecodable(id, "it is missing")),
        };
        let Self { version, assigned, dirty, .. } = *self;
        let marks = self.marks.clone();
        Ok(Some(Record { id: id.clone(), version, assigned, dirty, marks, principal }))
    }
}

fn undecodable(id: &EntraObjectId, why: &str) -> CallError {
    let missing = format!(
        "the body of the ledger's record of {id} is no record ({why}): restore the item from the \
         table's backup, or delete it and adopt its object again"
    );
    CallError::new("decode record of", id, Cause::Incomplete { missing })
}

/// Where the fault is; never the text there, since a body holds names.
pub(crate) fn place_of(error: &serde_json::Error) -> String {
    format!("{:?} error at column {}", error.classify(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> EntraObjectId {
        EntraObjectId::parse("f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e").unwrap()
    }

    fn item(version: u64, body: Option<&str>) -> Item {
        Item {
            kind: PrincipalKind::User,
            version,
            assigned: true,
            dirty: false,
            marks: HoldMarks::default(),
            object: None,
            body: body.map(str::to_owned),
        }
    }

    #[test]
    fn a_body_that_cannot_be_decoded_is_never_an_empty_record() {
        for body in [None, Some(""), Some("{}"), Some("{\"standing\":{\"state\":\"promoted\"}}")] {
            let error = item(3, body).record::<UserRecord>(&id()).unwrap_err();
            assert!(matches!(error.cause, Cause::Incomplete { .. }), "{body:?} was read as a record");
            assert!(error.to_string().contains(&id().to_string()), "does not name the item: {error}");
            assert!(!error.to_string().contains("promoted"), "quotes the body: {error}");
        }
    }

    #[test]
    fn a_record_that_only_the_sweep_has_written_is_empty_but_assigned() {
        let record = item(0, None).record::<UserRecord>(&id()).unwrap().unwrap();
        assert!(record.assigned);
        assert_eq!(record.principal, UserRecord::default());
    }

    #[test]
    fn a_user_is_no_group() {
        assert_eq!(item(0, None).record::<GroupRecord>(&id()), Ok(None));
    }
}
