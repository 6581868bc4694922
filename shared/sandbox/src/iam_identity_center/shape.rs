//! The shapes of a user's and a group's members (API model), and whether a value has one.

use super::answer::broken;
use super::text::{is_text, is_visible};
use serde_json::{Map, Value};

/// The shape of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// 1 to 128 visible characters.
    UserName,
    /// 1 to 1,024 characters of text.
    Text,
    /// True or false.
    Flag,
    /// These members, none of them required.
    Structure(&'static [(&'static str, Shape)]),
    /// One to so many structures.
    List(usize, &'static [(&'static str, Shape)]),
}

const VALUE: &[(&str, Shape)] = &[("Value", Shape::Text), ("Type", Shape::Text), ("Primary", Shape::Flag)];

const NAME: &[(&str, Shape)] = &[
    ("Formatted", Shape::Text),
    ("FamilyName", Shape::Text),
    ("GivenName", Shape::Text),
    ("MiddleName", Shape::Text),
    ("HonorificPrefix", Shape::Text),
    ("HonorificSuffix", Shape::Text),
];

const ADDRESS: &[(&str, Shape)] = &[
    ("StreetAddress", Shape::Text),
    ("Locality", Shape::Text),
    ("Region", Shape::Text),
    ("PostalCode", Shape::Text),
    ("Country", Shape::Text),
    ("Formatted", Shape::Text),
    ("Type", Shape::Text),
    ("Primary", Shape::Flag),
];

const PHOTO: &[(&str, Shape)] =
    &[("Value", Shape::Text), ("Type", Shape::Text), ("Display", Shape::Text), ("Primary", Shape::Flag)];

/// The members of a user that can be written.
pub(super) const USER: &[(&str, Shape)] = &[
    ("UserName", Shape::UserName),
    ("Name", Shape::Structure(NAME)),
    ("DisplayName", Shape::Text),
    ("NickName", Shape::Text),
    ("ProfileUrl", Shape::Text),
    ("Emails", Shape::List(1, VALUE)),
    ("Addresses", Shape::List(1, ADDRESS)),
    ("PhoneNumbers", Shape::List(1, VALUE)),
    ("UserType", Shape::Text),
    ("Title", Shape::Text),
    ("PreferredLanguage", Shape::Text),
    ("Locale", Shape::Text),
    ("Timezone", Shape::Text),
    ("Photos", Shape::List(3, PHOTO)),
    ("Website", Shape::Text),
    ("Birthdate", Shape::Text),
    ("Roles", Shape::List(1, VALUE)),
];

/// The members of a group that can be written.
pub(super) const GROUP: &[(&str, Shape)] = &[("DisplayName", Shape::Text), ("Description", Shape::Text)];

/// The members of the enterprise extension; documents are written in lower camel case.
pub(super) const ENTERPRISE: &[(&str, Shape)] = &[
    ("employeeNumber", Shape::Text),
    ("costCenter", Shape::Text),
    ("organization", Shape::Text),
    ("division", Shape::Text),
    ("department", Shape::Text),
    ("manager", Shape::Structure(MANAGER)),
];

const MANAGER: &[(&str, Shape)] = &[("value", Shape::Text), ("displayName", Shape::Text)];

/// The shape of a member.
pub(super) fn member(members: &[(&str, Shape)], name: &str) -> Option<Shape> {
    members.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape)
}

/// Every rule that the value breaks.
pub(super) fn check(path: &str, shape: Shape, value: &Value, rules: &mut Vec<String>) {
    match shape {
        Shape::UserName => check_text(path, value, 128, is_visible, rules),
        Shape::Text => check_text(path, value, 1_024, is_text, rules),
        Shape::Flag if !value.is_boolean() => rules.push(broken(path, "Member must be a boolean")),
        Shape::Flag => {}
        Shape::Structure(members) => check_structure(path, members, value, rules),
        Shape::List(most, members) => match value.as_array() {
            Some(items) if (1..=most).contains(&items.len()) => {
                items.iter().for_each(|item| check_structure(path, members, item, rules));
            }
            _ => rules.push(broken(path, &format!("Member must be a list of 1 to {most}"))),
        },
    }
}

/// Checks a structure. Members that it does not have are refused: the real service ignores them in
/// requests, which hides mistakes.
pub(super) fn check_structure(path: &str, members: &[(&str, Shape)], value: &Value, rules: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        rules.push(broken(path, "Member must be a structure"));
        return;
    };
    for (name, value) in object {
        let path = format!("{path}.{name}");
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

fn check_text(path: &str, value: &Value, longest: usize, legal: fn(char) -> bool, rules: &mut Vec<String>) {
    let Some(text) = value.as_str() else {
        rules.push(broken(path, "Member must be a string"));
        return;
    };
    if text.is_empty() {
        rules.push(broken(path, "Member must have length greater than or equal to 1"));
    } else if text.chars().count() > longest {
        rules.push(broken(path, &format!("Member must have length less than or equal to {longest}")));
    } else if !text.chars().all(legal) {
        rules.push(broken(path, "Member must satisfy regular expression pattern"));
    }
}
