//! What of an application or servicePrincipal may be written, and how it is selected and filtered.

use crate::entra::answer::{GraphAnswer, GraphError};
use crate::entra::query::{GraphRequest, Literal, equalities, is_guid};
use serde_json::{Map, Value, json};

/// The longest displayName.
const LONGEST_NAME: usize = 256;
/// The longest redirect URI.
const LONGEST_URI: usize = 256;
/// Addresses that are told of an expiring certificate (serviceprincipal resource).
const MOST_ADDRESSES: usize = 5;
/// The filter over a list of texts (application resource: identifierUris supports `$filter`).
const ANY_IDENTIFIER: &str = "identifierUris/any(u:u";

/// A property that can be written, and whether a value is one that it may have.
pub(super) type Writable = (&'static str, fn(&Value) -> bool);

/// Checks the properties that a client writes: each must be known and of its kind. `what` names the type.
pub(super) fn checked(
    body: &Value,
    known: &[Writable],
    what: &str,
) -> Result<Map<String, Value>, GraphError> {
    let body =
        body.as_object().ok_or_else(|| GraphError::bad_request("Write requests must contain an object."))?;
    let mut written = Map::new();
    for (name, value) in body.iter().filter(|(name, _)| !name.starts_with("@odata.")) {
        let Some((_, fits)) = known.iter().find(|(known, _)| known == name) else {
            return Err(GraphError::bad_request(format!(
                "Property '{name}' does not exist on type 'microsoft.graph.{what}', or is read-only and cannot be set."
            )));
        };
        if !fits(value) {
            return Err(invalid(name, what));
        }
        written.insert(name.clone(), value.clone());
    }
    Ok(written)
}

pub(super) fn invalid(name: &str, what: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid value specified for property '{name}' of resource '{what}'."))
}

/// The selected properties; a name that the type does not have is refused.
pub(in crate::entra) fn selected(
    mut properties: Map<String, Value>,
    select: Option<&[String]>,
    what: &str,
) -> Result<Map<String, Value>, GraphError> {
    let Some(names) = select else { return Ok(properties) };
    if let Some(unknown) = names.iter().find(|name| !properties.contains_key(*name)) {
        return Err(GraphError::bad_request(format!(
            "Could not find a property named '{unknown}' on type 'microsoft.graph.{what}'."
        )));
    }
    properties.retain(|name, _| names.contains(name));
    Ok(properties)
}

/// One object.
pub(super) fn object(
    properties: Map<String, Value>,
    request: &GraphRequest,
    what: &str,
) -> Result<GraphAnswer, GraphError> {
    request.refuse(&["$filter", "$expand", "$orderby", "$search", "$top", "$count"])?;
    let mut body = selected(properties, request.query.select.as_deref(), what)?;
    body.insert("@odata.context".to_owned(), json!(format!("{}/$metadata#{what}s/$entity", request.base)));
    Ok(GraphAnswer::ok(Value::Object(body)))
}

/// Those that the filter lets through. There are never so many that a page would not hold them.
pub(super) fn list(
    all: impl Iterator<Item = Map<String, Value>>,
    request: &GraphRequest,
    what: &str,
) -> Result<GraphAnswer, GraphError> {
    request.refuse(&["$expand", "$orderby", "$search", "$count"])?;
    let filter = request.query.filter.as_deref().map(equalities).transpose()?.unwrap_or_default();
    for (name, _) in &filter {
        let filterable =
            ["id", "appId", "applicationTemplateId", "uniqueName", "displayName", ANY_IDENTIFIER];
        if !filterable.contains(&name.as_str()) {
            let message = "Unsupported or invalid query filter clause specified.";
            return Err(GraphError::unsupported(message));
        }
    }
    let mut value = Vec::new();
    for properties in all.filter(|properties| filter.is_empty() || passes(properties, &filter)) {
        value.push(Value::Object(selected(properties, request.query.select.as_deref(), what)?));
    }
    value.truncate(request.page_size()?);
    let context = format!("{}/$metadata#{what}s", request.base);
    Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": value})))
}

fn passes(properties: &Map<String, Value>, filter: &[(String, Literal)]) -> bool {
    filter.iter().any(|(name, wanted)| {
        let Literal::Text(wanted) = wanted else { return false };
        let is = |value: &Value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(wanted));
        match name.as_str() {
            ANY_IDENTIFIER => texts(properties, "identifierUris").any(|uri| uri == *wanted),
            name => properties.get(name).is_some_and(is),
        }
    })
}

/// The texts of a list.
pub(super) fn texts<'a>(
    properties: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    properties.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

pub(super) fn is_name(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= LONGEST_NAME)
}

pub(super) fn is_text_or_null(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| !text.is_empty())
}

pub(super) fn is_flag(value: &Value) -> bool {
    value.is_boolean()
}

pub(super) fn are_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|texts| texts.iter().all(is_name))
}

/// At most five, and each with an `@`.
pub(super) fn are_addresses(value: &Value) -> bool {
    let is_address = |text: &Value| text.as_str().is_some_and(|text| text.split('@').count() == 2);
    are_texts(value)
        && value.as_array().is_some_and(|list| list.len() <= MOST_ADDRESSES && list.iter().all(is_address))
}

/// A URI without query or fragment.
pub(super) fn are_identifiers(value: &Value) -> bool {
    let is_uri = |text: &Value| {
        let uri = text.as_str().and_then(|text| url::Url::parse(text).ok());
        uri.is_some_and(|uri| uri.fragment().is_none())
    };
    are_texts(value) && value.as_array().is_some_and(|list| list.iter().all(is_uri))
}

/// `web`, as far as it is offered: `redirectUris` over https.
pub(super) fn is_web(value: &Value) -> bool {
    let Some(web) = value.as_object() else { return false };
    let is_uri = |uri: &Value| {
        let text = uri.as_str().filter(|text| text.len() <= LONGEST_URI);
        text.and_then(|text| url::Url::parse(text).ok()).is_some_and(|uri| uri.scheme() == "https")
    };
    web.keys().all(|name| name == "redirectUris")
        && web.get("redirectUris").and_then(Value::as_array).is_some_and(|uris| uris.iter().all(is_uri))
}

pub(super) fn is_address_or_null(value: &Value) -> bool {
    let is_https = |text: &str| url::Url::parse(text).is_ok_and(|uri| uri.scheme() == "https");
    value.is_null() || value.as_str().is_some_and(is_https)
}

/// `requiredResourceAccess`: `[{"resourceAppId", "resourceAccess": [{"id", "type": "Role" | "Scope"}]}]`.
pub(super) fn is_required_access(value: &Value) -> bool {
    let is_id = |value: &Value| value.as_str().is_some_and(is_guid);
    let is_access =
        |access: &Value| is_id(&access["id"]) && matches!(access["type"].as_str(), Some("Role" | "Scope"));
    let is_resource = |resource: &Value| {
        let accesses = resource["resourceAccess"].as_array();
        is_id(&resource["resourceAppId"])
            && accesses.is_some_and(|list| !list.is_empty() && list.iter().all(is_access))
    };
    value.as_array().is_some_and(|resources| resources.iter().all(is_resource))
}
