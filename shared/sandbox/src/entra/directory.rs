//! The directory: users, groups and memberships, with a log of every change for delta queries and
//! notifications.

use super::answer::GraphError;
use super::query::is_guid;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The two kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// A user or group.
#[derive(Debug, Clone)]
pub struct Object {
    /// Which kind.
    pub kind: Kind,
    /// Its properties, `id` among them.
    pub properties: Map<String, Value>,
    /// Members of a group, soft-deleted ones included.
    pub members: BTreeSet<String>,
    /// A user's manager.
    pub manager: Option<String>,
    /// Set while it is soft-deleted.
    pub deleted_at: Option<Timestamp>,
    /// When it changed, in order.
    pub log: Vec<(u64, Event)>,
}

/// One change of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Made, or changed in these properties.
    Properties(BTreeSet<String>),
    /// A member came or left.
    Member {
        /// Who.
        id: String,
        /// Came or left.
        joined: bool,
    },
    /// Soft-deleted.
    SoftDeleted,
}

/// What subscribers learn of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which kind of object.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Permanently deleted; everything else is an update.
    pub deleted: bool,
    /// Members that came or left.
    pub members: Vec<(String, bool)>,
    /// The change's number.
    pub sequence: u64,
}

/// Users, groups, memberships. Cloning makes a snapshot, which costs nothing until one of the two changes.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    pub(super) objects: Arc<BTreeMap<String, Arc<Object>>>,
    /// The groups of each member.
    pub(super) groups_of: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// Lower-case userPrincipalName and mail of users that are not deleted, and whose they are.
    pub(super) taken: Arc<BTreeMap<(&'static str, String), String>>,
    /// Permanently deleted objects and when.
    pub(super) purged: BTreeMap<String, (Kind, u64)>,
    pub(super) users: usize,
    pub(super) sequence: u64,
    pub(super) notices: Vec<Notice>,
}

impl Kind {
    /// The name in metadata and `@odata.type`.
    pub fn type_name(self) -> &'static str {
        match self {
            Kind::User => "microsoft.graph.user",
            Kind::Group => "microsoft.graph.group",
        }
    }

    /// The name in notifications.
    pub fn resource_name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }

    /// The collection's name in addresses.
    pub fn collection(self) -> &'static str {
        match self {
            Kind::User => "users",
            Kind::Group => "groups",
        }
    }
}

impl Directory {
    /// The number of the last change.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The number of users that are not deleted.
    pub fn users(&self) -> usize {
        self.users
    }

    /// An object that is not deleted, by id, or a user by userPrincipalName.
    pub fn get(&self, kind: Kind, id: &str) -> Result<&Object, GraphError> {
        if kind == Kind::Group && !is_guid(id) {
            return Err(GraphError::bad_request(format!("Invalid object identifier '{id}'.")));
        }
        let key = self.key(kind, id);
        let object =
            self.objects.get(&key).filter(|object| object.kind == kind && object.deleted_at.is_none());
        object.map(Arc::as_ref).ok_or_else(|| GraphError::not_found(id))
    }

    /// An object that is not deleted, of either kind.
    pub fn any(&self, id: &str) -> Option<&Object> {
        let object = self.objects.get(&id.to_ascii_lowercase()).map(Arc::as_ref);
        object.filter(|object| object.deleted_at.is_none())
    }

    /// A soft-deleted object.
    pub fn deleted(&self, id: &str) -> Option<&Object> {
        let object = self.objects.get(&id.to_ascii_lowercase()).map(Arc::as_ref);
        object.filter(|object| object.deleted_at.is_some())
    }

    /// Every object of a kind, soft-deleted ones included, after this id.
    pub fn after<'a>(&'a self, kind: Kind, id: &str) -> impl Iterator<Item = (&'a String, &'a Object)> {
        let bound = (std::ops::Bound::Excluded(id.to_owned()), std::ops::Bound::Unbounded);
        let objects = self.objects.range(bound).map(|(id, object)| (id, object.as_ref()));
        objects.filter(move |(_, object)| object.kind == kind)
    }

    /// The same, from this id on.
    pub fn from<'a>(&'a self, kind: Kind, id: &str) -> impl Iterator<Item = (&'a String, &'a Object)> {
        let objects = self.objects.range(id.to_owned()..).map(|(id, object)| (id, object.as_ref()));
        objects.filter(move |(_, object)| object.kind == kind)
    }

    /// What was permanently deleted after a change's number.
    pub fn purged_since(&self, kind: Kind, sequence: u64) -> impl Iterator<Item = &String> {
        let late = move |(_, (purged, at)): &(&String, &(Kind, u64))| *purged == kind && *at > sequence;
        self.purged.iter().filter(late).map(|(id, _)| id)
    }

    /// The groups of which this object is a direct member.
    pub fn groups_of(&self, id: &str) -> BTreeSet<String> {
        let groups = self.groups_of.get(id).into_iter().flatten();
        groups.filter(|group| self.any(group).is_some()).cloned().collect()
    }

    /// The groups of which this object is a member, directly or through groups.
    pub fn ancestors_of(&self, id: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![id.to_owned()];
        while let Some(member) = open.pop() {
            open.extend(self.groups_of(&member).into_iter().filter(|group| found.insert(group.clone())));
        }
        found
    }

    /// The direct members of a group that are not deleted, after this id.
    pub fn members_after<'a>(
        &'a self,
        group: &'a Object,
        id: &str,
    ) -> impl Iterator<Item = &'a String> + use<'a> {
        let bound = (std::ops::Bound::Excluded(id.to_owned()), std::ops::Bound::Unbounded);
        group.members.range(bound).filter(|id| self.any(id).is_some())
    }

    /// The members of a group that are not deleted; through groups, too, if asked for.
    pub fn members_of(&self, group: &Object, transitive: bool) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Object> = vec![group];
        while let Some(group) = open.pop() {
            for id in &group.members {
                let Some(member) = self.any(id) else { continue };
                if found.insert(id.clone()) && transitive && member.kind == Kind::Group {
                    open.push(member);
                }
            }
        }
        found
    }

    /// The id of an object that may be a user named by userPrincipalName.
    pub(super) fn key(&self, kind: Kind, id: &str) -> String {
        let lower = id.to_lowercase();
        match self.taken.get(&("userPrincipalName", lower.clone())) {
            Some(id) if kind == Kind::User => id.clone(),
            _ => lower,
        }
    }
}
