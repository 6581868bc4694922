//! Users.

use super::request::Request;
use super::{IdentityStore, MOST_USERS, Meta, User, paging};
use crate::iam_identity_center::answer::{Failure, ResourceType, broken};
use crate::iam_identity_center::shape::{self, ENTERPRISE, USER};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ops::Bound;

/// The only extension.
pub(super) const EXTENSION: &str = "aws:identitystore:enterprise";

impl IdentityStore {
    pub(super) fn create_user(&mut self, now: Timestamp, request: &Request) -> Result<Value, Failure> {
        let mut rules = Vec::new();
        let members: Map<String, Value> = request
            .members()
            .iter()
            .filter(|(name, _)| shape::member(USER, name).is_some())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let extensions =
            request.get("Extensions").map(|value| checked_extensions(value, &mut rules)).unwrap_or_default();
        if !rules.is_empty() {
            return Err(Failure::broken(&rules));
        }
        let user = User {
            members,
            extensions,
            external_ids: None,
            status: "ENABLED".to_owned(),
            meta: Meta::new(now),
            memberships: BTreeMap::new(),
        };
        let id = self.insert_user(user)?;
        Ok(self.user_written(&id))
    }

    /// Takes in a user whose members have the right shapes.
    pub(super) fn insert_user(&mut self, user: User) -> Result<String, Failure> {
        check_required(&user.members)?;
        self.check_unique(None, &user.members)?;
        if self.users.len() >= MOST_USERS {
            return Err(Failure::QuotaExceeded);
        }
        let id = self.new_id();
        self.take_names(&id, &user.members);
        self.users.insert(id.clone(), user);
        Ok(id)
    }

    /// Puts a user in the place of what stood there, with the unique values.
    pub(super) fn replace_user(&mut self, id: &str, user: User) -> Result<(), Failure> {
        check_required(&user.members)?;
        self.check_unique(Some(id), &user.members)?;
        self.free_names(id);
        self.take_names(id, &user.members);
        self.users.insert(id.to_owned(), user);
        Ok(())
    }

    pub(super) fn user_written(&self, id: &str) -> Value {
        let revision = self.users.get(id).map_or(0, |user| user.meta.revision);
        json!({
            "IdentityStoreId": self.id,
            "UserId": id,
            "UserArn": Self::arn("user", id),
            "Revision": revision.to_string(),
        })
    }

    pub(super) fn describe_user(&self, request: &Request) -> Result<Value, Failure> {
        let extended = wants_extensions(request)?;
        let (id, user) = self.user(request)?;
        Ok(self.show_user(&id, user, extended))
    }

    pub(super) fn delete_user(&mut self, request: &Request) -> Result<Value, Failure> {
        let (id, user) = self.user(request)?;
        request.check_revision(user.meta.revision)?;
        for (group, membership) in user.memberships.clone() {
            self.memberships.remove(&membership);
            if let Some(group) = self.groups.get_mut(&group) {
                group.memberships.remove(&id);
            }
        }
        self.free_names(&id);
        self.users.remove(&id);
        Ok(json!({}))
    }

    pub(super) fn list_users(&self, request: &Request) -> Result<Value, Failure> {
        let extended = wants_extensions(request)?;
        let filter = filter(request, "UserName")?;
        let start = paging::start(request, "Users")?;
        let shown = |(id, user): (&String, &User)| (id.clone(), self.show_user(id, user, extended));
        match filter {
            Some(name) => {
                let id = self.user_names.get(&name.to_lowercase());
                let found = id.and_then(|id| self.users.get_key_value(id));
                paging::page(request, "Users", found.into_iter().map(shown))
            }
            None => {
                let users = self.users.range((Bound::Excluded(start), Bound::Unbounded));
                paging::page(request, "Users", users.map(shown))
            }
        }
    }

    pub(super) fn user_id(&self, request: &Request) -> Result<Value, Failure> {
        let found = match alternate(request)? {
            Alternate::ExternalId(wanted) => {
                let holds = |user: &User| external_id(user.external_ids.as_ref(), wanted);
                self.users.iter().find(|(_, user)| holds(user)).map(|(id, _)| id)
            }
            Alternate::Unique("userName", value) => self.user_names.get(&value.to_lowercase()),
            Alternate::Unique("emails.value", value) => self.emails.get(&value.to_lowercase()),
            Alternate::Unique(..) => return Err(no_unique_path("userName or emails.value")),
        };
        let id = found.ok_or(Failure::NotFound { kind: ResourceType::User, id: None })?;
        Ok(json!({"IdentityStoreId": self.id, "UserId": id, "UserArn": Self::arn("user", id)}))
    }

    pub(super) fn show_user(&self, id: &str, user: &User, extended: bool) -> Value {
        let mut body = user.members.clone();
        body.insert("IdentityStoreId".to_owned(), json!(self.id));
        body.insert("UserId".to_owned(), json!(id));
        body.insert("UserArn".to_owned(), json!(Self::arn("user", id)));
        body.insert("Revision".to_owned(), json!(user.meta.revision.to_string()));
        body.insert("UserStatus".to_owned(), json!(user.status));
        if let Some(external_ids) = &user.external_ids {
            body.insert("ExternalIds".to_owned(), external_ids.clone());
        }
        if extended && !user.extensions.is_empty() {
            body.insert("Extensions".to_owned(), json!({EXTENSION: user.extensions}));
        }
        user.meta.show(&mut body);
        Value::Object(body)
    }

