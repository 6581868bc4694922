//! The subscriptions to change notifications, behind the engine's port (Graph: subscription resource).

use crate::answer::Purpose;
use crate::client::{GraphClient, Page};
use crate::subscription_answer::judge_subscription;
use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use engine::subscriptions::ports::{Created, Subscriptions};
use http::Method;
use jiff::Timestamp;
use planning::SubscriptionId;
use planning::digest::Digest;
use planning::subscriptions::{Observed, Resource, Wanted, WebhookAddress};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Characters of clientState that Graph takes (subscription resource).
const LONGEST_CLIENT_STATE: usize = 128;
/// A subscription needs the permission to read what it is to.
const PERMISSION: &str = "User.Read.All and Group.Read.All";
const LIST: Purpose<'static> =
    Purpose { operation: "GET /subscriptions", object: "", permission: PERMISSION };

/// Where the current clientState is kept.
#[async_trait]
pub trait CurrentClientState: Send + Sync {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read; the error says what to do.
    async fn current(&self) -> Result<SecretString, CallError>;
}

/// The subscriptions of an app registration.
#[derive(Clone)]
pub struct GraphSubscriptions {
    client: GraphClient,
    client_state: Arc<dyn CurrentClientState>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    id: SubscriptionId,
    resource: String,
    change_type: String,
    notification_url: String,
    lifecycle_notification_url: Option<String>,
    expiration_date_time: Timestamp,
}

/// What is of interest in the answer to a write.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    id: SubscriptionId,
    expiration_date_time: Timestamp,
}

impl GraphSubscriptions {
    /// Of the client's app registration, with notifications that carry this secret.
    pub fn new(client: GraphClient, client_state: Arc<dyn CurrentClientState>) -> Self {
        Self { client, client_state }
    }

    async fn secret(&self) -> Result<SecretString, CallError> {
        let secret = self.client_state.current().await?;
        let length = secret.expose_secret().chars().count();
        if (1..=LONGEST_CLIENT_STATE).contains(&length) {
            return Ok(secret);
        }
        let missing = format!(
            "the secret has {length} characters, and Graph takes 1 to {LONGEST_CLIENT_STATE}: store another one in \
             CLIENT_STATE_SECRET"
        );
        Err(CallError::new("read", "clientState", Cause::Incomplete { missing }))
    }
}

#[async_trait]
impl Subscriptions for GraphSubscriptions {
    async fn list(&self) -> Result<Vec<Observed>, CallError> {
        let first: Page<Subscription> = self.client.get("/subscriptions", LIST).await?;
        let all = self.client.follow(first, LIST).await?.value;
        Ok(all.into_iter().map(observed).collect())
    }

    async fn create(
        &self,
        resource: Resource,
        webhook: &WebhookAddress,
        until: Timestamp,
    ) -> Result<Created, CallError> {
        let secret = self.secret().await?;
        let changes: Vec<String> = Wanted::change_types().into_iter().rev().collect();
        let body = json!({
            "changeType": changes.join(","),
            "notificationUrl": webhook.notification_url(),
            "lifecycleNotificationUrl": webhook.lifecycle_url(),
            "resource": resource.to_string(),
            "expirationDateTime": moment(until),
            "clientState": secret.expose_secret(),
            "latestSupportedTlsVersion": "v1_2",
        });
        let permission = match resource {
            Resource::Users => "User.Read.All",
            Resource::Groups => "Group.Read.All",
        };
        let purpose = Purpose { operation: "POST /subscriptions", object: resource.name(), permission };
        let body = Bytes::from(body.to_string());
        let made: Written =
            self.client.subscribe(&Method::POST, "/subscriptions", body, judge_subscription, purpose).await?;
        Ok(Created { id: made.id, expires: made.expiration_date_time, client_state: digest(&secret) })
    }

    async fn renew(&self, id: &SubscriptionId, until: Timestamp) -> Result<Timestamp, CallError> {
        let body = Bytes::from(json!({"expirationDateTime": moment(until)}).to_string());
        let purpose = of_one("PATCH /subscriptions/{id}", id);
        let path = format!("/subscriptions/{id}");
        let renewed: Written =
            self.client.subscribe(&Method::PATCH, &path, body, judge_subscription, purpose).await?;
        Ok(renewed.expiration_date_time)
    }

    async fn delete(&self, id: &SubscriptionId) -> Result<(), CallError> {
        self.client.delete(&format!("/subscriptions/{id}"), of_one("DELETE /subscriptions/{id}", id)).await
    }

    async fn client_state(&self) -> Result<Digest, CallError> {
        Ok(digest(&self.secret().await?))
    }
}

fn observed(subscription: Subscription) -> Observed {
    let changes = subscription.change_type.split(',');
    Observed {
        id: subscription.id,
        resource: subscription.resource,
        change_types: changes.map(|change| change.trim().to_owned()).collect(),
        notification_url: subscription.notification_url,
        lifecycle_url: subscription.lifecycle_notification_url,
        expires: subscription.expiration_date_time,
    }
}

fn of_one<'a>(operation: &'static str, id: &'a SubscriptionId) -> Purpose<'a> {
    Purpose { operation, object: id.as_str(), permission: PERMISSION }
}

/// Whole seconds: more digits say nothing here.
fn moment(until: Timestamp) -> String {
    until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn digest(secret: &SecretString) -> Digest {
    Digest::of(&secret.expose_secret())
}
