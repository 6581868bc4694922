//! Triggers: what to look at, and what led to the look. Never what to do.

use crate::agenda::AgendaKey;
use jiff::Timestamp;
use planning::EntraObjectId;
use planning::record::PrincipalKind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A principal to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// User or group.
    pub kind: PrincipalKind,
    /// Its object id in Entra ID.
    pub id: EntraObjectId,
}

impl Subject {
    /// A user.
    pub fn user(id: EntraObjectId) -> Self {
        Self { kind: PrincipalKind::User, id }
    }

    /// A group.
    pub fn group(id: EntraObjectId) -> Self {
        Self { kind: PrincipalKind::Group, id }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// How closely to look. A closer look includes the less close ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// A stranger (no record, not assigned) ends after one ledger read.
    #[default]
    Ordinary,
    /// Read Entra ID in any case: a group's change names this principal.
    ReadAnyway,
    /// Read Identity Center in any case: the ledger may be wrong about it.
    InDoubt,
}

/// What a notification said of a membership. It never decides anything; a read that contradicts it is
/// looked at again, since notifications may run ahead of readable data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Expectation {
    /// The group.
    pub group: EntraObjectId,
    /// True if the user joined it, false if the user left it.
    pub joined: bool,
}

/// What led to a trigger; for the audit trail, and so that work on the agenda can be ticked off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// A Graph change notification.
    Notification {
        /// Its `id` or sequence number, if it has one.
        id: Option<String>,
    },
    /// The handling of a group, which names the users whose membership changed.
    FanOut {
        /// The group.
        group: EntraObjectId,
    },
    /// Another principal needs the name that this one is giving up.
    NameNeeded {
        /// Who needs it.
        by: EntraObjectId,
    },
    /// Due work of the agenda.
    Agenda {
        /// The entry, to be ticked off when the work is done.
        key: AgendaKey,
    },
}

impl fmt::Display for Origin {
    /// For the audit trail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Notification { id: Some(id) } => write!(f, "notification {id}"),
            Origin::Notification { id: None } => f.write_str("notification"),
            Origin::FanOut { group } => write!(f, "group {group}"),
            Origin::NameNeeded { by } => write!(f, "name needed by {by}"),
            Origin::Agenda { key } => write!(f, "agenda: {}", key.reason),
        }
    }
}

/// A message of the changes queue: look at this principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Whom to look at.
    pub subject: Subject,
    /// How closely.
    #[serde(default)]
    pub look: Look,
    /// What led here.
    pub origin: Origin,
    /// What notifications said; usually empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
    /// When we learned of the change (the notification's arrival): the start of the lag.
    pub noticed_at: Timestamp,
}

impl Trigger {
    /// Identifies the trigger for the queue's deduplication, where its origin gives it an identity. Two
    /// real changes must never look alike, so a trigger without one is never deduplicated.
    pub fn deduplication_id(&self) -> Option<String> {
        match &self.origin {
            Origin::Notification { id: Some(id) } => Some(format!("{}-{id}", self.subject.id)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(origin: Origin) -> Trigger {
        let id = EntraObjectId::parse("f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e").unwrap();
        Trigger {
            subject: Subject::group(id),
            look: Look::Ordinary,
            origin,
            expectations: vec![],
            noticed_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_trigger_survives_the_queue() {
        let sent = trigger(Origin::Notification { id: Some("636784480202455800".into()) });
        let body = serde_json::to_string(&sent).unwrap();
        assert_eq!(serde_json::from_str::<Trigger>(&body).unwrap(), sent);
    }

    #[test]
    fn only_a_notification_with_an_identity_is_deduplicated() {
        assert!(trigger(Origin::Notification { id: Some("7".into()) }).deduplication_id().is_some());
        assert_eq!(trigger(Origin::Notification { id: None }).deduplication_id(), None);
    }

    #[test]
    fn a_closer_look_wins() {
        assert!(Look::InDoubt > Look::ReadAnyway && Look::ReadAnyway > Look::Ordinary);
    }
}
