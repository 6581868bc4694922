//! The shapes of members of requests (API models), and whether a value has one.

use super::answer::broken;
use super::text::{self, is_text, is_visible};
use serde_json::{Map, Value};

/// Pages have at most, and by default, this many items.
pub(super) const LARGEST_PAGE: u64 = 100;
/// Extensions of one user.
const MOST_EXTENSIONS: usize = 10;

/// The name of a member, and its shape.
pub(super) type Member = (&'static str, Shape);

/// The shape of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// 1 to 128 visible characters.
    UserName,
    /// 1 to 256 visible characters: a part of an external id.
    ExternalIdPart,
    /// 1 to 1,024 characters of text.
    Text,
    /// True or false.
    Flag,
    /// The id or ARN of an identity store.
    StoreId,
    /// The id or ARN of a user, group or membership.
    ResourceId,
    /// 1 to 64 digits.
    Revision,
    /// 1 to 100.
    PageSize,
    /// 1 to 65,535 characters of base64, colons, hyphens or underscores.
    PageToken,
    /// The ARN of an instance of Identity Center.
    InstanceArn,
    /// The ARN of a permission set.
    PermissionSetArn,
    /// Twelve digits.
    AccountId,
    /// The id of a user or group, never an ARN.
    PrincipalId,
    /// A UUID in lower case.
    RequestId,
    /// 0 to 2,048 characters of base64.
    AdminPageToken,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `name.familyName` or `aws:identitystore:enterprise.department`, for example.
    AttributePath,
    /// `aws:identitystore:` and 1 to 20 letters.
    ExtensionName,
    /// Any JSON value but null: what is not there is left out.
    Document,
    /// One to ten extensions by their names, each a document.
    Extensions,
    /// These members, none of them required.
    Structure(&'static [Member]),
    /// These members, of which those are required.
    Record(&'static [Member], &'static [&'static str]),
    /// Exactly one of these members.
    Union(&'static [Member]),
    /// At least and at most so many items.
    List(usize, usize, &'static Shape),
}

const VALUE: &[Member] = &[("Value", Shape::Text), ("Type", Shape::Text), ("Primary", Shape::Flag)];

const NAME: &[Member] = &[
    ("Formatted", Shape::Text),
    ("FamilyName", Shape::Text),
    ("GivenName", Shape::Text),
    ("MiddleName", Shape::Text),
    ("HonorificPrefix", Shape::Text),
    ("HonorificSuffix", Shape::Text),
];

const ADDRESS: &[Member] = &[
    ("StreetAddress", Shape::Text),
    ("Locality", Shape::Text),
    ("Region", Shape::Text),
    ("PostalCode", Shape::Text),
    ("Country", Shape::Text),
    ("Formatted", Shape::Text),
    ("Type", Shape::Text),
    ("Primary", Shape::Flag),
];

const PHOTO: &[Member] =
    &[("Value", Shape::Text), ("Type", Shape::Text), ("Display", Shape::Text), ("Primary", Shape::Flag)];

/// The members of a user that can be written.
pub(super) const USER: &[Member] = &[
    ("UserName", Shape::UserName),
    ("Name", Shape::Structure(NAME)),
    ("DisplayName", Shape::Text),
    ("NickName", Shape::Text),
    ("ProfileUrl", Shape::Text),
    ("Emails", Shape::List(1, 1, &Shape::Structure(VALUE))),
    ("Addresses", Shape::List(1, 1, &Shape::Structure(ADDRESS))),
    ("PhoneNumbers", Shape::List(1, 1, &Shape::Structure(VALUE))),
    ("UserType", Shape::Text),
    ("Title", Shape::Text),
    ("PreferredLanguage", Shape::Text),
    ("Locale", Shape::Text),
    ("Timezone", Shape::Text),
    ("Photos", Shape::List(1, 3, &Shape::Record(PHOTO, &["Value"]))),
    ("Website", Shape::Text),
    ("Birthdate", Shape::Text),
    ("Roles", Shape::List(1, 1, &Shape::Structure(VALUE))),
];

/// The members of a group that can be written.
pub(super) const GROUP: &[Member] = &[("DisplayName", Shape::Text), ("Description", Shape::Text)];

/// The members of the enterprise extension; documents are written in lower camel case.
pub(super) const ENTERPRISE: &[Member] = &[
    ("employeeNumber", Shape::Text),
    ("costCenter", Shape::Text),
    ("organization", Shape::Text),
    ("division", Shape::Text),
    ("department", Shape::Text),
    ("manager", Shape::Structure(MANAGER)),
];

const MANAGER: &[Member] = &[("value", Shape::Text), ("displayName", Shape::Text)];

/// The shape of a member.
pub(super) fn member(members: &[Member], name: &str) -> Option<Shape> {
    members.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape)
}

/// Every rule that the value breaks.
pub(super) fn check(path: &str, shape: Shape, value: &Value, rules: &mut Vec<String>) {
    match shape {
        Shape::Flag if !value.is_boolean() => rules.push(broken(path, "Member must be a boolean")),
        Shape::Document if value.is_null() => rules.push(broken(path, "Member must not be null")),
        Shape::Flag | Shape::Document => {}
        Shape::PageSize if !value.as_u64().is_some_and(|size| (1..=LARGEST_PAGE).contains(&size)) => {
            rules.push(broken(path, "Member must be between 1 and 100"));
        }
        Shape::PageSize => {}
        Shape::Extensions => check_extensions(path, value, rules),
        Shape::Structure(members) => check_structure(path, members, &[], value, rules),
        Shape::Record(members, required) => check_structure(path, members, required, value, rules),
        Shape::Union(members) => check_union(path, members, value, rules),
        Shape::Word(words) if !value.as_str().is_some_and(|word| words.contains(&word)) => {
            rules.push(broken(path, &format!("Member must satisfy enum value set: {words:?}")));
        }
        Shape::Word(_) => {}
        Shape::AdminPageToken if value.as_str() == Some("") => {}
        Shape::List(least, most, item) => check_list(path, (least, most), *item, value, rules),
        _ => check_text(path, shape, value, rules),
    }
}

/// Checks a structure. Members that it does not have are refused: the real service ignores them in
/// requests, which hides mistakes.
pub(super) fn check_structure(
    path: &str,
    members: &[Member],
    required: &[&str],
    value: &Value,
    rules: &mut Vec<String>,
) {
    let Some(object) = value.as_object() else {
        rules.push(broken(path, "Member must be a structure"));
        return;
    };
    let missing = required.iter().filter(|name| !object.contains_key(**name));
    rules.extend(missing.map(|name| broken(&joined(path, name), "Member must not be null")));
    for (name, value) in object {
        let path = joined(path, name);
        match member(members, name) {
            Some(shape) => check(&path, shape, value, rules),
            None => rules.push(broken(&path, "Member is unknown")),
        }
    }
}

/// `familyName` as `FamilyName`: documents and paths are in lower camel case, members are not.
pub(super) fn capitalised(name: &str) -> Option<String> {
    let mut letters = name.chars();
    let first = letters.next().filter(char::is_ascii_lowercase)?;
    Some(first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// A document with its members' names as the API's structures have them; `None` if one is not in lower
/// camel case.
pub(super) fn from_document(document: &Value) -> Option<Value> {
    match document {
        Value::Object(members) => {
            let members: Option<Map<String, Value>> = members
                .iter()
                .map(|(name, value)| Some((capitalised(name)?, from_document(value)?)))
                .collect();
            members.map(Value::Object)
        }
        Value::Array(items) => {
            items.iter().map(from_document).collect::<Option<Vec<Value>>>().map(Value::Array)
        }
        other => Some(other.clone()),
    }
}

fn check_union(path: &str, members: &[Member], value: &Value, rules: &mut Vec<String>) {
    match value.as_object() {
        Some(object) if object.len() == 1 => check_structure(path, members, &[], value, rules),
        _ => rules.push(broken(path, "Member must have exactly one member")),
    }
}

fn check_list(
    path: &str,
    (least, most): (usize, usize),
    item: Shape,
    value: &Value,
    rules: &mut Vec<String>,
) {
    match value.as_array() {
        Some(items) if (least..=most).contains(&items.len()) => {
            items.iter().for_each(|value| check(path, item, value, rules));
        }
        _ => rules.push(broken(path, &format!("Member must be a list of {least} to {most}"))),
    }
}

fn check_extensions(path: &str, value: &Value, rules: &mut Vec<String>) {
    match value.as_object() {
        Some(map) if (1..=MOST_EXTENSIONS).contains(&map.len()) => {
            for (name, document) in map {
                check_text(path, Shape::ExtensionName, &Value::from(name.as_str()), rules);
                check(path, Shape::Document, document, rules);
            }
        }
        _ => rules.push(broken(path, "Member must be a map of 1 to 10")),
    }
}

fn check_text(path: &str, shape: Shape, value: &Value, rules: &mut Vec<String>) {
    let Some(text) = value.as_str() else {
        rules.push(broken(path, "Member must be a string"));
        return;
    };
    let (longest, legal): (usize, fn(&str) -> bool) = match shape {
        Shape::UserName => (128, |text| text.chars().all(is_visible)),
        Shape::ExternalIdPart => (256, |text| text.chars().all(is_visible)),
        Shape::StoreId => (93, text::is_store_id),
        Shape::ResourceId => (100, text::is_resource_id),
        Shape::InstanceArn => (1_224, text::is_instance_arn),
        Shape::PermissionSetArn => (1_224, text::is_permission_set_arn),
        Shape::AccountId => (12, |text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())),
        Shape::PrincipalId => (47, |text| !text.starts_with("arn:") && text::is_resource_id(text)),
        Shape::RequestId => (36, |text| text::is_uuid(text) && text == text.to_ascii_lowercase()),
        Shape::AdminPageToken => (2_048, |text| text::is_page_token(text) && !text.contains(':')),
        Shape::Revision => (64, |text| text.bytes().all(|byte| byte.is_ascii_digit())),
        Shape::PageToken => (65_535, text::is_page_token),
        Shape::AttributePath => (255, text::is_attribute_path),
        Shape::ExtensionName => (50, text::is_extension_name),
        _ => (1_024, |text| text.chars().all(is_text)),
    };
    if text.is_empty() {
        rules.push(broken(path, "Member must have length greater than or equal to 1"));
    } else if text.chars().count() > longest {
        rules.push(broken(path, &format!("Member must have length less than or equal to {longest}")));
    } else if !legal(text) {
        rules.push(broken(path, "Member must satisfy regular expression pattern"));
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
