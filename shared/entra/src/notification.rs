//! Change and lifecycle notifications: decoded one by one, verified, and turned into triggers
//! (changeNotificationCollection; microsoft-graph.md, 1.6 and 2.4).

use crate::client_state::ClientStates;
use engine::trigger::{Expectation, Look, Origin, Subject, Trigger};
use jiff::Timestamp;
use planning::subscriptions::{LifecycleEvent, LifecycleNotification};
use planning::{EntraObjectId, SubscriptionId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A `members@delta` of up to this many members is passed on; a longer one is left to the group's own read.
const FEW_MEMBERS: usize = 20;

/// A POST whose body is no collection of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON, or without `value`.
    #[error("the body is no collection of change notifications")]
    NoCollection,
    /// More notifications than Graph would send.
    #[error("the collection holds too many notifications")]
    TooMany,
}

/// Why a notification is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A field is missing or has another type than documented.
    #[error("malformed")]
    Malformed,
    /// clientState is not ours: forged, or of a subscription that another deployment made.
    #[error("wrong clientState")]
    ClientState,
    /// Another tenant's.
    #[error("another tenant")]
    Tenant,
    /// Neither a user nor a group, or two different ones.
    #[error("unexpected resource")]
    Resource,
}

/// A notification that carries our secret and names our tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifiedNotification {
    /// A user or group changed.
    Change(ChangeNotification),
    /// A subscription needs attention.
    Lifecycle(LifecycleNotification),
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeNotification {
    subject: Subject,
    id: Option<String>,
    members: Vec<(EntraObjectId, bool)>,
}

#[derive(Deserialize)]
struct Collection<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    client_state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tenant_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subscription_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resource: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resource_data: Option<ResourceData<'a>>,
    lifecycle_event: Option<LifecycleEvent>,
}

/// Only `id` is relied upon; the rest are hints that may have any form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceData<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    organization_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sequence_number: Option<&'a RawValue>,
    #[serde(borrow, rename = "members@delta")]
    members: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Member {
    id: EntraObjectId,
    /// `"deleted"` or `{"reason":"deleted"}`: both mean that the member left.
    #[serde(rename = "@removed")]
    removed: Option<IgnoredAny>,
}

/// The notifications of a POST, each still to be decoded and verified by itself.
///
/// # Errors
/// [`Unreadable`] if this is no collection, or one of more than `most` notifications.
pub fn items(body: &[u8], most: usize) -> Result<Vec<&RawValue>, Unreadable> {
    let collection: Collection<'_> = serde_json::from_slice(body).map_err(|_| Unreadable::NoCollection)?;
    if collection.value.len() > most { Err(Unreadable::TooMany) } else { Ok(collection.value) }
}

/// Verifies one notification. The secret comes first: nothing else is said about what is forged.
///
/// # Errors
/// Why it is to be dropped.
pub fn verify(
    item: &RawValue,
    tenant: &EntraObjectId,
    states: &ClientStates,
) -> Result<VerifiedNotification, Rejected> {
    let item: Item<'_> = serde_json::from_str(item.get()).map_err(|_| Rejected::Malformed)?;
    if !item.client_state.as_ref().is_some_and(|client_state| states.accept(client_state)) {
        return Err(Rejected::ClientState);
    }
    check_tenant(&item, tenant)?;
    if let Some(lifecycle_event) = item.lifecycle_event {
        let subscription_id = item.subscription_id.as_ref().ok_or(Rejected::Malformed)?;
        let subscription_id = SubscriptionId::parse(subscription_id).map_err(|_| Rejected::Malformed)?;
        return Ok(VerifiedNotification::Lifecycle(LifecycleNotification {
            subscription_id,
            lifecycle_event,
        }));
    }
    let subject = subject(&item)?;
    let data = item.resource_data.as_ref();
    let members = match &subject.kind {
        planning::record::PrincipalKind::Group => data.and_then(|data| data.members).map(few_members),
        planning::record::PrincipalKind::User => None,
    };
    let sequence_number = data.and_then(|data| data.sequence_number).and_then(number);
    let id = item.id.filter(|id| is_plain(id)).map(Cow::into_owned).or(sequence_number);
    Ok(VerifiedNotification::Change(ChangeNotification { subject, id, members: members.unwrap_or_default() }))
}

impl ChangeNotification {
    /// What to look at. The members that a group's notification names are looked at, too, with what it
    /// said of them as an expectation.
    pub fn triggers(&self, noticed_at: Timestamp) -> Vec<Trigger> {
        let trigger = |subject: Subject, expectations: Vec<Expectation>| Trigger {
            subject,
            look: Look::Ordinary,
            origin: Origin::Notification { id: self.id.clone() },
            expectations,
            noticed_at,
        };
        let mut triggers = vec![trigger(self.subject.clone(), Vec::new())];
        triggers.extend(self.members.iter().map(|(member, joined)| {
            let expectation = Expectation { group: self.subject.id.clone(), joined: *joined };
            trigger(Subject::user(member.clone()), vec![expectation])
        }));
        triggers
    }
}

fn check_tenant(item: &Item<'_>, tenant: &EntraObjectId) -> Result<(), Rejected> {
    let named = item.tenant_id.as_ref().ok_or(Rejected::Tenant)?;
    let organization = item.resource_data.as_ref().and_then(|data| data.organization_id.as_ref());
    let ours = |id: &Cow<'_, str>| id.eq_ignore_ascii_case(tenant.as_str());
    if ours(named) && organization.is_none_or(ours) { Ok(()) } else { Err(Rejected::Tenant) }
}

/// `Users/{guid}` or `Groups/{guid}`, in any case; `resourceData.id` says the same or nothing.
fn subject(item: &Item<'_>) -> Result<Subject, Rejected> {
    let resource = item.resource.as_deref().ok_or(Rejected::Malformed)?;
    let (collection, id) = resource.trim_start_matches('/').split_once('/').ok_or(Rejected::Resource)?;
    let id = EntraObjectId::parse(id).map_err(|_| Rejected::Resource)?;
    let named = item.resource_data.as_ref().and_then(|data| data.id.as_ref());
    if named.is_some_and(|named| !named.eq_ignore_ascii_case(id.as_str())) {
        return Err(Rejected::Resource);
    }
    if collection.eq_ignore_ascii_case("users") {
        Ok(Subject::user(id))
    } else if collection.eq_ignore_ascii_case("groups") {
        Ok(Subject::group(id))
    } else {
        Err(Rejected::Resource)
    }
}

/// The members, if they are few and in a form we know; the group's own read finds them all.
fn few_members(raw: &RawValue) -> Vec<(EntraObjectId, bool)> {
    let members: Vec<Member> = serde_json::from_str(raw.get()).unwrap_or_default();
    if members.len() > FEW_MEMBERS {
        return Vec::new();
    }
    members.into_iter().map(|member| (member.id, member.removed.is_none())).collect()
}

/// A number, however it is written.
fn number(raw: &RawValue) -> Option<String> {
    let text = raw.get().trim_matches('"');
    (!text.is_empty() && text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.to_owned())
}

/// An id is used for deduplication, and logged: letters, digits and little else.
fn is_plain(id: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_+/=.".contains(c);
    !id.is_empty() && id.len() <= 64 && id.chars().all(legal)
}

#[cfg(test)]
#[path = "notification_tests.rs"]
mod tests;
