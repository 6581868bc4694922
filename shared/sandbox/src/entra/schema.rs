//! The properties of users and groups: what may be written, what is shown unasked, what exists at all
//! (Graph v1.0's metadata, as far as this product touches it).

use super::answer::GraphError;
use super::directory::Kind;
use super::query::Literal;
use serde_json::{Map, Value, json};

/// The JSON types of properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Flag,
    Texts,
    Object,
}

struct Property {
    name: &'static str,
    kind: Type,
    /// Shown without `$select`.
    shown: bool,
    /// Clients may write it.
    writable: bool,
}

const fn property(name: &'static str, kind: Type, shown: bool, writable: bool) -> Property {
    Property { name, kind, shown, writable }
}

const USER: &[Property] = &[
    property("id", Type::Text, true, false),
    property("businessPhones", Type::Texts, true, true),
    property("displayName", Type::Text, true, true),
    property("givenName", Type::Text, true, true),
    property("jobTitle", Type::Text, true, true),
    property("mail", Type::Text, true, true),
    property("mobilePhone", Type::Text, true, true),
    property("officeLocation", Type::Text, true, true),
    property("preferredLanguage", Type::Text, true, true),
    property("surname", Type::Text, true, true),
    property("userPrincipalName", Type::Text, true, true),
    property("accountEnabled", Type::Flag, false, true),
    property("userType", Type::Text, false, true),
    property("mailNickname", Type::Text, false, true),
    property("passwordProfile", Type::Object, false, true),
    property("passwordPolicies", Type::Text, false, true),
    property("employeeId", Type::Text, false, true),
    property("employeeType", Type::Text, false, true),
    property("employeeOrgData", Type::Object, false, true),
    property("companyName", Type::Text, false, true),
    property("department", Type::Text, false, true),
    property("streetAddress", Type::Text, false, true),
    property("city", Type::Text, false, true),
    property("state", Type::Text, false, true),
    property("postalCode", Type::Text, false, true),
    property("country", Type::Text, false, true),
    property("usageLocation", Type::Text, false, true),
    property("otherMails", Type::Texts, false, true),
    property("onPremisesExtensionAttributes", Type::Object, false, true),
    property("onPremisesImmutableId", Type::Text, false, true),
    property("onPremisesSyncEnabled", Type::Flag, false, false),
    property("externalUserState", Type::Text, false, false),
    property("createdDateTime", Type::Text, false, false),
    property("deletedDateTime", Type::Text, false, false),
];

const GROUP: &[Property] = &[
    property("id", Type::Text, true, false),
    property("deletedDateTime", Type::Text, true, false),
    property("createdDateTime", Type::Text, true, false),
    property("description", Type::Text, true, true),
    property("displayName", Type::Text, true, true),
    property("groupTypes", Type::Texts, true, true),
    property("mail", Type::Text, true, false),
    property("mailEnabled", Type::Flag, true, true),
    property("mailNickname", Type::Text, true, true),
    property("securityEnabled", Type::Flag, true, true),
    property("visibility", Type::Text, true, true),
];

/// The longest text of a name (Graph: displayName of a user or group has at most 256 characters).
const LONGEST_NAME: usize = 256;
/// The longest part of a userPrincipalName before and after the `@` (Entra: 64 and 48).
const LONGEST_UPN: (usize, usize) = (64, 48);

fn properties(kind: Kind) -> &'static [Property] {
    match kind {
        Kind::User => USER,
        Kind::Group => GROUP,
    }
}

/// True if objects of this kind have a property of this name.
pub fn exists(kind: Kind, name: &str) -> bool {
    properties(kind).iter().any(|property| property.name == name)
}

/// The object as Graph shows it: the selected properties, or those that are shown unasked.
pub fn shown(kind: Kind, object: &Map<String, Value>, select: Option<&[String]>) -> Map<String, Value> {
    let wanted = |property: &&Property| match select {
        Some(names) => names.iter().any(|name| name == property.name),
        None => property.shown,
    };
    let show = |property: &Property| {
        let value = object.get(property.name).cloned().unwrap_or_else(|| empty(property));
        (property.name.to_owned(), value)
    };
    let mut shown: Map<String, Value> = properties(kind).iter().filter(wanted).map(show).collect();
    shown.remove("passwordProfile");
    shown
}

/// Refuses names in `$select` that the type does not have.
pub fn check_select(kind: Kind, select: Option<&[String]>) -> Result<(), GraphError> {
    match select.unwrap_or_default().iter().find(|name| !exists(kind, name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("Could not find a property named '{name}' on type '{}'.", kind.type_name());
            Err(GraphError::bad_request(message))
        }
    }
}

