//! What a GET of a user, a group or their memberships answers.

use super::answer::{GraphAnswer, GraphError};
use super::directory::{Directory, Kind, Object};
use super::query::{GraphRequest, Literal, equalities, read_token, token};
use super::schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Where the next page begins, and whether the pages come from the eventually consistent index.
#[derive(Serialize, Deserialize)]
struct PageToken {
    after: String,
    eventual: bool,
}

/// `GET /users/{id}` and `GET /groups/{id}`.
pub fn object(
    directory: &Directory,
    kind: Kind,
    id: &str,
    request: &GraphRequest,
) -> Result<GraphAnswer, GraphError> {
    request.refuse(&["$filter", "$orderby", "$search", "$top", "$count"])?;
    let select = request.query.select.as_deref();
    schema::check_select(kind, select)?;
    let object = directory.get(kind, id)?;
    let mut body = schema::shown(kind, &object.properties, select);
    if let Some(expand) = &request.query.expand {
        let manager = expanded_manager(directory, object, kind, expand)?;
        if let Some(manager) = manager {
            body.insert("manager".to_owned(), manager);
        }
    }
    let context = format!("{}/$metadata#{}/$entity", request.base, kind.collection());
    body.insert("@odata.context".to_owned(), json!(context));
    Ok(GraphAnswer::ok(Value::Object(body)))
}

/// `GET /users` and `GET /groups`, with a filter for equality at most.
pub fn collection(
    directory: &Directory,
    kind: Kind,
    request: &GraphRequest,
) -> Result<GraphAnswer, GraphError> {
    let select = request.query.select.as_deref();
    schema::check_select(kind, select)?;
    request.refuse(&["$orderby", "$search", "$expand"])?;
    if request.query.count {
        request.require_eventual("$count")?;
    }
    let filter = filter(request, &[kind])?;
    let (after, size) = (start_of(request)?, request.page_size()?);
    let wanted = |object: &Object| object.deleted_at.is_none() && holds(object, &filter);
    let found = directory
        .after(kind, &after)
        .filter(|(_, object)| wanted(object))
        .map(|(id, object)| (id.clone(), Value::Object(schema::shown(kind, &object.properties, select))));
    let all = || directory.after(kind, "").filter(|(_, object)| wanted(object)).count();
    let context = format!("{}/$metadata#{}", request.base, kind.collection());
    Ok(page(found, size, request, &context, all))
}

/// A list of directory objects, such as the members of a group, ordered by their ids. `cast` keeps one kind.
pub fn references<'a, I: Iterator<Item = &'a String>>(
    directory: &Directory,
    ids_after: impl Fn(&str) -> I,
    cast: Option<Kind>,
    request: &GraphRequest,
) -> Result<GraphAnswer, GraphError> {
    request.refuse(&["$orderby", "$search", "$expand"])?;
    let select = request.query.select.as_deref();
    let kinds = cast.map_or(vec![Kind::User, Kind::Group], |kind| vec![kind]);
    match cast {
        Some(kind) => schema::check_select(kind, select)?,
        None => schema::check_select_of_any(select)?,
    }
    let filter = filter(request, &kinds)?;
    let (after, size) = (start_of(request)?, request.page_size()?);
    let wanted = |id: &&String| {
        directory.any(id).is_some_and(|object| kinds.contains(&object.kind) && holds(object, &filter))
    };
    let found = ids_after(&after).filter(wanted).filter_map(|id| {
        let object = directory.any(id)?;
        let mut shown = schema::shown(object.kind, &object.properties, select);
        if cast.is_none() {
            shown.insert("@odata.type".to_owned(), json!(format!("#{}", object.kind.type_name())));
        }
        Some((id.clone(), Value::Object(shown)))
    });
    let all = || ids_after("").filter(wanted).count();
    Ok(page(found, size, request, &format!("{}/$metadata#directoryObjects", request.base), all))
}

