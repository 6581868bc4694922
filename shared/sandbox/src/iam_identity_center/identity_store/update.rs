//! UpdateUser and UpdateGroup: operations on attribute paths, all of them or none (API reference,
//! AttributeOperation).

use super::IdentityStore;
use super::request::Request;
use super::users::EXTENSION;
use crate::iam_identity_center::answer::Failure;
use crate::iam_identity_center::shape::{
    self, ENTERPRISE, GROUP, Member, Shape, USER, capitalised, from_document,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One operation; without a value it removes.
struct Operation<'a> {
    path: &'a str,
    value: Option<&'a Value>,
}

impl IdentityStore {
    pub(super) fn update_user(&mut self, now: Timestamp, request: &Request) -> Result<Value, Failure> {
        let operations = operations(request)?;
        let (id, user) = self.user(request)?;
        request.check_revision(user.meta.revision)?;
        let mut user = user.clone();
        for operation in &operations {
            match operation.path.strip_prefix(EXTENSION) {
                Some(rest) => extend(&mut user.extensions, rest, operation)?,
                None => apply(&mut user.members, USER, operation)?,
            }
        }
        user.meta.touch(now);
        self.replace_user(&id, user)?;
        Ok(self.user_written(&id))
    }

    pub(super) fn update_group(&mut self, now: Timestamp, request: &Request) -> Result<Value, Failure> {
        let operations = operations(request)?;
        let (id, group) = self.group(request)?;
        request.check_revision(group.meta.revision)?;
        let mut group = group.clone();
        for operation in &operations {
            apply(&mut group.members, GROUP, operation)?;
        }
        group.meta.touch(now);
        self.replace_group(&id, group)?;
        Ok(self.group_written(&id))
    }
}

fn operations(request: &Request) -> Result<Vec<Operation<'_>>, Failure> {
    let mut paths = BTreeSet::new();
    request
        .list("Operations")
        .iter()
        .map(|operation| {
            let path = operation["AttributePath"].as_str().unwrap_or_default();
            if !paths.insert(path) {
                return Err(Failure::invalid("operations", "Every path can be named once"));
            }
            Ok(Operation { path, value: operation.get("AttributeValue") })
        })
        .collect()
}

/// Changes a member, or a part of a structure such as `name.familyName`.
fn apply(
    members: &mut Map<String, Value>,
    known: &[Member],
    operation: &Operation<'_>,
) -> Result<(), Failure> {
    let unknown = || Failure::invalid("operations.attributePath", "Member must be a known path");
    let mut parts = operation.path.split('.');
    let first = parts.next().and_then(capitalised).ok_or_else(unknown)?;
    let shape = shape::member(known, &first).ok_or_else(unknown)?;
    match (parts.next(), parts.next()) {
        (None, _) => set(members, &first, shape, operation),
        (Some(part), None) => {
            let Shape::Structure(inner) = shape else { return Err(unknown()) };
            let part = capitalised(part).ok_or_else(unknown)?;
            let shape = shape::member(inner, &part).ok_or_else(unknown)?;
            let structure = members.entry(first).or_insert_with(|| json!({}));
            let structure = structure.as_object_mut().ok_or_else(unknown)?;
            set(structure, &part, shape, operation)
        }
        (Some(_), Some(_)) => Err(unknown()),
    }
}

/// Changes the whole extension, or one of its members.
fn extend(extensions: &mut Map<String, Value>, rest: &str, operation: &Operation<'_>) -> Result<(), Failure> {
    let unknown = || Failure::invalid("operations.attributePath", "Member must be a known path");
    if rest.is_empty() {
        let mut rules = Vec::new();
        let whole = operation.value.cloned().unwrap_or_else(|| json!({}));
        shape::check_structure(EXTENSION, ENTERPRISE, &[], &whole, &mut rules);
        if !rules.is_empty() {
            return Err(Failure::broken(&rules));
        }
        *extensions = whole.as_object().cloned().unwrap_or_default();
        return Ok(());
    }
    let name = rest.strip_prefix('.').ok_or_else(unknown)?;
    let shape = shape::member(ENTERPRISE, name).ok_or_else(unknown)?;
    match operation.value {
        None => {
            extensions.remove(name);
        }
        Some(value) => {
            check(operation.path, shape, value)?;
            extensions.insert(name.to_owned(), value.clone());
        }
    }
    Ok(())
}

/// Documents name their members in lower camel case.
fn set(
    members: &mut Map<String, Value>,
    name: &str,
    shape: Shape,
    operation: &Operation<'_>,
) -> Result<(), Failure> {
    match operation.value {
        None => {
            members.remove(name);
        }
        Some(document) => {
            let value = from_document(document).ok_or_else(|| {
                Failure::invalid(operation.path, "Members of documents are in lower camel case")
            })?;
            check(operation.path, shape, &value)?;
            members.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

fn check(path: &str, shape: Shape, value: &Value) -> Result<(), Failure> {
    let mut rules = Vec::new();
    shape::check(path, shape, value, &mut rules);
    if rules.is_empty() { Ok(()) } else { Err(Failure::broken(&rules)) }
}