/// Refuses names in `$select` that neither a user nor a group has.
pub fn check_select_of_any(select: Option<&[String]>) -> Result<(), GraphError> {
    let unknown = |name: &&String| !exists(Kind::User, name) && !exists(Kind::Group, name);
    match select.unwrap_or_default().iter().find(unknown) {
        None => Ok(()),
        Some(name) => Err(GraphError::bad_request(format!(
            "Could not find a property named '{name}' on type 'microsoft.graph.directoryObject'."
        ))),
    }
}

/// Refuses a group that is neither a security group nor a Microsoft 365 group: Graph makes no others.
pub fn check_group(properties: &Map<String, Value>) -> Result<(), GraphError> {
    let flag = |name: &str| properties.get(name).and_then(Value::as_bool).unwrap_or(false);
    let types = properties.get("groupTypes").and_then(Value::as_array);
    let unified = types.is_some_and(|types| types.iter().any(|name| name == "Unified"));
    if flag("mailEnabled") != unified || !(unified || flag("securityEnabled")) {
        return Err(GraphError::bad_request(
            "The service does not currently support writes of mail-enabled groups. Please ensure that the \
             mail-enablement property is unset and the security-enablement property is set.",
        ));
    }
    Ok(())
}

/// True if the object's property equals the value of a filter.
pub fn equals(object: &Map<String, Value>, name: &str, wanted: &Literal) -> bool {
    match (object.get(name), wanted) {
        (Some(Value::String(value)), Literal::Text(text)) => value.eq_ignore_ascii_case(text),
        (Some(Value::Bool(value)), Literal::Bare(text)) => *text == value.to_string(),
        (None | Some(Value::Null), Literal::Bare(text)) => text == "null",
        _ => false,
    }
}

/// Checks what a client wants to write, and answers it as plain properties.
pub fn checked(kind: Kind, body: &Value) -> Result<Map<String, Value>, GraphError> {
    let body =
        body.as_object().ok_or_else(|| GraphError::bad_request("Write requests must contain an object."))?;
    for (name, value) in body.iter().filter(|(name, _)| !name.starts_with("@odata.")) {
        let known = properties(kind).iter().find(|property| property.name == name);
        let known = known.ok_or_else(|| {
            let type_name = kind.type_name();
            GraphError::bad_request(format!("The property '{name}' does not exist on type '{type_name}'."))
        })?;
        if !known.writable {
            return Err(GraphError::bad_request(format!(
                "Property '{name}' is read-only and cannot be set."
            )));
        }
        if !fits(known, value) {
            return Err(invalid_value(name));
        }
    }
    Ok(body
        .iter()
        .filter(|(name, _)| !name.starts_with("@odata."))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect())
}

/// Refuses a creation without what Graph requires.
pub fn check_required(kind: Kind, properties: &Map<String, Value>) -> Result<(), GraphError> {
    let required: &[&str] = match kind {
        Kind::User => {
            &["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"]
        }
        Kind::Group => &["displayName", "mailEnabled", "mailNickname", "securityEnabled"],
    };
    let missing = |name: &&&str| properties.get(**name).is_none_or(Value::is_null);
    match required.iter().find(missing) {
        None => Ok(()),
        Some(name) => Err(GraphError::bad_request(format!(
            "A value is required for property '{name}' of resource '{}'.",
            kind.resource_name()
        ))),
    }
}

fn fits(property: &Property, value: &Value) -> bool {
    if value.is_null() {
        return !matches!(property.name, "displayName" | "userPrincipalName" | "accountEnabled");
    }
    match property.kind {
        Type::Flag => value.is_boolean(),
        Type::Object => value.is_object(),
        Type::Texts => value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string)),
        Type::Text => value.as_str().is_some_and(|text| text_fits(property.name, text)),
    }
}

fn text_fits(name: &str, text: &str) -> bool {
    // Graph refuses empty strings: an attribute is removed with null.
    if text.is_empty() {
        return false;
    }
    match name {
        "userPrincipalName" => text.split_once('@').is_some_and(|(alias, domain)| {
            let legal = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~$+&".contains(c);
            (1..=LONGEST_UPN.0).contains(&alias.len())
                && (1..=LONGEST_UPN.1).contains(&domain.len())
                && alias.chars().all(legal)
                && domain.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
        }),
        "displayName" => text.chars().count() <= LONGEST_NAME,
        "mailNickname" | "givenName" | "surname" => text.chars().count() <= 64,
        "userType" => matches!(text, "Member" | "Guest"),
        _ => true,
    }
}

fn empty(property: &Property) -> Value {
    if property.kind == Type::Texts { json!([]) } else { Value::Null }
}

fn invalid_value(name: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid value specified for property '{name}' of resource."))
}
