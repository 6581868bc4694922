//! Changes of the directory, each of which goes into the log and to the subscribers.

use super::answer::GraphError;
use super::directory::{Directory, Event, Kind, Notice, Object};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Directory {
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
        self.users += usize::from(kind == Kind::User);
        let object = Object {
            kind,
            properties,
            members: BTreeSet::new(),
            manager: None,
            deleted_at: None,
            log: Vec::new(),
        };
        Arc::make_mut(&mut self.objects).insert(id.clone(), Arc::new(object));
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
        if let Some(object) = self.object_mut(&id) {
            object.properties = properties;
        }
        self.note(&id, Event::Properties(changed.keys().cloned().collect()));
        Ok(())
    }

    /// Sets or removes a user's manager.
    pub fn set_manager(&mut self, id: &str, manager: Option<String>) -> Result<(), GraphError> {
        self.get(Kind::User, id)?;
        let id = self.key(Kind::User, id);
        if let Some(object) = self.object_mut(&id)
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
        let held = self.get(Kind::Group, group)?;
        if is_unified(held) && self.any(&member).is_some_and(|member| member.kind == Kind::Group) {
            return Err(GraphError::bad_request("A Microsoft 365 group cannot have groups as members."));
        }
        if held.members.contains(&member) {
            return Err(GraphError::bad_request(
                "One or more added object references already exist for the following modified properties: 'members'.",
            ));
        }
        self.change_member(group, &member, true);
        Ok(())
    }

    /// Puts members that are there into a new group as part of making it: nobody is told, and there is no log
    /// from before them that a delta link could point into.
    pub fn fill_group<'a>(&mut self, group: &str, members: impl Iterator<Item = &'a str>) {
        self.sequence += 1;
        let members: BTreeSet<String> = members.map(str::to_owned).collect();
        let groups_of = Arc::make_mut(&mut self.groups_of);
        for member in &members {
            groups_of.entry(member.clone()).or_default().insert(group.to_owned());
        }
        if let Some(group) = self.object_mut(group) {
            group.members.extend(members);
        }
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
        if kind == Kind::Group && !is_unified(object) {
            return self.purge(&id);
        }
        self.free(&id);
        self.users -= usize::from(kind == Kind::User);
        if let Some(object) = self.object_mut(&id) {
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
        self.users += usize::from(kind == Kind::User);
        if let Some(object) = self.object_mut(&id) {
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
        let object =
            Arc::make_mut(&mut self.objects).remove(&id).ok_or_else(|| GraphError::not_found(&id))?;
        for member in &object.members {
            if let Some(groups) = Arc::make_mut(&mut self.groups_of).get_mut(member) {
                groups.remove(&id);
            }
        }
        for group in Arc::make_mut(&mut self.groups_of).remove(&id).unwrap_or_default() {
            self.sequence += 1;
            let sequence = self.sequence;
            if let Some(group) = self.object_mut(&group) {
                group.members.remove(&id);
                group.log.push((sequence, Event::Member { id: id.clone(), joined: false }));
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

    fn change_member(&mut self, group: &str, member: &str, joined: bool) {
        let group = group.to_ascii_lowercase();
        let groups = Arc::make_mut(&mut self.groups_of).entry(member.to_owned()).or_default();
        if joined {
            groups.insert(group.clone())
        } else {
            groups.remove(&group)
        };
        if let Some(object) = self.object_mut(&group) {
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
        let sequence = self.sequence;
        let Some(object) = self.object_mut(id) else { return };
        let members = match &event {
            Event::Member { id, joined } => vec![(id.clone(), *joined)],
            _ => Vec::new(),
        };
        object.log.push((sequence, event));
        let kind = object.kind;
        self.notices.push(Notice { kind, id: id.to_owned(), deleted: false, members, sequence });
    }

    fn object_mut(&mut self, id: &str) -> Option<&mut Object> {
        Arc::make_mut(&mut self.objects).get_mut(id).map(Arc::make_mut)
    }

    /// Takes the unique names of a user.
    fn take(&mut self, kind: Kind, id: &str, properties: &Map<String, Value>) -> Result<(), GraphError> {
        let names = unique_names(kind, properties);
        if let Some((name, _)) = names.iter().find(|name| self.taken.contains_key(*name)) {
            return Err(GraphError::bad_request(format!(
                "Another object with the same value for property {name} already exists."
            )));
        }
        Arc::make_mut(&mut self.taken).extend(names.into_iter().map(|name| (name, id.to_owned())));
        Ok(())
    }

    fn free(&mut self, id: &str) {
        let Some(object) = self.objects.get(id) else { return };
        for name in unique_names(object.kind, &object.properties) {
            if self.taken.get(&name).is_some_and(|owner| owner == id) {
                Arc::make_mut(&mut self.taken).remove(&name);
            }
        }
    }

    fn retake(&mut self, id: &str) {
        let Some(object) = self.objects.get(id) else { return };
        let names = unique_names(object.kind, &object.properties);
        Arc::make_mut(&mut self.taken).extend(names.into_iter().map(|name| (name, id.to_owned())));
    }
}

fn is_unified(group: &Object) -> bool {
    let types = group.properties.get("groupTypes").and_then(Value::as_array);
    types.is_some_and(|types| types.iter().any(|name| name == "Unified"))
}

/// userPrincipalName is unique, and so is mail (through proxyAddresses).
fn unique_names(kind: Kind, properties: &Map<String, Value>) -> Vec<(&'static str, String)> {
    if kind == Kind::Group {
        return Vec::new();
    }
    let name = |name: &'static str| Some((name, properties.get(name)?.as_str()?.to_lowercase()));
    ["userPrincipalName", "mail"].into_iter().filter_map(name).collect()
}
