//! Subscriptions and their notifications (change-notifications-overview, subscription resource).

use super::answer::GraphError;
use super::directory::{Kind, Notice};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// The longest life of a subscription to directory resources.
const LONGEST: SignedDuration = SignedDuration::from_mins(41_760);
/// A shorter life is made this long.
const SHORTEST: SignedDuration = SignedDuration::from_mins(45);
/// Subscriptions of one app in one tenant.
const QUOTA: usize = 100;
/// Characters of clientState.
const LONGEST_CLIENT_STATE: usize = 128;

/// One subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// As it was asked for, and without the slashes around it, in lower case.
    resource: String,
    path: String,
    tls_version: String,
    change_types: BTreeSet<String>,
    notification_url: String,
    lifecycle_url: Option<String>,
    client_state: Option<String>,
    expires: Timestamp,
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

/// All subscriptions of the app.
#[derive(Debug, Clone, Default)]
pub struct Subscriptions(BTreeMap<String, Subscription>);

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

impl Subscriptions {
    /// Checks `POST /subscriptions`.
    pub fn propose(&mut self, body: &Value, id: String, now: Timestamp) -> Result<Proposed, GraphError> {
        self.expire(now);
        refuse_others(body, &MEMBERS)?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let required = |name: &str| text(name).ok_or_else(|| invalid(format!("'{name}' is required.")));
        let change_types: BTreeSet<String> =
            required("changeType")?.split(',').map(|name| name.trim().to_owned()).collect();
        if let Some(wrong) = change_types.iter().find(|name| !["updated", "deleted"].contains(&name.as_str()))
        {
            return Err(invalid(format!("Invalid 'changeType' attribute: '{wrong}'.")));
        }
        if body["includeResourceData"].as_bool() == Some(true) {
            return Err(invalid("includeResourceData is not supported for this resource.".to_owned()));
        }
        let subscription = Subscription {
            path: path(&required("resource")?)?,
            resource: required("resource")?,
            tls_version: tls_version(text("latestSupportedTlsVersion"))?,
            change_types,
            notification_url: address("notificationUrl", &required("notificationUrl")?)?,
            lifecycle_url: text("lifecycleNotificationUrl")
                .map(|url| address("lifecycleNotificationUrl", &url))
                .transpose()?,
            client_state: client_state(text("clientState"))?,
            expires: expiry(&required("expirationDateTime")?, now)?,
        };
        if let Some(id) = self.same(&subscription) {
            let message = format!("Subscription Id {id} already exists for the requested combination");
            return Err(GraphError::new(409, "Conflict", message));
        }
        if self.0.len() >= QUOTA {
            let message = "Number of subscriptions has exceeded the limit of 100 per application and tenant.";
            return Err(GraphError::new(403, "Forbidden", message));
        }
        Ok(Proposed { id, subscription })
    }

    /// Checks `PATCH /subscriptions/{id}`.
    pub fn propose_change(&mut self, id: &str, body: &Value, now: Timestamp) -> Result<Proposed, GraphError> {
        self.expire(now);
        let mut subscription = self.0.get(id).cloned().ok_or_else(|| missing(id))?;
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
        Ok(Proposed { id: id.to_owned(), subscription })
    }

    /// Checks `POST /subscriptions/{id}/reauthorize`.
    pub fn propose_reauthorization(&mut self, id: &str, now: Timestamp) -> Result<Proposed, GraphError> {
        self.expire(now);
        let subscription = self.0.get(id).cloned().ok_or_else(|| missing(id))?;
        Ok(Proposed { id: id.to_owned(), subscription })
    }

    /// The handshake succeeded.
    pub fn confirm(&mut self, proposed: Proposed, created: bool) -> Result<(), GraphError> {
        // Its handshake took a while: it may be gone by now.
        if !created && !self.0.contains_key(&proposed.id) {
            return Err(missing(&proposed.id));
        }
        if let Some(id) = self.same(&proposed.subscription).filter(|id| *id != proposed.id) {
            let message = format!("Subscription Id {id} already exists for the requested combination");
            return Err(GraphError::new(409, "Conflict", message));
        }
        self.0.insert(proposed.id, proposed.subscription);
        Ok(())
    }

    /// What `POST /subscriptions` answers: the fields sent, clientState among them.
    pub fn created(&mut self, id: &str, app: &str, base: &str, now: Timestamp) -> Result<Value, GraphError> {
        let mut body = self.shown(id, app, base, now)?;
        body["clientState"] =
            json!(self.0.get(id).and_then(|subscription| subscription.client_state.clone()));
        Ok(body)
    }

    /// `GET /subscriptions/{id}`.
    pub fn shown(&mut self, id: &str, app: &str, base: &str, now: Timestamp) -> Result<Value, GraphError> {
        self.expire(now);
        let subscription = self.0.get(id).ok_or_else(|| missing(id))?;
        let mut body = show(id, subscription, app);
        body["@odata.context"] = json!(format!("{base}/$metadata#subscriptions/$entity"));
        Ok(body)
    }

    /// `GET /subscriptions`.
    pub fn list(&mut self, app: &str, base: &str, now: Timestamp) -> Value {
        self.expire(now);
        let all: Vec<Value> = self.0.iter().map(|(id, subscription)| show(id, subscription, app)).collect();
        json!({"@odata.context": format!("{base}/$metadata#subscriptions"), "value": all})
    }

