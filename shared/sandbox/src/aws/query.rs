//! The query protocol on the wire: forms in, XML out.

use super::api::Api;
use super::{Refusal, Reply};
use crate::iam::QueryCall;
use crate::xml::escaped;
use std::collections::BTreeMap;
use url::form_urlencoded;

/// What the content type of a request begins with.
pub(super) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
/// The version of IAM's API.
pub(super) const IAM_VERSION: &str = "2010-05-08";
/// The version of STS's API.
pub(super) const STS_VERSION: &str = "2011-06-15";

/// The content type of answers.
pub(super) const ANSWER_TYPE: &str = "text/xml";

/// Errors that are named in this protocol as in the others (botocore's model of STS).
const KEEP_THEIR_NAMES: [&str; 3] = [
    "JWTPayloadSizeExceededException",
    "OutboundWebIdentityFederationDisabledException",
    "SessionDurationEscalationException",
];

/// The version, and the call; no call if it names no action or has a parameter twice.
pub(super) fn read(body: &[u8]) -> (String, Option<QueryCall>) {
    let mut parameters = BTreeMap::new();
    let mut twice = false;
    for (name, value) in form_urlencoded::parse(body).into_owned() {
        twice |= parameters.insert(name, value).is_some();
    }
    let version = parameters.remove("Version").unwrap_or_default();
    let action = parameters.remove("Action").filter(|_| !twice);
    (version, action.map(|action| QueryCall { action, parameters }))
}

/// The answer to an operation that succeeded, with the inside of its result element.
pub(super) fn reply(api: Api, operation: &str, result: &str, request_id: String) -> Reply {
    let name = escaped(operation);
    let body = format!(
        "<{name}Response xmlns=\"{}\"><{name}Result>{result}</{name}Result><ResponseMetadata><RequestId>{request_id}\
         </RequestId></ResponseMetadata></{name}Response>",
        namespace(api)
    );
    Reply { status: 200, content_type: api.content_type(), request_id, error_type: None, body }
}

/// A refusal.
pub(super) fn refused(api: Api, refusal: &Refusal) -> Reply {
    let keeps_its_name = KEEP_THEIR_NAMES.contains(&refusal.code.as_str());
    let code = if keeps_its_name { &refusal.code } else { refusal.code.trim_end_matches("Exception") };
    let code = escaped(code);
    let fault = if refusal.status < 500 { "Sender" } else { "Receiver" };
    let body = format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{fault}</Type><Code>{code}</Code><Message>{}</Message></Error>\
         <RequestId>sandbox</RequestId></ErrorResponse>",
        namespace(api),
        escaped(&refusal.message)
    );
    let request_id = "sandbox".to_owned();
    Reply { status: refusal.status, content_type: api.content_type(), request_id, error_type: None, body }
}

fn namespace(api: Api) -> &'static str {
    if api == Api::Sts {
        "https://sts.amazonaws.com/doc/2011-06-15/"
    } else {
        "https://iam.amazonaws.com/doc/2010-05-08/"
    }
}
