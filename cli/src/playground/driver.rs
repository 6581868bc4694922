//! Whoever plays the story: an administrator of the sandbox's tenant who also looks into Identity Center and
//! into the sandbox's own counts.

use super::comparison::{self, Exceptions, Side};
use super::control::Control;
use super::entra::Entra;
use super::text;
use aws_sdk_identitystore::Client;
use aws_sdk_identitystore::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_identitystore::config::retry::RetryConfig;
use aws_sdk_identitystore::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents, SharedCredentialsProvider,
};
use aws_sdk_identitystore::error::BoxError;
use aws_sdk_identitystore::operation::list_groups::builders::ListGroupsFluentBuilder;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::SdkConfig;
use identity_center::ThrottlesAreOurs;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::sync::Mutex;
use wiring::http::SharedHttp;

/// How long the story's subscriptions live; Graph allows 41,760 minutes.
const SUBSCRIPTION: SignedDuration = SignedDuration::from_hours(24);

/// Plays the story and looks at both sides, uncounted.
pub struct Driver {
    /// Entra ID.
    pub entra: Entra,
    /// The sandbox's own face.
    pub control: Control,
    client: Client,
    store: String,
    service_principal: String,
    /// The last name of every object that was ever seen: who is deleted still has one.
    names: Mutex<BTreeMap<String, String>>,
}

impl Driver {
    /// Signs in to a tenant that is ready made, as its app registration.
    pub async fn sign_in(addresses: &Value) -> anyhow::Result<Self> {
        let entra = Entra::sign_in(addresses).await?;
        Self::with(entra, addresses, text(addresses, "service_principal_id"))
    }

    /// Signs in as an administrator; `service_principal` is the enterprise application's.
    pub async fn administer(addresses: &Value, service_principal: &str) -> anyhow::Result<Self> {
        let entra = Entra::administer(addresses, service_principal).await?;
        Self::with(entra, addresses, service_principal.to_owned())
    }

    fn with(entra: Entra, addresses: &Value, service_principal: String) -> anyhow::Result<Self> {
        let config = aws(addresses, SharedHttp::new()?);
        Ok(Self {
            entra,
            control: Control::of(addresses),
            client: identity_store_client(&config, true),
            store: text(addresses, "identity_store_id"),
            service_principal,
            names: Mutex::default(),
        })
    }

    /// Subscribes to users and groups, as the product does once deployed.
    pub async fn subscribe(&self, webhook: &str, client_state: &str) -> anyhow::Result<()> {
        let until = (Timestamp::now() + SUBSCRIPTION).to_string();
        self.entra.subscribe("/users", webhook, client_state, &until).await?;
        self.entra.subscribe("/groups", webhook, client_state, &until).await
    }

    /// What the assignments in Entra ID call for.
    pub async fn called_for(&self, exceptions: &Exceptions) -> anyhow::Result<Side> {
        comparison::called_for(&self.entra, &self.service_principal, exceptions).await
    }

    /// What Identity Center holds.
    pub async fn held(&self) -> anyhow::Result<Side> {
        comparison::held(&self.client, &self.store).await
    }

    /// The product's calls since they were forgotten.
    pub async fn calls(&self) -> anyhow::Result<Value> {
        self.control.look("calls").await
    }

    /// Counts from nought again.
    pub async fn forget_calls(&self) -> anyhow::Result<()> {
        self.control.forget_calls().await
    }

    /// True if no notification is on its way.
    pub async fn has_delivered(&self) -> anyhow::Result<bool> {
        Ok(self.calls().await?["notifications"]["waiting"] == 0)
    }

    /// The lines with names in place of the ids of both sides.
    pub async fn named(&self, lines: impl IntoIterator<Item = &String>) -> anyhow::Result<Vec<String>> {
        let mut names = self.names.lock().await;
        for path in ["/users", "/groups"] {
            for object in self.entra.list(path).await? {
                names.insert(text(&object, "id"), text(&object, "displayName"));
            }
        }
        let groups: ListGroupsFluentBuilder = self.client.list_groups().identity_store_id(&self.store);
        let mut pages = groups.into_paginator().items().send();
        while let Some(group) = pages.next().await {
            let group = group?;
            names.insert(group.group_id, group.display_name.unwrap_or_default());
        }
        let renamed =
            |line: &String| names.iter().fold(line.clone(), |line, (id, name)| line.replace(id, name));
        Ok(lines.into_iter().map(renamed).collect())
    }
}

/// What clients of the sandbox's AWS are made from, for somebody with any keys.
pub fn aws(addresses: &Value, http: SharedHttp) -> SdkConfig {
    aws_as(addresses, http, Credentials::new("playground", "playground", None, None, "playground"))
}

/// What clients of the sandbox's AWS are made from.
pub fn aws_as(addresses: &Value, http: SharedHttp, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(text(addresses, "region")))
        .endpoint_url(text(addresses, "aws"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard())
        .sleep_impl(TokioSleep::new())
        .http_client(http)
        .build()
}

/// A client of the sandbox's identity store; an uncounted one says that its calls are not the product's.
pub fn identity_store_client(aws: &SdkConfig, uncounted: bool) -> Client {
    let config = aws_sdk_identitystore::config::Builder::from(aws);
    let config = config.retry_classifier(ThrottlesAreOurs);
    let config = if uncounted { config.interceptor(NotTheProduct) } else { config };
    Client::from_conf(config.build())
}

/// Adds the sandbox's header for uncounted calls.
#[derive(Debug)]
struct NotTheProduct;

impl Intercept for NotTheProduct {
    fn name(&self) -> &'static str {
        "NotTheProduct"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert(sandbox::DRIVER_HEADER, "1");
        Ok(())
    }
}
