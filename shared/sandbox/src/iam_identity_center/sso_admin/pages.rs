//! Pages of lists, continued by the last item's key, so that changes in between skip nobody.

use super::Refused;
use crate::iam_identity_center::answer::Failure;
use crate::iam_identity_center::identity_store::Request;
use serde_json::{Map, Value};

/// A page of `items`, ordered by key, under the member `name`.
pub(super) fn page(
    request: &Request,
    name: &str,
    items: impl Iterator<Item = (String, Value)>,
) -> Result<Value, Refused> {
    let after = start(request, name)?;
    let size = request.page_size();
    let behind = items.filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let mut items: Vec<(String, Value)> = behind.take(size + 1).collect();
    let more = items.len() > size;
    items.truncate(size);
    let mut body = Map::new();
    if let (true, Some((last, _))) = (more, items.last()) {
        body.insert("NextToken".to_owned(), format!("{}{}", prefix(request, name), hex(last)).into());
    }
    body.insert(name.to_owned(), items.into_iter().map(|(_, item)| item).collect());
    Ok(Value::Object(body))
}

/// Behind which key the page begins.
fn start(request: &Request, name: &str) -> Result<Option<String>, Refused> {
    let Some(token) = request.text("NextToken").filter(|token| !token.is_empty()) else { return Ok(None) };
    let key = token.strip_prefix(&prefix(request, name)).and_then(unhex);
    key.map(Some).ok_or_else(|| Failure::invalid("nextToken", "The token is not one of this list").into())
}

/// Tells the tokens of one list from those of another.
fn prefix(request: &Request, name: &str) -> String {
    format!("{name}_{:x}_", request.fingerprint())
}

/// Tokens hold few characters (API model, `Token`).
fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<String> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes = digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}
