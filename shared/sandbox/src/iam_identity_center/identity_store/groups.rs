//! Groups.

use super::request::Request;
use super::users::{Alternate, alternate, external_id, filter, no_unique_path};
use super::{Group, IdentityStore, MOST_GROUPS, Meta, paging};
use crate::iam_identity_center::answer::{Failure, ResourceType};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::Bound;

impl IdentityStore {
    pub(super) fn create_group(&mut self, now: Timestamp, request: &Request) -> Result<Value, Failure> {
        let mut members = request.members().clone();
        members.remove("IdentityStoreId");
        let id = self.insert_group(Group {
            members,
            external_ids: None,
            meta: Meta::new(now),
            memberships: BTreeMap::new(),
        })?;
        Ok(self.group_written(&id))
    }

    /// Takes in a group whose members have the right shapes.
    pub(super) fn insert_group(&mut self, group: Group) -> Result<String, Failure> {
        let name = self.free_name(None, &group.members)?;
        if self.groups.len() >= MOST_GROUPS {
            return Err(Failure::QuotaExceeded);
        }
        let id = self.new_id();
        self.group_names.insert(name, id.clone());
        self.groups.insert(id.clone(), group);
        Ok(id)
    }

    /// Puts a group in the place of what stood there.
    pub(super) fn replace_group(&mut self, id: &str, group: Group) -> Result<(), Failure> {
        let name = self.free_name(Some(id), &group.members)?;
        self.forget_name(id);
        self.group_names.insert(name, id.to_owned());
        self.groups.insert(id.to_owned(), group);
        Ok(())
    }

    pub(super) fn group_written(&self, id: &str) -> Value {
        let revision = self.groups.get(id).map_or(0, |group| group.meta.revision);
        json!({
            "IdentityStoreId": self.id,
            "GroupId": id,
            "GroupArn": Self::arn("group", id),
            "Revision": revision.to_string(),
        })
    }

    pub(super) fn describe_group(&self, request: &Request) -> Result<Value, Failure> {
        let (id, group) = self.group(request)?;
        Ok(self.show_group(&id, group))
    }

    pub(super) fn delete_group(&mut self, request: &Request) -> Result<Value, Failure> {
        let (id, group) = self.group(request)?;
        request.check_revision(group.meta.revision)?;
        for (user, membership) in group.memberships.clone() {
            self.memberships.remove(&membership);
            if let Some(user) = self.users.get_mut(&user) {
                user.memberships.remove(&id);
            }
        }
        self.forget_name(&id);
        self.groups.remove(&id);
        Ok(json!({}))
    }

    pub(super) fn list_groups(&self, request: &Request) -> Result<Value, Failure> {
        let filter = filter(request, "DisplayName")?;
        let start = paging::start(request, "Groups")?;
        let shown = |(id, group): (&String, &Group)| (id.clone(), self.show_group(id, group));
        match filter {
            Some(name) => {
                let id = self.group_names.get(&name.to_lowercase());
                let found = id.and_then(|id| self.groups.get_key_value(id));
                paging::page(request, "Groups", found.into_iter().map(shown))
            }
            None => {
                let groups = self.groups.range((Bound::Excluded(start), Bound::Unbounded));
                paging::page(request, "Groups", groups.map(shown))
            }
        }
    }

    pub(super) fn group_id(&self, request: &Request) -> Result<Value, Failure> {
        let found = match alternate(request)? {
            Alternate::ExternalId(wanted) => {
                let holds = |group: &Group| external_id(group.external_ids.as_ref(), wanted);
                self.groups.iter().find(|(_, group)| holds(group)).map(|(id, _)| id)
            }
            Alternate::Unique("displayName", value) => self.group_names.get(&value.to_lowercase()),
            Alternate::Unique(..) => return Err(no_unique_path("displayName")),
        };
        let id = found.ok_or(Failure::NotFound { kind: ResourceType::Group, id: None })?;
        Ok(json!({"IdentityStoreId": self.id, "GroupId": id, "GroupArn": Self::arn("group", id)}))
    }

    pub(super) fn show_group(&self, id: &str, group: &Group) -> Value {
        let mut body = group.members.clone();
        body.insert("IdentityStoreId".to_owned(), json!(self.id));
        body.insert("GroupId".to_owned(), json!(id));
        body.insert("GroupArn".to_owned(), json!(Self::arn("group", id)));
        body.insert("Revision".to_owned(), json!(group.meta.revision.to_string()));
        if let Some(external_ids) = &group.external_ids {
            body.insert("ExternalIds".to_owned(), external_ids.clone());
        }
        group.meta.show(&mut body);
        Value::Object(body)
    }

    fn forget_name(&mut self, id: &str) {
        let name = self.groups.get(id).and_then(|group| group.members.get("DisplayName")?.as_str());
        if let Some(name) = name.map(str::to_lowercase) {
            self.group_names.remove(&name);
        }
    }

    /// The name in lower case, if there is one and nobody else has it.
    fn free_name(&self, own: Option<&str>, members: &Map<String, Value>) -> Result<String, Failure> {
        let name = members.get("DisplayName").and_then(Value::as_str);
        let name = name.ok_or_else(|| Failure::invalid("displayName", "The attribute is required"))?;
        let name = name.to_lowercase();
        if self.group_names.get(&name).is_some_and(|owner| Some(owner.as_str()) != own) {
            return Err(Failure::taken("Duplicate GroupDisplayName"));
        }
        Ok(name)
    }
}
