//! Pages of AWS Organizations: at most twenty items, and sometimes fewer although there are more.

use super::Refused;
use serde_json::{Map, Value, json};

/// The most items of a page, and how many there are unasked (API model, `MaxResults`).
const LARGEST_PAGE: u64 = 20;

/// A page of `items`, ordered by key, which begin behind the token's key.
pub(super) fn page<'a>(
    request: &Map<String, Value>,
    name: &str,
    items: impl Iterator<Item = (&'a String, Value)>,
) -> Result<Value, Refused> {
    let size = match request.get("MaxResults") {
        None => LARGEST_PAGE,
        Some(given) => match given.as_u64() {
            Some(size) if (1..=LARGEST_PAGE).contains(&size) => size,
            Some(0) => return Err(Refused::input("MIN_VALUE_EXCEEDED", "MaxResults")),
            _ => return Err(Refused::input("MAX_VALUE_EXCEEDED", "MaxResults")),
        },
    };
    let after = match request.get("NextToken").map(Value::as_str) {
        None => "",
        Some(Some(token)) => token
            .strip_prefix(&prefix(request, name))
            .ok_or_else(|| Refused::input("INVALID_NEXT_TOKEN", "NextToken"))?,
        Some(None) => return Err(Refused::input("INVALID_NEXT_TOKEN", "NextToken")),
    };
    let mut behind = items.filter(|(key, _)| key.as_str() > after).peekable();
    let (mut page, mut last) = (Vec::new(), String::new());
    while let Some((key, item)) = behind.next_if(|_| (page.len() as u64) < size) {
        last.clone_from(key);
        page.push(item);
    }
    let mut answer = json!({ name: page });
    if behind.peek().is_some() {
        answer["NextToken"] = json!(format!("{}{last}", prefix(request, name)));
    }
    Ok(answer)
}

/// Tells the tokens of one list from those of another.
fn prefix(request: &Map<String, Value>, name: &str) -> String {
    let parent = request.get("ParentId").and_then(Value::as_str).unwrap_or_default();
    format!("{name}@{parent}@")
}