    fn check_unique(&self, own: Option<&str>, members: &Map<String, Value>) -> Result<(), Failure> {
        let (name, email) = unique_values(members);
        let taken = |index: &BTreeMap<String, String>, value: &Option<String>| {
            let owner = value.as_ref().and_then(|value| index.get(value));
            owner.is_some_and(|owner| Some(owner.as_str()) != own)
        };
        if taken(&self.user_names, &name) {
            return Err(Failure::taken("Duplicate UserName"));
        }
        if taken(&self.emails, &email) {
            return Err(Failure::taken("Duplicate Email"));
        }
        Ok(())
    }

    fn free_names(&mut self, id: &str) {
        let Some(user) = self.users.get(id) else { return };
        let (name, email) = unique_values(&user.members);
        self.user_names.remove(&name.unwrap_or_default());
        self.emails.remove(&email.unwrap_or_default());
    }

    fn take_names(&mut self, id: &str, members: &Map<String, Value>) {
        let (name, email) = unique_values(members);
        self.user_names.extend(name.map(|name| (name, id.to_owned())));
        self.emails.extend(email.map(|email| (email, id.to_owned())));
    }
}

/// How an object is asked for otherwise than by its id.
pub(super) enum Alternate<'a> {
    ExternalId(&'a Value),
    Unique(&'a str, &'a str),
}

pub(super) fn alternate(request: &Request) -> Result<Alternate<'_>, Failure> {
    let union = request.get("AlternateIdentifier").unwrap_or(&Value::Null);
    if let Some(external_id) = union.get("ExternalId") {
        return Ok(Alternate::ExternalId(external_id));
    }
    let unique = &union["UniqueAttribute"];
    match (unique["AttributePath"].as_str(), unique["AttributeValue"].as_str()) {
        (Some(path), Some(value)) if !value.is_empty() => Ok(Alternate::Unique(path, value)),
        _ => Err(Failure::invalid(
            "alternateIdentifier.uniqueAttribute",
            "Member must have a text as its value",
        )),
    }
}

pub(super) fn no_unique_path(known: &str) -> Failure {
    Failure::invalid("alternateIdentifier.uniqueAttribute.attributePath", &format!("Member must be {known}"))
}

pub(super) fn external_id(held: Option<&Value>, wanted: &Value) -> bool {
    held.and_then(Value::as_array).is_some_and(|ids| ids.contains(wanted))
}

/// What the one filter that a list takes wants.
pub(super) fn filter<'a>(request: &'a Request, path: &str) -> Result<Option<&'a str>, Failure> {
    match request.list("Filters") {
        [] => Ok(None),
        [filter] if filter["AttributePath"] == path => Ok(filter["AttributeValue"].as_str()),
        _ => Err(Failure::invalid("filters", &format!("Member must be one filter of {path}"))),
    }
}

pub(super) fn checked_extensions(value: &Value, rules: &mut Vec<String>) -> Map<String, Value> {
    match value.as_object() {
        Some(map) if map.len() == 1 && map.contains_key(EXTENSION) => {
            shape::check_structure(EXTENSION, ENTERPRISE, &[], &map[EXTENSION], rules);
            map[EXTENSION].as_object().cloned().unwrap_or_default()
        }
        _ => {
            rules.push(broken("extensions", &format!("Member must be a map with the key {EXTENSION}")));
            Map::new()
        }
    }
}

fn wants_extensions(request: &Request) -> Result<bool, Failure> {
    match request.get("Extensions") {
        None => Ok(false),
        Some(names) if *names == json!([EXTENSION]) => Ok(true),
        Some(_) => Err(Failure::invalid("extensions", &format!("Member must be [{EXTENSION}]"))),
    }
}

/// What Identity Center requires beyond the model: names, a display name and a user name.
fn check_required(members: &Map<String, Value>) -> Result<(), Failure> {
    let name = |part: &str| members.get("Name").and_then(|name| name.get(part)).is_some();
    let missing: Vec<String> = [
        ("userName", members.contains_key("UserName")),
        ("displayName", members.contains_key("DisplayName")),
        ("name.givenName", name("GivenName")),
        ("name.familyName", name("FamilyName")),
    ]
    .into_iter()
    .filter(|(_, present)| !present)
    .map(|(path, _)| broken(path, "The attribute is required"))
    .collect();
    if !missing.is_empty() {
        return Err(Failure::broken(&missing));
    }
    let name = members.get("UserName").and_then(Value::as_str).unwrap_or_default();
    if ["administrator", "awsadministrators"].contains(&name.to_lowercase().as_str()) {
        return Err(Failure::invalid("userName", "The user name is reserved"));
    }
    Ok(())
}

fn unique_values(members: &Map<String, Value>) -> (Option<String>, Option<String>) {
    let lower = |value: Option<&Value>| Some(value?.as_str()?.to_lowercase());
    let email = members.get("Emails").and_then(|emails| emails.get(0)?.get("Value"));
    (lower(members.get("UserName")), lower(email))
}
