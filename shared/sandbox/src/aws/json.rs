//! AWS JSON on the wire.

use super::api::Api;
use super::{Refusal, Reply};
use crate::iam_identity_center::AwsResponse;
use serde_json::{Value, json};

/// The media type of AWS JSON 1.1.
pub(super) const CONTENT_TYPE_1_1: &str = "application/x-amz-json-1.1";
/// The media type of AWS JSON 1.0.
pub(super) const CONTENT_TYPE_1_0: &str = "application/x-amz-json-1.0";

/// An answer, without the members of these names wherever they stand.
pub(super) fn reply(api: Api, mut answer: AwsResponse, without: &[String]) -> Reply {
    strip(&mut answer.body, without);
    let request_id = match &answer.body["RequestId"] {
        Value::String(id) => id.clone(),
        _ => "sandbox".to_owned(),
    };
    let body = answer.body.to_string();
    let body = if api == Api::AppsAuth { with_numbers(&body) } else { body };
    Reply {
        status: answer.status,
        content_type: api.content_type(),
        request_id,
        error_type: answer.error_type,
        body,
    }
}

/// A refusal.
pub(super) fn refused(api: Api, refusal: Refusal) -> Reply {
    // Credentials are refused by other names than in the query protocol.
    let name = match refusal.code.as_str() {
        "InvalidClientTokenId" => "UnrecognizedClientException",
        "ExpiredToken" => "ExpiredTokenException",
        other => other,
    };
    let mut body = json!({"__type": name, "Message": refusal.message, "message": refusal.message});
    if let Some(seconds) = refusal.retry_after {
        body["RetryAfterSeconds"] = json!(seconds);
    }
    reply(api, AwsResponse { status: refusal.status, error_type: Some(name.to_owned()), body }, &[])
}

fn strip(value: &mut Value, names: &[String]) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(name));
            members.values_mut().for_each(|value| strip(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, names)),
        _ => {}
    }
}

/// Serial numbers are JSON numbers of up to 160 bits, larger than any that [`Value`] holds: the model writes them as
/// text, and here they lose their quotes.
fn with_numbers(body: &str) -> String {
    const MEMBER: &str = "\"serialNumber\":";
    let quoted = format!("{MEMBER}\"");
    let mut parts = body.split(&quoted);
    let mut numbers = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        numbers.push_str(MEMBER);
        numbers.push_str(&part.replacen('"', "", 1));
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_lose_their_quotes_and_nothing_else_does() {
        let body = json!({"a": [{"serialNumber": "123456789012345678901234567890", "serialNumberString": "1"}], "b": "c"});
        let text = with_numbers(&body.to_string());
        assert!(
            text.contains("\"serialNumber\":123456789012345678901234567890,\"serialNumberString\":\"1\""),
            "{text}"
        );
        assert!(text.ends_with("\"b\":\"c\"}"), "{text}");
    }

    #[test]
    fn members_are_taken_away_wherever_they_stand() {
        let mut body = json!({"a": 1, "b": [{"a": 2, "c": {"a": 3, "d": 4}}]});
        strip(&mut body, &["a".to_owned()]);
        assert_eq!(body, json!({"b": [{"c": {"d": 4}}]}));
    }
}
