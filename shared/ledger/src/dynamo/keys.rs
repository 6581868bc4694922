//! Where each item of the table stands.

use super::table::Attributes;
use aws_sdk_dynamodb::types::AttributeValue;
use engine::agenda::{AgendaKey, Priority};
use engine::holds::Loss;
use planning::EntraObjectId;
use planning::digest::Digest;
use planning::hold::HoldId;
use std::fmt;

/// The partition of the holds.
pub(crate) const HOLDS: &str = "holds";

/// The partition of the rotation of the signing certificate.
pub(crate) const ROTATION: &str = "rotation";

/// The partition of the counted sign-ins.
pub(crate) const SIGN_INS: &str = "sign-ins";

/// The partition of what concerns all groups' account assignments.
const ACCESS: &str = "access";

/// The partition of the names that rules mean groups by.
pub(crate) const NAMES: &str = "names";

/// The partition of the assigned set.
pub(crate) const ASSIGNED: &str = "assigned";

/// How the partitions of the records begin.
const RECORDS: &str = "principals#";

/// An item's primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    /// Records stand in 256 partitions, so that all of them can be read without the rest of the table.
    pub fn record(id: &EntraObjectId) -> Self {
        let part = id.as_str().get(..2).unwrap_or_default();
        Self { pk: format!("{RECORDS}{part}"), sk: id.to_string() }
    }

    /// The owner of a UserId or GroupId.
    pub fn owner(object: &str) -> Self {
        Self { pk: format!("object#{object}"), sk: "owner".to_owned() }
    }

    /// The run of the full sweep.
    pub fn sweep() -> Self {
        Self { pk: "sweep".to_owned(), sk: "everything".to_owned() }
    }

    /// The subscriptions to change notifications.
    pub fn subscriptions() -> Self {
        Self { pk: "subscriptions".to_owned(), sk: "state".to_owned() }
    }

    pub fn assigned_header() -> Self {
        Self { pk: ASSIGNED.to_owned(), sk: "header".to_owned() }
    }

    pub fn assigned_chunk(version: u64, attempt: &str, number: usize) -> Self {
        let prefix = chunks_of(version, attempt);
        Self { pk: ASSIGNED.to_owned(), sk: format!("{prefix}{number:06}") }
    }

    pub fn hold(hold: &HoldId) -> Self {
        Self { pk: HOLDS.to_owned(), sk: hold.as_str().to_owned() }
    }

    pub fn held(hold: &HoldId, principal: &EntraObjectId) -> Self {
        Self { pk: held_list(hold), sk: principal.as_str().to_owned() }
    }

    pub fn losses(loss: Loss, minute: i64) -> Self {
        Self { pk: loss_list(loss), sk: sortable_minute(minute) }
    }

    /// What every group's account assignments were last weighed by.
    pub fn weighed() -> Self {
        Self { pk: ACCESS.to_owned(), sk: "weighed".to_owned() }
    }

    /// The requests to sso-admin that are under way.
    pub fn outstanding() -> Self {
        Self { pk: ACCESS.to_owned(), sk: "outstanding".to_owned() }
    }

    /// The group that a name in the rules means. The name itself stands in no key, for keys stand in errors.
    pub fn bound_name(name: &str) -> Self {
        Self { pk: NAMES.to_owned(), sk: Digest::of(&name).to_string() }
    }

    pub fn managed_users() -> Self {
        Self { pk: "totals".to_owned(), sk: "users".to_owned() }
    }

    pub fn rotation(name: &str) -> Self {
        Self { pk: ROTATION.to_owned(), sk: name.to_owned() }
    }

    pub fn sign_ins(minute: i64) -> Self {
        Self { pk: SIGN_INS.to_owned(), sk: sortable_minute(minute) }
    }

    pub fn sign_in_event(id: &str) -> Self {
        Self { pk: format!("sign-in#{id}"), sk: "seen".to_owned() }
    }

    pub fn agenda(key: &AgendaKey) -> Self {
        Self { pk: agenda_list(key.priority), sk: key.place.clone() }
    }

    /// The principal of a record's key.
    pub fn principal(&self) -> Option<EntraObjectId> {
        self.pk.strip_prefix(RECORDS)?;
        EntraObjectId::parse(&self.sk).ok()
    }

    /// The UserId or GroupId of an owner's key.
    pub fn object(&self) -> Option<&str> {
        self.pk.strip_prefix("object#")
    }

    /// The key as the API wants it.
    pub fn attributes(&self) -> Attributes {
        [("pk", &self.pk), ("sk", &self.sk)]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone())))
            .into()
    }
}

/// The partition of one hold's principals.
pub(crate) fn held_list(hold: &HoldId) -> String {
    format!("hold#{hold}")
}

/// The partition of one kind of losses.
pub(crate) fn loss_list(loss: Loss) -> String {
    let name = match loss {
        Loss::Assignment => "assignment",
        Loss::Membership => "membership",
        Loss::Access => "access",
    };
    format!("losses#{name}")
}

/// A minute since 1970 as text that sorts like the minute.
pub(crate) fn sortable_minute(minute: i64) -> String {
    format!("{:012}", minute.max(0))
}

/// The partition of the records whose id begins with this byte.
pub(crate) fn part_of_records(first_byte: u8) -> String {
    format!("{RECORDS}{first_byte:02x}")
}

/// The partition of one list of the agenda.
pub(crate) fn agenda_list(priority: Priority) -> String {
    format!("agenda#{}", priority.name())
}

/// How the sort keys of every version before this one begin, up to the bound.
pub(crate) fn chunks_before(version: u64) -> (String, String) {
    ("chunk#".to_owned(), format!("chunk#{version:020}"))
}

/// How the sort keys of the chunks of one attempt begin.
pub(crate) fn chunks_of(version: u64, attempt: &str) -> String {
    format!("chunk#{version:020}#{attempt}#")
}

impl fmt::Display for Key {
    /// For errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {} / {}", self.pk, self.sk)
    }
}
