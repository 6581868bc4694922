//! Subscriptions and their notifications (change-notifications-overview, subscription resource).

use super::answer::{GraphAnswer, GraphError};
use super::directory::{Kind, Notice};
use super::query::GraphRequest;
use super::reads;
use super::registry::Asker;
use super::subscription_request::{
    MEMBERS, address, change_types, client_state, expiry, invalid, path, refuse_others, tls_version,
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Subscriptions of one app in one tenant.
const QUOTA: usize = 100;
/// Items of a page of the list. Graph does not say how many; few, so that whoever reads only the first page is found out.
const PAGE: usize = 10;
/// Who reauthorizes and changes a subscription within this time leaves it in an inconsistent state
/// (change-notifications-lifecycle-events).
const BETWEEN_MEANS: SignedDuration = SignedDuration::from_mins(10);

/// One subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The application that made it.
    app: String,
    /// As it was asked for, and without the slashes around it, in lower case.
    resource: String,
    path: String,
    tls_version: String,
    change_types: BTreeSet<String>,
    notification_url: String,
    lifecycle_url: Option<String>,
    client_state: Option<String>,
    expires: Timestamp,
    /// How its token was made new last, and when; `None` if it is as it was made.
    refreshed: Option<(Means, Timestamp)>,
    /// It was refreshed by both means within ten minutes, and tells nothing any more.
    is_inconsistent: bool,
}

/// How a subscription gets a new token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    /// `PATCH /subscriptions/{id}`.
    Change,
    /// `POST /subscriptions/{id}/reauthorize`.
    Reauthorization,
}

/// What Graph does about subscriptions beside what is documented.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SubscriptionBehaviour {
    /// So many validation requests are never sent, and time out all the same (msgraph-sdk-dotnet, issue 2805).
    pub unsent_validations: u32,
    /// A second subscription to the same resource is accepted (microsoft-graph-docs, issue 11346).
    pub duplicates: bool,
}

/// A subscription that was accepted, and becomes real when its addresses answer the handshake.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// The id it has or will have.
    pub id: String,
    subscription: Subscription,
}

/// A notification for one address.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Where to.
    pub url: String,
    /// One item of a `changeNotificationCollection`.
    pub content: Value,
}

/// All subscriptions of the tenant.
#[derive(Debug, Clone, Default)]
pub struct Subscriptions {
    held: BTreeMap<String, Subscription>,
    behaviour: SubscriptionBehaviour,
}

