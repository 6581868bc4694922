//! POSTs that only read: `checkMemberGroups` and `getByIds`.

use super::answer::{GraphAnswer, GraphError};
use super::directory::{Directory, Kind, Object};
use super::query::{GraphRequest, is_guid};
use super::schema;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Groups of one question (user-checkmembergroups).
const MOST_GROUPS: usize = 20;
/// Ids of one question (directoryobject-getbyids).
const MOST_IDS: usize = 1_000;

/// `POST /users/{id}/checkMemberGroups`: those of the groups that this object is in, through groups, too.
pub fn check_member_groups(
    directory: &Directory,
    id: &str,
    request: &GraphRequest,
) -> Result<GraphAnswer, GraphError> {
    refuse_others(&request.body, &["groupIds"])?;
    let asked = ids(&request.body, "groupIds", MOST_GROUPS)?;
    let groups = directory.ancestors_of(id);
    let held: Vec<String> = asked.into_iter().filter(|id| groups.contains(id)).collect();
    let context = format!("{}/$metadata#Collection(Edm.String)", request.base);
    Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": held})))
}

/// `POST /directoryObjects/getByIds`: those that are there.
pub fn by_ids(directory: &Directory, request: &GraphRequest) -> Result<GraphAnswer, GraphError> {
    refuse_others(&request.body, &["ids", "types"])?;
    let select = request.query.select.as_deref();
    schema::check_select_of_any(select)?;
    let types: Option<Vec<&str>> = match &request.body["types"] {
        Value::Null => None,
        Value::Array(types) => Some(types.iter().filter_map(Value::as_str).collect()),
        _ => return Err(GraphError::bad_request("'types' must be a list.")),
    };
    let wanted = |object: &&Object| {
        let name = if object.kind == Kind::User { "user" } else { "group" };
        types.as_ref().is_none_or(|types| types.contains(&name) || types.contains(&"directoryObject"))
    };
    let asked: BTreeSet<String> = ids(&request.body, "ids", MOST_IDS)?.into_iter().collect();
    let shown = asked.iter().filter_map(|id| directory.any(id)).filter(wanted).map(|object| {
        let mut shown = schema::shown(object.kind, &object.properties, select);
        shown.insert("@odata.type".to_owned(), json!(format!("#{}", object.kind.type_name())));
        Value::Object(shown)
    });
    let context = format!("{}/$metadata#directoryObjects", request.base);
    Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": shown.collect::<Vec<Value>>()})))
}

/// Refuses members that the request does not have.
pub fn refuse_others(body: &Value, known: &[&str]) -> Result<(), GraphError> {
    let unknown = body.as_object().and_then(|body| {
        body.keys().find(|name| !known.contains(&name.as_str()) && !name.starts_with("@odata."))
    });
    match unknown {
        None => Ok(()),
        Some(name) => Err(GraphError::bad_request(format!("The property '{name}' does not exist here."))),
    }
}

fn ids(body: &Value, name: &str, most: usize) -> Result<Vec<String>, GraphError> {
    let list = body[name].as_array();
    let list = list.ok_or_else(|| GraphError::bad_request(format!("'{name}' is required.")))?;
    if list.is_empty() || list.len() > most {
        return Err(GraphError::bad_request(format!("'{name}' must have 1 to {most} values.")));
    }
    let id = |value: &Value| value.as_str().filter(|id| is_guid(id)).map(str::to_ascii_lowercase);
    let ids: Option<Vec<String>> = list.iter().map(id).collect();
    ids.ok_or_else(|| GraphError::bad_request(format!("Invalid GUID in '{name}'.")))
}
