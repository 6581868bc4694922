//! `$batch` (json-batching).

use super::answer::{GraphAnswer, GraphError};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Requests in one batch.
const LARGEST: usize = 20;

/// One request of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchItem {
    /// Its id.
    pub id: String,
    /// The method.
    pub method: String,
    /// The path under the version, with its query.
    pub url: String,
    /// `ConsistencyLevel: eventual` was sent.
    pub eventual: bool,
    /// The body; null if there is none.
    pub body: Value,
    depends_on: Vec<String>,
}

/// Reads the body of a batch.
pub fn items(body: &Value) -> Result<Vec<BatchItem>, GraphError> {
    let requests = body["requests"].as_array().ok_or_else(|| malformed("'requests' is missing."))?;
    if requests.is_empty() {
        return Err(malformed("The batch holds no requests."));
    }
    if requests.len() > LARGEST {
        return Err(malformed("The batch holds more than 20 requests."));
    }
    let mut ids = BTreeSet::new();
    let mut items = Vec::new();
    for request in requests {
        let item = item(request)?;
        if !ids.insert(item.id.to_lowercase()) {
            return Err(malformed("Request ids must be unique."));
        }
        if item.depends_on.iter().any(|id| !ids.contains(&id.to_lowercase())) {
            return Err(malformed("dependsOn names a request that does not precede this one."));
        }
        items.push(item);
    }
    Ok(items)
}

/// Runs the requests and collects their answers, in another order than asked: callers go by the ids.
pub fn run(items: Vec<BatchItem>, mut answer: impl FnMut(&BatchItem) -> GraphAnswer) -> GraphAnswer {
    let mut statuses: BTreeMap<String, u16> = BTreeMap::new();
    let mut responses = Vec::new();
    for item in items {
        let failed = |id: &String| statuses.get(&id.to_lowercase()).is_none_or(|status| *status >= 400);
        let answer = if item.depends_on.iter().any(failed) {
            GraphError::new(424, "FailedDependency", "A request that this one depends on failed.")
                .answer(&item.id)
        } else {
            answer(&item)
        };
        statuses.insert(item.id.to_lowercase(), answer.status);
        responses.push(response(&item.id, answer));
    }
    responses.reverse();
    GraphAnswer::ok(json!({"responses": responses}))
}

fn response(id: &str, answer: GraphAnswer) -> Value {
    let mut headers = Map::new();
    if let Some(seconds) = answer.retry_after {
        headers.insert("Retry-After".to_owned(), json!(seconds.to_string()));
    }
    headers.extend(answer.headers.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    let mut response = json!({"id": id, "status": answer.status});
    if let Some(body) = answer.body {
        headers.insert("Content-Type".to_owned(), json!("application/json"));
        response["body"] = body;
    }
    response["headers"] = Value::Object(headers);
    response
}

fn item(request: &Value) -> Result<BatchItem, GraphError> {
    const MEMBERS: [&str; 6] = ["id", "method", "url", "headers", "body", "dependsOn"];
    let unknown = |members: &Map<String, Value>| members.keys().any(|name| !MEMBERS.contains(&name.as_str()));
    if request.as_object().is_none_or(unknown)
        || !(request["dependsOn"].is_null() || request["dependsOn"].is_array())
    {
        return Err(malformed(
            "A request has id, method, url, headers, body and dependsOn, and nothing else.",
        ));
    }
    let text = |name: &str| {
        let value = request[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        value.ok_or_else(|| malformed("Every request needs id, method and url."))
    };
    let header = |name: &str| {
        let headers = request["headers"].as_object()?;
        headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
    };
    let body = request.get("body").cloned().unwrap_or(Value::Null);
    if !body.is_null() && header("Content-Type").is_none() {
        return Err(malformed("A request with a body needs the header Content-Type."));
    }
    let url = text("url")?;
    if url.contains("://") {
        return Err(malformed("Addresses in a batch must be relative."));
    }
    let depends_on = request["dependsOn"].as_array().into_iter().flatten();
    Ok(BatchItem {
        id: text("id")?,
        method: text("method")?.to_uppercase(),
        url,
        eventual: header("ConsistencyLevel").is_some_and(|value| value.eq_ignore_ascii_case("eventual")),
        body,
        depends_on: depends_on.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
    })
}

fn malformed(message: &str) -> GraphError {
    GraphError::new(400, "BadRequest", format!("Invalid batch payload format: {message}"))
}
