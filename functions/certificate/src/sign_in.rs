//! Sign-ins to Identity Center as CloudTrail records them (Identity Center User Guide, "sign-in events"; a recorded failure).
//! Nothing in them says which certificate signed.

use engine::rotation::ports::{SignInEvent, SignInOutcome};
use serde::Deserialize;
use serde_json::Value;

/// AWS's pages spell it in two ways.
const SOURCES: [&str; 2] = ["signin.amazonaws.com", "signin.amazon.com"];
const EXTERNAL: &str = "EXTERNAL_IDP";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_source: String,
    event_name: String,
    event_time: jiff::Timestamp,
    #[serde(rename = "eventID")]
    event_id: String,
    error_message: Option<String>,
    error_code: Option<String>,
    additional_event_data: Option<Additional>,
    service_event_details: Option<Value>,
    response_elements: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Additional {
    credential_type: Option<String>,
}

/// The sign-in with the external identity provider in a record; `None` if it is of something else.
pub(crate) fn read(record: &Value) -> Option<SignInEvent> {
    let record: Record = serde_json::from_value(record.clone()).ok()?;
    if !SOURCES.contains(&record.event_source.as_str()) {
        return None;
    }
    let outcome = match record.event_name.as_str() {
        "UserAuthentication" => authentication(&record)?,
        "ExternalIdPDirectoryLogin" => login(&record)?,
        _ => return None,
    };
    Some(SignInEvent { id: record.event_id, at: record.event_time, outcome })
}

fn authentication(record: &Record) -> Option<SignInOutcome> {
    let kind = record.additional_event_data.as_ref()?.credential_type.as_deref()?;
    if kind != EXTERNAL {
        return None;
    }
    let result = record.service_event_details.as_ref()?["UserAuthentication"].as_str()?;
    Some(if result == "Success" { SignInOutcome::Success } else { SignInOutcome::Failure })
}

/// Only failures: who got in is recorded as an authentication, too.
fn login(record: &Record) -> Option<SignInOutcome> {
    let answered =
        record.response_elements.as_ref().and_then(|elements| elements["ExternalIdPDirectoryLogin"].as_str());
    let has_failed =
        record.error_message.is_some() || record.error_code.is_some() || answered == Some("Failure");
    has_failed.then_some(SignInOutcome::Failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(name: &str, more: Value) -> Value {
        let mut record = json!({
            "eventSource": "signin.amazonaws.com", "eventName": name, "eventTime": "2026-11-24T08:00:00Z",
            "eventID": "e-1", "errorMessage": null, "additionalEventData": null, "responseElements": null,
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record
    }

    fn outcome(record: &Value) -> Option<SignInOutcome> {
        read(record).map(|event| event.outcome)
    }

    #[test]
    fn who_gets_in_and_who_does_not_is_counted_in_both_spellings_of_the_source() {
        let success = record(
            "UserAuthentication",
            json!({"additionalEventData": {"CredentialType": "EXTERNAL_IDP"},
                   "serviceEventDetails": {"UserAuthentication": "Success"}}),
        );
        let failure = record("ExternalIdPDirectoryLogin", json!({"errorMessage": "Not a valid response"}));
        for source in SOURCES {
            let (mut success, mut failure) = (success.clone(), failure.clone());
            success["eventSource"] = json!(source);
            failure["eventSource"] = json!(source);
            assert_eq!(outcome(&success), Some(SignInOutcome::Success));
            assert_eq!(outcome(&failure), Some(SignInOutcome::Failure));
        }
    }

    #[test]
    fn passwords_other_services_and_scraps_are_no_sign_ins_with_the_identity_provider() {
        let password = json!({"additionalEventData": {"CredentialType": "PASSWORD"},
                              "serviceEventDetails": {"UserAuthentication": "Success"}});
        let other = json!({"eventSource": "sso.amazonaws.com", "errorMessage": "no"});
        for record in [
            record("UserAuthentication", password),
            record("ExternalIdPDirectoryLogin", other),
            record("ExternalIdPDirectoryLogin", json!({})),
            record("CredentialChallenge", json!({"errorMessage": "no"})),
            json!({}),
            Value::Null,
        ] {
            assert_eq!(outcome(&record), None, "{record}");
        }
    }
}
