//! AWS Organizations: the accounts and the units that they stand in, as a pure state machine. Time is an argument.

mod calls;
mod pages;
mod seed;

pub(crate) use seed::Place;

use crate::iam_identity_center::AwsResponse;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What `X-Amz-Target` begins with.
pub(crate) const TARGET_PREFIX: &str = "AWSOrganizationsV20161128";

/// An organization. Its accounts are those that IAM knows, too: whoever opens one lets it join here.
#[derive(Debug)]
pub struct Organization {
    id: String,
    root: String,
    management: String,
    members: BTreeMap<String, Member>,
    units: BTreeMap<String, Unit>,
}

/// An account of the organization.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    name: String,
    email: String,
    state: State,
    /// The root or a unit.
    parent: String,
    joined: Timestamp,
}

/// `State` of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum State {
    PendingActivation,
    Active,
    Suspended,
    PendingClosure,
    Closed,
}

#[derive(Debug, Clone)]
struct Unit {
    name: String,
    parent: String,
}

/// A refusal, not yet on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    name: &'static str,
    message: String,
    reason: Option<&'static str>,
}

impl Organization {
    /// An organization without accounts.
    pub fn new(management: &str) -> Self {
        Self {
            id: "o-sandbox0a1b".to_owned(),
            root: "r-sbox".to_owned(),
            management: management.to_owned(),
            members: BTreeMap::new(),
            units: BTreeMap::new(),
        }
    }

    /// The account that the organization is managed from.
    pub fn management(&self) -> &str {
        &self.management
    }

    /// True if the organization has the account.
    pub fn has(&self, account: &str) -> bool {
        self.members.contains_key(account)
    }

    /// True if the organization has the account and it can be used.
    pub fn is_active(&self, account: &str) -> bool {
        self.members.get(account).is_some_and(|member| member.state == State::Active)
    }

    /// An account joins, under the root and without a name of its own, unless it is there already.
    pub fn join(&mut self, account: &str, now: Timestamp) {
        let root = self.root.clone();
        self.members.entry(account.to_owned()).or_insert_with(|| Member {
            name: format!("account-{account}"),
            email: format!("aws+{account}@example.com"),
            state: State::Active,
            parent: root,
            joined: now,
        });
    }

    /// Answers one call. `target` is the `X-Amz-Target` header.
    pub fn answer(&self, target: &str, body: &[u8]) -> AwsResponse {
        let operation = target.split_once('.').map_or("", |(_, operation)| operation);
        match self.called(operation, body) {
            Ok(body) => AwsResponse { status: 200, error_type: None, body },
            Err(refused) => refused.response(),
        }
    }

    /// Everything that stands here, ordered by id.
    pub fn state(&self) -> Value {
        let accounts: Vec<Value> =
            self.members.iter().map(|(id, member)| self.show_account(id, member)).collect();
        let units: Vec<Value> = self.units.iter().map(|(id, unit)| self.show_unit(id, unit)).collect();
        json!({"root": self.root, "accounts": accounts, "units": units})
    }

    fn show_account(&self, id: &str, member: &Member) -> Value {
        json!({
            "Id": id,
            "Arn": self.arn("account", id),
            "Email": member.email,
            "Name": member.name,
            "Status": member.state.status(),
            "State": member.state.name(),
            "Paths": [format!("{}{id}/", self.path(&member.parent))],
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": member.joined.as_millisecond() as f64 / 1_000.0,
        })
    }

    fn show_unit(&self, id: &str, unit: &Unit) -> Value {
        json!({"Id": id, "Arn": self.arn("ou", id), "Name": unit.name, "Path": self.path(id)})
    }

    fn arn(&self, kind: &str, id: &str) -> String {
        format!("arn:aws:organizations::{}:{kind}/{}/{id}", self.management, self.id)
    }

    /// `o-…/r-…/ou-…/`, down to this root or unit.
    fn path(&self, id: &str) -> String {
        match self.units.get(id) {
            Some(unit) => format!("{}{id}/", self.path(&unit.parent)),
            None => format!("{}/{}/", self.id, self.root),
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::PendingActivation => "PENDING_ACTIVATION",
            State::Active => "ACTIVE",
            State::Suspended => "SUSPENDED",
            State::PendingClosure => "PENDING_CLOSURE",
            State::Closed => "CLOSED",
        }
    }

    /// `Status`, which AWS keeps beside `State` and which knows less.
    fn status(self) -> &'static str {
        match self {
            State::PendingActivation | State::Active => "ACTIVE",
            State::Suspended | State::Closed => "SUSPENDED",
            State::PendingClosure => "PENDING_CLOSURE",
        }
    }
}

impl Refused {
    pub(crate) fn input(reason: &'static str, member: &str) -> Self {
        let message = format!("You specified an invalid value: {member}");
        Self { name: "InvalidInputException", message, reason: Some(reason) }
    }

    pub(crate) fn plain(name: &'static str, message: &str) -> Self {
        Self { name, message: message.to_owned(), reason: None }
    }

    fn response(self) -> AwsResponse {
        let mut body = json!({"__type": self.name, "Message": self.message});
        if let Some(reason) = self.reason {
            body["Reason"] = json!(reason);
        }
        AwsResponse { status: 400, error_type: Some(self.name.to_owned()), body }
    }
}