impl Proposed {
    /// The addresses that must answer the handshake.
    pub fn addresses(&self) -> BTreeSet<String> {
        let subscription = &self.subscription;
        [Some(&subscription.notification_url), subscription.lifecycle_url.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

impl Subscription {
    fn refresh(&mut self, means: Means, now: Timestamp) {
        let collides =
            |(last, at): (Means, Timestamp)| last != means && now.duration_since(at) < BETWEEN_MEANS;
        self.is_inconsistent |= self.refreshed.is_some_and(collides);
        self.refreshed = Some((means, now));
    }
}

impl Subscriptions {
    /// From now on it behaves so.
    pub fn behave(&mut self, behaviour: SubscriptionBehaviour) {
        self.behaviour = behaviour;
    }

    /// True if the next validation request is never sent; counted down.
    pub fn leaves_validation_unsent(&mut self) -> bool {
        let left = self.behaviour.unsent_validations;
        self.behaviour.unsent_validations = left.saturating_sub(1);
        left > 0
    }

    /// Checks `POST /subscriptions`.
    pub(super) fn propose(
        &mut self,
        app: &str,
        body: &Value,
        id: String,
        now: Timestamp,
    ) -> Result<Proposed, GraphError> {
        self.expire(now);
        refuse_others(body, &MEMBERS)?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let required = |name: &str| text(name).ok_or_else(|| invalid(format!("'{name}' is required.")));
        if body["includeResourceData"].as_bool() == Some(true) {
            return Err(invalid("includeResourceData is not supported for this resource.".to_owned()));
        }
        let subscription = Subscription {
            app: app.to_owned(),
            path: path(&required("resource")?)?,
            resource: required("resource")?,
            tls_version: tls_version(text("latestSupportedTlsVersion"))?,
            change_types: change_types(&required("changeType")?)?,
            notification_url: address("notificationUrl", &required("notificationUrl")?)?,
            lifecycle_url: text("lifecycleNotificationUrl")
                .map(|url| address("lifecycleNotificationUrl", &url))
                .transpose()?,
            client_state: client_state(text("clientState"))?,
            expires: expiry(&required("expirationDateTime")?, now)?,
            refreshed: None,
            is_inconsistent: false,
        };
        if let Some(id) = self.same(&subscription) {
            let message = format!("Subscription Id {id} already exists for the requested combination");
            return Err(GraphError::new(409, "Conflict", message));
        }
        if self.held.values().filter(|held| held.app == app).count() >= QUOTA {
            let message = "Number of subscriptions has exceeded the limit of 100 per application and tenant.";
            return Err(GraphError::new(403, "Forbidden", message));
        }
        Ok(Proposed { id, subscription })
    }

    /// Checks `PATCH /subscriptions/{id}`.
    pub(super) fn propose_change(
        &mut self,
        asker: &Asker,
        id: &str,
        body: &Value,
        now: Timestamp,
    ) -> Result<Proposed, GraphError> {
        self.expire(now);
        let mut subscription = self.changeable(asker, id)?.clone();
        refuse_others(body, &["expirationDateTime", "notificationUrl"])?;
        let (expires, url) = (body["expirationDateTime"].as_str(), body["notificationUrl"].as_str());
        if expires.is_none() && url.is_none() {
            return Err(invalid("expirationDateTime or notificationUrl is required.".to_owned()));
        }
        if let Some(expires) = expires {
            subscription.expires = expiry(expires, now)?;
        }
        if let Some(url) = url {
            subscription.notification_url = address("notificationUrl", url)?;
        }
        subscription.refresh(Means::Change, now);
        Ok(Proposed { id: id.to_owned(), subscription })
    }

    /// Checks `POST /subscriptions/{id}/reauthorize`.
    pub(super) fn propose_reauthorization(
        &mut self,
        asker: &Asker,
        id: &str,
        now: Timestamp,
    ) -> Result<Proposed, GraphError> {
        self.expire(now);
        let mut subscription = self.changeable(asker, id)?.clone();
        subscription.refresh(Means::Reauthorization, now);
        Ok(Proposed { id: id.to_owned(), subscription })
    }

    /// The handshake succeeded.
    pub fn confirm(&mut self, proposed: Proposed, created: bool) -> Result<(), GraphError> {
        // Its handshake took a while: it may be gone by now.
        if !created && !self.held.contains_key(&proposed.id) {
            return Err(missing(&proposed.id));
        }
        if let Some(id) = self.same(&proposed.subscription).filter(|id| *id != proposed.id) {
            let message = format!("Subscription Id {id} already exists for the requested combination");
            return Err(GraphError::new(409, "Conflict", message));
        }
        self.held.insert(proposed.id, proposed.subscription);
        Ok(())
    }

    /// What `POST /subscriptions` answers: the fields sent, clientState among them.
    pub fn created(&mut self, id: &str, base: &str, now: Timestamp) -> Result<Value, GraphError> {
        let mut body = self.shown(id, base, now)?;
        body["clientState"] =
            json!(self.held.get(id).and_then(|subscription| subscription.client_state.clone()));
        Ok(body)
    }

    /// What is shown of one, whoever made it.
    pub fn shown(&mut self, id: &str, base: &str, now: Timestamp) -> Result<Value, GraphError> {
        self.expire(now);
        let subscription = self.held.get(id).ok_or_else(|| missing(id))?;
        let mut body = show(id, subscription);
        body["@odata.context"] = json!(format!("{base}/$metadata#subscriptions/$entity"));
        Ok(body)
    }

    /// `GET /subscriptions/{id}`.
    pub(super) fn get(
        &mut self,
        asker: &Asker,
        id: &str,
        base: &str,
        now: Timestamp,
    ) -> Result<Value, GraphError> {
        let is_seen = self.held.get(id).is_some_and(|held| asker.sees_all || held.app == asker.app);
        if is_seen { self.shown(id, base, now) } else { Err(missing(id)) }
    }

    /// `GET /subscriptions`. No query option is documented but what leads to the next page.
    pub(super) fn list(
        &mut self,
        asker: &Asker,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        self.expire(now);
        request.refuse(&["$select", "$filter", "$expand", "$orderby", "$search", "$top", "$count"])?;
        let after = reads::start_of(request)?;
        let seen = || self.held.iter().filter(|(_, held)| asker.sees_all || held.app == asker.app);
        let found = seen().filter(|(id, _)| **id > after);
        let found = found.map(|(id, subscription)| (id.clone(), show(id, subscription)));
        let context = format!("{}/$metadata#subscriptions", request.base);
        Ok(reads::page(found, PAGE, request, &context, || seen().count()))
    }

    /// `DELETE /subscriptions/{id}`.
    pub(super) fn delete(&mut self, asker: &Asker, id: &str, now: Timestamp) -> Result<(), GraphError> {
        self.expire(now);
        self.changeable(asker, id)?;
        self.held.remove(id).map(|_| ()).ok_or_else(|| missing(id))
    }

    fn changeable(&self, asker: &Asker, id: &str) -> Result<&Subscription, GraphError> {
        let found = self.held.get(id).filter(|held| asker.changes_all || held.app == asker.app);
        found.ok_or_else(|| missing(id))
    }

    /// The notifications that a change gives.
    pub fn notifications(&mut self, notice: &Notice, tenant: &str, now: Timestamp) -> Vec<Notification> {
        self.expire(now);
        let wanted = |subscription: &&Subscription| {
            let change = if notice.deleted { "deleted" } else { "updated" };
            let is_told = subscription.change_types.contains(change) && !subscription.is_inconsistent;
            is_told && covers(&subscription.path, notice)
        };
        let all = self.held.iter().filter(|(_, subscription)| wanted(subscription));
        all.map(|(id, subscription)| Notification {
            url: subscription.notification_url.clone(),
            content: content(id, subscription, notice, tenant, now),
        })
        .collect()
    }

    /// A lifecycle notification for every subscription.
    pub fn lifecycle(&mut self, event: &str, tenant: &str, now: Timestamp) -> Vec<Notification> {
        self.expire(now);
        let gone =
            if event == "subscriptionRemoved" { std::mem::take(&mut self.held) } else { BTreeMap::new() };
        let told = self.held.iter().chain(&gone).filter_map(|(id, subscription)| {
            let url = subscription.lifecycle_url.clone()?;
            let content = json!({
                "subscriptionId": id,
                "subscriptionExpirationDateTime": subscription.expires.to_string(),
                "tenantId": tenant,
                "clientState": subscription.client_state,
                "lifecycleEvent": event,
            });
            Some(Notification { url, content })
        });
        told.collect()
    }

    fn same(&self, wanted: &Subscription) -> Option<String> {
        if self.behaviour.duplicates {
            return None;
        }
        let same = |held: &Subscription| {
            held.app == wanted.app && held.path == wanted.path && held.change_types == wanted.change_types
        };
        self.held.iter().find(|(_, held)| same(held)).map(|(id, _)| id.clone())
    }

    fn expire(&mut self, now: Timestamp) {
        self.held.retain(|_, subscription| subscription.expires > now);
    }
}

fn content(id: &str, subscription: &Subscription, notice: &Notice, tenant: &str, now: Timestamp) -> Value {
    let resource = format!("{}s/{}", notice.kind.resource_name(), notice.id);
    let mut data = json!({
        "@odata.type": format!("#Microsoft.Graph.{}", notice.kind.resource_name()),
        "@odata.id": resource,
        "id": notice.id,
        "organizationId": tenant,
        "eventTime": now.to_string(),
        "sequenceNumber": 636_784_480_000_000_000_u64 + notice.sequence,
    });
    if !notice.members.is_empty() {
        let member = |(id, joined): &(String, bool)| {
            // Both spellings were seen; which one comes is not known.
            match (joined, notice.sequence.is_multiple_of(2)) {
                (true, _) => json!({"id": id}),
                (false, true) => json!({"id": id, "@removed": "deleted"}),
                (false, false) => json!({"id": id, "@removed": {"reason": "deleted"}}),
            }
        };
        data["members@delta"] = notice.members.iter().map(member).collect();
    }
    json!({
        "changeType": if notice.deleted { "deleted" } else { "updated" },
        "clientState": subscription.client_state,
        "resource": resource,
        "resourceData": data,
        "subscriptionExpirationDateTime": expiry_text(subscription.expires, notice.sequence),
        "subscriptionId": id,
        "tenantId": tenant,
    })
}

/// Graph writes `Z` or `+00:00`, and none to seven digits of a second.
fn expiry_text(expires: Timestamp, sequence: u64) -> String {
    if sequence.is_multiple_of(2) {
        expires.to_string()
    } else {
        expires.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
    }
}

fn show(id: &str, subscription: &Subscription) -> Value {
    let change_types: Vec<&str> = subscription.change_types.iter().rev().map(String::as_str).collect();
    json!({
        "id": id,
        "resource": subscription.resource,
        "applicationId": subscription.app,
        "changeType": change_types.join(","),
        "clientState": null,
        "notificationUrl": subscription.notification_url,
        "notificationQueryOptions": null,
        "lifecycleNotificationUrl": subscription.lifecycle_url,
        "expirationDateTime": subscription.expires.to_string(),
        "creatorId": subscription.app,
        "includeResourceData": null,
        "latestSupportedTlsVersion": subscription.tls_version,
        "encryptionCertificate": null,
        "encryptionCertificateId": null,
        "notificationUrlAppId": null,
    })
}

fn covers(resource: &str, notice: &Notice) -> bool {
    let collection = notice.kind.collection();
    resource == collection
        || resource == format!("{collection}/{}", notice.id)
        || (notice.kind == Kind::Group
            && resource == format!("groups/{}/members", notice.id)
            && !notice.members.is_empty())
}

fn missing(id: &str) -> GraphError {
    GraphError::new(404, "ResourceNotFound", format!("The object was not found: subscription {id}."))
}
