//! Reads the members that requests have in common; their shapes were checked before.

use crate::iam_identity_center::answer::{Failure, ResourceType};
use crate::iam_identity_center::shape::LARGEST_PAGE;
use crate::iam_identity_center::text::resource_of_arn;
use crate::random::fingerprint;
use serde_json::{Map, Value};

/// The body of a request.
#[derive(Debug)]
pub(in crate::iam_identity_center) struct Request(Map<String, Value>);

impl Request {
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(mut members)) => {
                // An absent member may be sent as null.
                members.retain(|_, value| !value.is_null());
                Ok(Self(members))
            }
            _ => Err(Failure::Serialization("the body is no JSON object".to_owned())),
        }
    }

    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The items of a list; none if it is absent.
    pub fn list(&self, name: &str) -> &[Value] {
        self.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The id of a user, group or membership.
    pub fn id(&self, name: &str) -> Result<String, Failure> {
        id(name, self.text(name).unwrap_or_default())
    }

    /// `MemberId`: a union whose only member is `UserId`.
    pub fn member_id(&self) -> Result<String, Failure> {
        id("UserId", self.get("MemberId").and_then(|union| union["UserId"].as_str()).unwrap_or_default())
    }

    pub fn check_store(&self, id: &str) -> Result<(), Failure> {
        let given = self.text("IdentityStoreId").unwrap_or_default();
        let given = given.rsplit('/').next().unwrap_or(given);
        if given == id { Ok(()) } else { Err(Failure::missing(ResourceType::IdentityStore, &given)) }
    }

    /// An outdated revision is a conflict; none is none.
    pub fn check_revision(&self, revision: u64) -> Result<(), Failure> {
        match self.text("Revision") {
            Some(given) if given != revision.to_string() => Err(Failure::concurrent()),
            _ => Ok(()),
        }
    }

    pub fn page_size(&self) -> usize {
        self.get("MaxResults").and_then(Value::as_u64).unwrap_or(LARGEST_PAGE) as usize
    }

    /// What distinguishes this list from others: everything but where its page begins and how long it is.
    pub fn fingerprint(&self) -> u64 {
        let mut asked: Vec<String> = self
            .0
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "NextToken" | "MaxResults" | "IdentityStoreId"))
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        asked.sort();
        fingerprint(0, &asked.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// The id itself where an ARN stands, which must be one of the member's kind.
pub(super) fn id(member: &str, text: &str) -> Result<String, Failure> {
    let wanted = match member {
        "UserId" => "user",
        "MembershipId" => "membership",
        _ => "group",
    };
    match resource_of_arn(text) {
        None => Ok(text.to_owned()),
        Some((kind, id)) if kind == wanted => Ok(id.to_owned()),
        Some(_) => Err(Failure::invalid(member, "Member must be the ARN of such a resource")),
    }
}