/// The cast at the end of a path, such as `microsoft.graph.user`.
pub fn cast(segment: Option<&str>) -> Result<Option<Kind>, GraphError> {
    match segment {
        None => Ok(None),
        Some("microsoft.graph.user" | "graph.user") => Ok(Some(Kind::User)),
        Some("microsoft.graph.group" | "graph.group") => Ok(Some(Kind::Group)),
        Some(other) => Err(GraphError::no_segment(other)),
    }
}

/// A page of what was found, with the address of the next one; `all` counts what all pages hold.
pub fn page(
    found: impl Iterator<Item = (String, Value)>,
    size: usize,
    request: &GraphRequest,
    context: &str,
    all: impl FnOnce() -> usize,
) -> GraphAnswer {
    let mut items: Vec<(String, Value)> = found.take(size + 1).collect();
    let more = items.len() > size;
    items.truncate(size);
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context));
    if request.query.count && request.query.skip_token.is_none() {
        body.insert("@odata.count".to_owned(), json!(all()));
    }
    if let (true, Some((last, _))) = (more, items.last()) {
        let next = PageToken { after: last.clone(), eventual: request.eventual };
        body.insert("@odata.nextLink".to_owned(), json!(request.link("$skiptoken", &token(&next))));
    }
    body.insert("value".to_owned(), items.into_iter().map(|(_, item)| item).collect());
    GraphAnswer::ok(Value::Object(body))
}

/// After which id the page begins. A page of the eventually consistent index needs its header again.
pub fn start_of(request: &GraphRequest) -> Result<String, GraphError> {
    let Some(text) = &request.query.skip_token else { return Ok(String::new()) };
    let expired =
        || GraphError::new(400, "Directory_ExpiredPageToken", "The specified page token value has expired.");
    let token: PageToken = read_token(text).ok_or_else(expired)?;
    if token.eventual && !request.eventual {
        return Err(GraphError::unsupported("The header ConsistencyLevel must be sent for every page."));
    }
    Ok(token.after)
}

fn expanded_manager(
    directory: &Directory,
    object: &Object,
    kind: Kind,
    expand: &str,
) -> Result<Option<Value>, GraphError> {
    let select: Vec<String> = match expand.strip_prefix("manager") {
        Some("") => Vec::new(),
        Some(options) => {
            let names = options.strip_prefix("($select=").and_then(|options| options.strip_suffix(')'));
            let names = names.ok_or_else(|| GraphError::bad_request("Invalid $expand options."))?;
            names.split(',').map(str::to_owned).collect()
        }
        None => {
            return Err(GraphError::bad_request(format!(
                "Could not find a property named '{expand}' to expand."
            )));
        }
    };
    if kind != Kind::User {
        return Err(GraphError::bad_request("Could not find a property named 'manager' on this type."));
    }
    schema::check_select(Kind::User, Some(&select))?;
    let manager = object.manager.as_deref().and_then(|id| directory.any(id));
    Ok(manager.map(|manager| {
        let select = (!select.is_empty()).then_some(select.as_slice());
        let mut shown = schema::shown(Kind::User, &manager.properties, select);
        shown.insert("@odata.type".to_owned(), json!("#microsoft.graph.user"));
        Value::Object(shown)
    }))
}

/// What `$filter` asks for, of properties that one of the kinds has.
fn filter(request: &GraphRequest, kinds: &[Kind]) -> Result<Vec<(String, Literal)>, GraphError> {
    let filter = request.query.filter.as_deref().map(equalities).transpose()?.unwrap_or_default();
    let unknown = |(name, _): &&(String, Literal)| !kinds.iter().any(|kind| schema::exists(*kind, name));
    match filter.iter().find(unknown) {
        Some((name, _)) => {
            Err(GraphError::unsupported(format!("Unsupported property '{name}' in a filter clause.")))
        }
        None => Ok(filter),
    }
}

fn holds(object: &Object, filter: &[(String, Literal)]) -> bool {
    filter.is_empty() || filter.iter().any(|(name, value)| schema::equals(&object.properties, name, value))
}
