//! The directory: users, groups and memberships, with a log of every change for delta queries and
//! notifications.

use super::answer::GraphError;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

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

/// Users, groups, memberships. Cloning makes a snapshot.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    objects: BTreeMap<String, Object>,
    /// The groups of each member.
    groups_of: BTreeMap<String, BTreeSet<String>>,
    /// Lower-case userPrincipalName and mail of users that are not deleted, and whose they are.
    taken: BTreeMap<(&'static str, String), String>,
    /// Permanently deleted objects and when.
    purged: BTreeMap<String, (Kind, u64)>,
    sequence: u64,
    notices: Vec<Notice>,
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

    /// An object that is not deleted, by id, or a user by userPrincipalName.
    pub fn get(&self, kind: Kind, id: &str) -> Result<&Object, GraphError> {
        let key = self.key(kind, id);
        let object =
            self.objects.get(&key).filter(|object| object.kind == kind && object.deleted_at.is_none());
        object.ok_or_else(|| GraphError::not_found(id))
    }

    /// An object that is not deleted, of either kind.
    pub fn any(&self, id: &str) -> Option<&Object> {
        self.objects.get(&id.to_ascii_lowercase()).filter(|object| object.deleted_at.is_none())
    }

    /// A soft-deleted object.
    pub fn deleted(&self, id: &str) -> Option<&Object> {
        self.objects.get(&id.to_ascii_lowercase()).filter(|object| object.deleted_at.is_some())
    }

    /// Every object of a kind, soft-deleted ones included, after this id.
    pub fn after<'a>(&'a self, kind: Kind, id: &str) -> impl Iterator<Item = (&'a String, &'a Object)> {
        let bound = (std::ops::Bound::Excluded(id.to_owned()), std::ops::Bound::Unbounded);
        self.objects.range(bound).filter(move |(_, object)| object.kind == kind)
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

    /// Makes an object under this id.
    pub fn create(
        &mut self,
        kind: Kind,
        id: String,
        mut properties: Map<String, Value>,
    ) -> Result<(), GraphError> {
        if self.objects.contains_key(&id) {
            return Err(GraphError::bad_request(
                "Another object with the same value for property id already exists.",
            ));
        }
        self.take(kind, &id, &properties)?;
        properties.insert("id".to_owned(), json!(id));
        let names = properties.keys().cloned().collect();
        let object = Object {
            kind,
            properties,
            members: BTreeSet::new(),
            manager: None,
            deleted_at: None,
            log: Vec::new(),
        };
        self.objects.insert(id.clone(), object);
        self.note(&id, Event::Properties(names));
        Ok(())
    }

    /// Changes properties; null removes. Writing what is there already is no change.
    pub fn update(&mut self, kind: Kind, id: &str, changes: Map<String, Value>) -> Result<(), GraphError> {
        let object = self.get(kind, id)?;
        let id = self.key(kind, id);
        let now = &object.properties;
        let changed: Map<String, Value> = changes
            .into_iter()
            .filter(|(name, value)| now.get(name).unwrap_or(&Value::Null) != value)
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let mut properties = now.clone();
        properties.extend(changed.clone());
        self.free(&id);
        if let Err(error) = self.take(kind, &id, &properties) {
            self.retake(&id);
            return Err(error);
        }
        if let Some(object) = self.objects.get_mut(&id) {
            object.properties = properties;
        }
        self.note(&id, Event::Properties(changed.keys().cloned().collect()));
        Ok(())
    }

    /// Sets or removes a user's manager.
    pub fn set_manager(&mut self, id: &str, manager: Option<String>) -> Result<(), GraphError> {
        self.get(Kind::User, id)?;
        let id = self.key(Kind::User, id);
        if let Some(object) = self.objects.get_mut(&id)
            && object.manager != manager
        {
            object.manager = manager;
            self.note(&id, Event::Properties(["manager".to_owned()].into()));
        }
        Ok(())
    }

    /// Puts an object into a group.
    pub fn add_member(&mut self, group: &str, member: &str) -> Result<(), GraphError> {
        let member = member.to_ascii_lowercase();
        self.any(&member).ok_or_else(|| GraphError::not_found(&member))?;
        if self.get(Kind::Group, group)?.members.contains(&member) {
            return Err(GraphError::bad_request(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ));
        }
        self.change_member(group, &member, true);
        Ok(())
    }

    /// Takes an object out of a group.
    pub fn remove_member(&mut self, group: &str, member: &str) -> Result<(), GraphError> {
        let member = member.to_ascii_lowercase();
        if !self.get(Kind::Group, group)?.members.contains(&member) || self.any(&member).is_none() {
            return Err(GraphError::not_found(&member));
        }
        self.change_member(group, &member, false);
        Ok(())
    }

    /// Deletes: users and Microsoft 365 groups go to the deleted items, security groups for good.
    pub fn delete(&mut self, kind: Kind, id: &str, now: Timestamp) -> Result<(), GraphError> {
        let object = self.get(kind, id)?;
        let id = self.key(kind, id);
        let unified = object.properties.get("groupTypes").and_then(Value::as_array);
        if kind == Kind::Group && !unified.is_some_and(|types| types.iter().any(|name| name == "Unified")) {
            return self.purge(&id);
        }
        self.free(&id);
        if let Some(object) = self.objects.get_mut(&id) {
            object.deleted_at = Some(now);
            object.properties.insert("deletedDateTime".to_owned(), json!(now.to_string()));
        }
        self.note(&id, Event::SoftDeleted);
        Ok(())
    }

    /// Brings a soft-deleted object back.
    pub fn restore(&mut self, id: &str) -> Result<(), GraphError> {
        let object = self.deleted(id).ok_or_else(|| GraphError::not_found(id))?;
        let (kind, properties) = (object.kind, object.properties.clone());
        let id = id.to_ascii_lowercase();
        self.take(kind, &id, &properties)?;
        if let Some(object) = self.objects.get_mut(&id) {
            object.deleted_at = None;
            object.properties.remove("deletedDateTime");
        }
        self.note(&id, Event::Properties(properties.keys().cloned().collect()));
        Ok(())
    }

    /// Deletes for good. Groups lose the member, and their delta tells so.
    pub fn purge(&mut self, id: &str) -> Result<(), GraphError> {
        let id = id.to_ascii_lowercase();
        self.free(&id);
        let object = self.objects.remove(&id).ok_or_else(|| GraphError::not_found(&id))?;
        for member in &object.members {
            if let Some(groups) = self.groups_of.get_mut(member) {
                groups.remove(&id);
            }
        }
        for group in self.groups_of.remove(&id).unwrap_or_default() {
            self.sequence += 1;
            if let Some(group) = self.objects.get_mut(&group) {
                group.members.remove(&id);
                group.log.push((self.sequence, Event::Member { id: id.clone(), joined: false }));
            }
        }
        self.sequence += 1;
        self.purged.insert(id.clone(), (object.kind, self.sequence));
        let sequence = self.sequence;
        self.notices.push(Notice { kind: object.kind, id, deleted: true, members: Vec::new(), sequence });
        Ok(())
    }

    /// What subscribers have not been told yet.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn key(&self, kind: Kind, id: &str) -> String {
        let lower = id.to_lowercase();
        match self.taken.get(&("userPrincipalName", lower.clone())) {
            Some(id) if kind == Kind::User => id.clone(),
            _ => lower,
        }
    }

    fn change_member(&mut self, group: &str, member: &str, joined: bool) {
        let group = group.to_ascii_lowercase();
        let groups = self.groups_of.entry(member.to_owned()).or_default();
        if joined {
            groups.insert(group.clone())
        } else {
            groups.remove(&group)
        };
        if let Some(object) = self.objects.get_mut(&group) {
            if joined {
                object.members.insert(member.to_owned())
            } else {
                object.members.remove(member)
            };
        }
        self.note(&group, Event::Member { id: member.to_owned(), joined });
    }

    fn note(&mut self, id: &str, event: Event) {
        self.sequence += 1;
        let Some(object) = self.objects.get_mut(id) else { return };
        let members = match &event {
            Event::Member { id, joined } => vec![(id.clone(), *joined)],
            _ => Vec::new(),
        };
        object.log.push((self.sequence, event));
        let (kind, sequence) = (object.kind, self.sequence);
        self.notices.push(Notice { kind, id: id.to_owned(), deleted: false, members, sequence });
    }

    /// Takes the unique names of a user.
    fn take(&mut self, kind: Kind, id: &str, properties: &Map<String, Value>) -> Result<(), GraphError> {
        let names = unique_names(kind, properties);
        if let Some((name, _)) = names.iter().find(|name| self.taken.contains_key(*name)) {
            return Err(GraphError::bad_request(format!(
                "Another object with the same value for property {name} already exists."
            )));
        }
        self.taken.extend(names.into_iter().map(|name| (name, id.to_owned())));
        Ok(())
    }

    fn free(&mut self, id: &str) {
        let Some(object) = self.objects.get(id) else { return };
        for name in unique_names(object.kind, &object.properties) {
            if self.taken.get(&name).is_some_and(|owner| owner == id) {
                self.taken.remove(&name);
            }
        }
    }

    fn retake(&mut self, id: &str) {
        let Some(object) = self.objects.get(id) else { return };
        let names = unique_names(object.kind, &object.properties);
        self.taken.extend(names.into_iter().map(|name| (name, id.to_owned())));
    }
}

/// userPrincipalName is unique, and so is mail (through proxyAddresses).
fn unique_names(kind: Kind, properties: &Map<String, Value>) -> Vec<(&'static str, String)> {
    if kind == Kind::Group {
        return Vec::new();
    }
    let name = |name: &'static str| Some((name, properties.get(name)?.as_str()?.to_lowercase()));
    ["userPrincipalName", "mail"].into_iter().filter_map(name).collect()
}
