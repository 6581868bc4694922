//! What CloudTrail tells of sign-ins to Identity Center. Nothing in it names a certificate.

use crate::random::Random;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Events that are kept; the oldest are forgotten.
const MOST_EVENTS: usize = 10_000;
/// AWS's pages differ: both spellings occur, in turn.
const EVENT_SOURCES: [&str; 2] = ["signin.amazonaws.com", "signin.amazon.com"];

/// The events of the management account, in order.
#[derive(Debug)]
pub struct Trail {
    account: String,
    region: String,
    events: VecDeque<Value>,
    recorded: usize,
    ids: Random,
}

impl Trail {
    /// Without events.
    pub fn new(account: &str, region: &str, rng_seed: u64) -> Self {
        let (account, region) = (account.to_owned(), region.to_owned());
        Self { account, region, events: VecDeque::new(), recorded: 0, ids: Random::new(rng_seed, "trail") }
    }

    /// Somebody signed in with the external identity provider (Identity Center User Guide, "IAM Identity Center sign-in
    /// events").
    pub fn success(&mut self, now: Timestamp) -> Value {
        let event = self.event("UserAuthentication", "AwsServiceEvent", now);
        let details = json!({
            "additionalEventData": {"AuthWorkflowID": self.ids.uuid(), "CredentialType": "EXTERNAL_IDP"},
            "serviceEventDetails": {"UserAuthentication": "Success"},
        });
        self.keep(with(event, details))
    }

    /// Somebody was refused (a recorded sample; how a wrong signature is worded is not known, so that every failure
    /// reads alike).
    pub fn failure(&mut self, now: Timestamp) -> Value {
        let event = self.event("ExternalIdPDirectoryLogin", "AwsConsoleSignIn", now);
        let message = format!("Not a valid response for the provided request id: {}", self.ids.uuid());
        let details = json!({
            "additionalEventData": null,
            "errorMessage": message,
            "responseElements": {"ExternalIdPDirectoryLogin": "Failure"},
        });
        self.keep(with(event, details))
    }

    /// All of them, the oldest first.
    pub fn events(&self) -> Vec<Value> {
        self.events.iter().cloned().collect()
    }

    fn event(&mut self, name: &str, kind: &str, now: Timestamp) -> Value {
        let source = EVENT_SOURCES[self.recorded % EVENT_SOURCES.len()];
        json!({
            "eventVersion": "1.08",
            "userIdentity": {"type": "Unknown", "principalId": self.account, "accountId": self.account},
            "eventTime": Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
            "eventSource": source,
            "eventName": name,
            "awsRegion": self.region,
            "sourceIPAddress": "203.0.113.1",
            "userAgent": "sandbox",
            "requestParameters": null,
            "responseElements": null,
            "requestID": self.ids.uuid(),
            "eventID": self.ids.uuid(),
            "readOnly": false,
            "eventType": kind,
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        })
    }

    fn keep(&mut self, event: Value) -> Value {
        self.recorded += 1;
        self.events.push_back(event.clone());
        if self.events.len() > MOST_EVENTS {
            self.events.pop_front();
        }
        event
    }
}

fn with(mut event: Value, more: Value) -> Value {
    if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
        event.extend(more);
    }
    event
}