    /// `DELETE /subscriptions/{id}`.
    pub fn delete(&mut self, id: &str, now: Timestamp) -> Result<(), GraphError> {
        self.expire(now);
        self.0.remove(id).map(|_| ()).ok_or_else(|| missing(id))
    }

    /// The notifications that a change gives.
    pub fn notifications(&mut self, notice: &Notice, tenant: &str, now: Timestamp) -> Vec<Notification> {
        self.expire(now);
        let wanted = |subscription: &&Subscription| {
            let change = if notice.deleted { "deleted" } else { "updated" };
            subscription.change_types.contains(change) && covers(&subscription.path, notice)
        };
        let all = self.0.iter().filter(|(_, subscription)| wanted(subscription));
        all.map(|(id, subscription)| Notification {
            url: subscription.notification_url.clone(),
            content: content(id, subscription, notice, tenant, now),
        })
        .collect()
    }

    /// A lifecycle notification for every subscription.
    pub fn lifecycle(&mut self, event: &str, tenant: &str, now: Timestamp) -> Vec<Notification> {
        self.expire(now);
        let gone = if event == "subscriptionRemoved" { std::mem::take(&mut self.0) } else { BTreeMap::new() };
        let told = self.0.iter().chain(&gone).filter_map(|(id, subscription)| {
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
        let same = |held: &Subscription| held.path == wanted.path && held.change_types == wanted.change_types;
        self.0.iter().find(|(_, held)| same(held)).map(|(id, _)| id.clone())
    }

    fn expire(&mut self, now: Timestamp) {
        self.0.retain(|_, subscription| subscription.expires > now);
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

fn show(id: &str, subscription: &Subscription, app: &str) -> Value {
    let change_types: Vec<&str> = subscription.change_types.iter().rev().map(String::as_str).collect();
    json!({
        "id": id,
        "resource": subscription.resource,
        "applicationId": app,
        "changeType": change_types.join(","),
        "clientState": null,
        "notificationUrl": subscription.notification_url,
        "notificationQueryOptions": null,
        "lifecycleNotificationUrl": subscription.lifecycle_url,
        "expirationDateTime": subscription.expires.to_string(),
        "creatorId": app,
        "includeResourceData": null,
        "latestSupportedTlsVersion": subscription.tls_version,
        "encryptionCertificate": null,
        "encryptionCertificateId": null,
        "notificationUrlAppId": null,
    })
}

/// What `POST /subscriptions` takes.
const MEMBERS: [&str; 8] = [
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
    "includeResourceData",
];

fn refuse_others(body: &Value, known: &[&str]) -> Result<(), GraphError> {
    let body = body.as_object().ok_or_else(|| invalid("The body must be an object.".to_owned()))?;
    match body.keys().find(|name| !known.contains(&name.as_str()) && !name.starts_with("@odata.")) {
        None => Ok(()),
        Some(name) => Err(invalid(format!("'{name}' cannot be set here."))),
    }
}

fn tls_version(text: Option<String>) -> Result<String, GraphError> {
    let text = text.unwrap_or_else(|| "v1_2".to_owned());
    if ["v1_0", "v1_1", "v1_2", "v1_3"].contains(&text.as_str()) {
        Ok(text)
    } else {
        Err(invalid("latestSupportedTlsVersion must be v1_0, v1_1, v1_2 or v1_3.".to_owned()))
    }
}

fn covers(resource: &str, notice: &Notice) -> bool {
    let collection = notice.kind.collection();
    resource == collection
        || resource == format!("{collection}/{}", notice.id)
        || (notice.kind == Kind::Group
            && resource == format!("groups/{}/members", notice.id)
            && !notice.members.is_empty())
}

/// `users`, `groups`, or one of them with what may follow, without slashes around it.
fn path(text: &str) -> Result<String, GraphError> {
    let lower = text.to_ascii_lowercase();
    let trimmed = lower.trim_matches('/');
    let parts: Vec<&str> = trimmed.split('/').collect();
    match parts.as_slice() {
        ["users" | "groups"] | ["users" | "groups", _] | ["groups", _, "members" | "owners"] => {
            Ok(trimmed.to_owned())
        }
        _ => Err(invalid(format!("Resource '{text}' is not supported."))),
    }
}

/// https, or http on this machine: nothing else can be reached from here.
fn address(name: &str, text: &str) -> Result<String, GraphError> {
    let url = Url::parse(text).map_err(|_| invalid(format!("'{name}' is not an absolute address.")))?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        Ok(text.to_owned())
    } else {
        Err(invalid(format!("'{name}' must use https.")))
    }
}

fn client_state(text: Option<String>) -> Result<Option<String>, GraphError> {
    match text {
        Some(text) if text.chars().count() > LONGEST_CLIENT_STATE => {
            Err(invalid("clientState must have at most 128 characters.".to_owned()))
        }
        text => Ok(text),
    }
}

fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, GraphError> {
    let expires: Timestamp =
        text.parse().map_err(|_| invalid("expirationDateTime is no date and time.".to_owned()))?;
    if expires <= now {
        return Err(invalid("expirationDateTime is in the past.".to_owned()));
    }
    if expires > now + LONGEST {
        return Err(invalid("Subscription expiration can only be 41760 minutes in the future.".to_owned()));
    }
    Ok(expires.max(now + SHORTEST))
}

fn invalid(message: String) -> GraphError {
    GraphError::new(400, "InvalidRequest", message)
}

fn missing(id: &str) -> GraphError {
    GraphError::new(404, "ResourceNotFound", format!("The object was not found: subscription {id}."))
}
