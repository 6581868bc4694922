//! A group as a delta query sends it, page by page.

use engine::ports::GroupReading;
use engine::trigger::Subject;
use planning::EntraObjectId;
use planning::scope::Gone;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;

/// One object of a delta page; a large group comes again and again with other members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupDelta {
    id: EntraObjectId,
    display_name: Option<String>,
    #[serde(default, rename = "members@delta")]
    members: Vec<MemberDelta>,
    #[serde(rename = "@removed")]
    removed: Option<Removed>,
}

#[derive(Deserialize)]
struct MemberDelta {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    id: EntraObjectId,
    #[serde(rename = "@removed")]
    removed: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Removed {
    reason: Option<String>,
}

/// An object in a list of directory objects.
#[derive(Deserialize)]
pub(crate) struct DirectoryObject {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    pub(crate) id: EntraObjectId,
}

impl DirectoryObject {
    /// True unless the type says that it is something else, such as a device.
    pub(crate) fn is_user(&self) -> bool {
        self.kind.as_deref().is_none_or(|kind| kind == "#microsoft.graph.user")
    }

    /// True unless the type says that it is something else, such as a directory role.
    pub(crate) fn is_group(&self) -> bool {
        self.kind.as_deref().is_none_or(|kind| kind == "#microsoft.graph.group")
    }
}

/// Puts the pages of one group together; `None` if no page shows the group. Objects may come several times,
/// in any order (delta-query-overview).
pub(crate) fn reading(
    id: &EntraObjectId,
    objects: Vec<GroupDelta>,
    delta_link: String,
) -> Option<GroupReading> {
    let mut reading = GroupReading {
        name: None,
        joined: BTreeSet::new(),
        left: BTreeSet::new(),
        gone: None,
        delta_link: Some(delta_link),
        ancestors: BTreeSet::new(),
    };
    let mut shown = false;
    for object in objects.into_iter().filter(|object| object.id == *id) {
        shown = true;
        reading.name = object.display_name.or(reading.name);
        if let Some(removed) = object.removed {
            let soft = removed.reason.as_deref() == Some("changed");
            reading.gone = Some(if soft { Gone::SoftDeleted } else { Gone::Deleted });
        }
        for member in object.members {
            let Some(subject) = subject(&member) else { continue };
            if member.removed.is_some() {
                reading.left.insert(subject)
            } else {
                reading.joined.insert(subject)
            };
        }
    }
    shown.then_some(reading)
}

/// Whom a member's change concerns. Devices, contacts and servicePrincipals are not mirrored; a member
/// without a type is looked at as a user, which does no harm if it is none.
fn subject(member: &MemberDelta) -> Option<Subject> {
    match member.kind.as_deref() {
        None | Some("#microsoft.graph.user") => Some(Subject::user(member.id.clone())),
        Some("#microsoft.graph.group") => Some(Subject::group(member.id.clone())),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Page;

    fn id(number: u32) -> EntraObjectId {
        EntraObjectId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
    }

    fn page(json: &str) -> Vec<GroupDelta> {
        serde_json::from_str::<Page<GroupDelta>>(json).unwrap().value
    }

    #[test]
    fn both_spellings_of_a_removed_member_are_understood() {
        for removed in ["\"deleted\"", "{\"reason\":\"deleted\"}"] {
            let json = format!(
                r##"{{"value":[{{"id":"{}","members@delta":[{{"@odata.type":"#microsoft.graph.user","id":"{}","@removed":{removed}}}]}}]}}"##,
                id(1),
                id(2)
            );
            let reading = reading(&id(1), page(&json), String::new()).unwrap();
            assert_eq!(reading.left, BTreeSet::from([Subject::user(id(2))]), "{removed}");
        }
    }

    #[test]
    fn a_group_that_comes_in_several_pieces_is_put_together() {
        let piece = |member: u32, name: &str| {
            format!(
                r##"{{"id":"{}"{name},"members@delta":[{{"@odata.type":"#microsoft.graph.user","id":"{}"}}]}}"##,
                id(1),
                id(member)
            )
        };
        let json =
            format!(r#"{{"value":[{},{}]}}"#, piece(2, ",\"displayName\":\"Engineers\""), piece(3, ""));
        let reading = reading(&id(1), page(&json), String::new()).unwrap();
        assert_eq!((reading.joined.len(), reading.name.as_deref()), (2, Some("Engineers")));
    }

    #[test]
    fn a_device_in_a_group_is_nobody() {
        let json = format!(
            r##"{{"value":[{{"id":"{}","members@delta":[{{"@odata.type":"#microsoft.graph.device","id":"{}"}}]}}]}}"##,
            id(1),
            id(2)
        );
        assert!(reading(&id(1), page(&json), String::new()).unwrap().joined.is_empty());
    }
}
