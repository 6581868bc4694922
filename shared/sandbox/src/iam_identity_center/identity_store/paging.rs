//! Pages of lists, continued by the last item's key, so that changes in between skip nobody.

use super::request::Request;
use crate::iam_identity_center::answer::Failure;
use serde_json::{Map, Value};

/// A page of `items`, which begin after the token's key, under the member `name`.
pub(super) fn page(
    request: &Request,
    name: &str,
    items: impl Iterator<Item = (String, Value)>,
) -> Result<Value, Failure> {
    let size = request.page_size();
    let mut items: Vec<(String, Value)> = items.take(size + 1).collect();
    let more = items.len() > size;
    items.truncate(size);
    let mut body = Map::new();
    if let (true, Some((last, _))) = (more, items.last()) {
        body.insert("NextToken".to_owned(), format!("{name}:{:x}:{last}", request.fingerprint()).into());
    }
    body.insert(name.to_owned(), items.into_iter().map(|(_, item)| item).collect());
    Ok(Value::Object(body))
}

/// After which key the page begins.
pub(super) fn start(request: &Request, name: &str) -> Result<String, Failure> {
    let Some(token) = request.text("NextToken") else { return Ok(String::new()) };
    let start = format!("{name}:{:x}:", request.fingerprint());
    match token.strip_prefix(&start) {
        Some(key) if !key.is_empty() => Ok(key.to_owned()),
        _ => Err(Failure::invalid("nextToken", "The token is not one of this list")),
    }
}
