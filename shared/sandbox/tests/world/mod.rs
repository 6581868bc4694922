//! A sandbox without sockets, and a caller who has signed in.

pub mod aws;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use sandbox::{NotificationSink, Sandbox, Settings, SinkAnswer};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

/// A webhook that echoes handshakes and keeps what it is sent.
pub struct Webhook {
    pub received: Mutex<Vec<Value>>,
    pub deaf: Mutex<bool>,
    /// How long it takes to answer a handshake, and with which status.
    pub handshake: Mutex<(Duration, u16)>,
    /// How long it takes to answer notifications.
    pub takes: Mutex<Duration>,
    /// Statuses for the next POSTs; 202 after them.
    pub statuses: Mutex<Vec<u16>>,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            received: Mutex::default(),
            deaf: Mutex::default(),
            handshake: Mutex::new((Duration::ZERO, 200)),
            takes: Mutex::default(),
            statuses: Mutex::default(),
        }
    }
}

pub struct World {
    pub sandbox: Sandbox,
    pub webhook: Arc<Webhook>,
    token: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<String>,
    pub headers: HeaderMap,
    pub body: Value,
}

#[async_trait]
impl NotificationSink for Webhook {
    async fn post(&self, url: &str, _: &str, body: String) -> Result<SinkAnswer, String> {
        let content_type = "text/plain; charset=utf-8".to_owned();
        if let Some((_, token)) = url.split_once("validationToken=") {
            if *self.deaf.lock().unwrap() {
                return Err("nobody listens".to_owned());
            }
            let decoded =
                url::form_urlencoded::parse(format!("t={token}").as_bytes()).next().unwrap().1.into_owned();
            let (takes, status) = *self.handshake.lock().unwrap();
            tokio::time::sleep(takes).await;
            return Ok(SinkAnswer { status, content_type, body: decoded });
        }
        let takes = *self.takes.lock().unwrap();
        tokio::time::sleep(takes).await;
        let status = if self.statuses.lock().unwrap().is_empty() {
            202
        } else {
            self.statuses.lock().unwrap().remove(0)
        };
        let body: Value = serde_json::from_str(&body).unwrap();
        if status == 202 {
            self.received.lock().unwrap().extend(body["value"].as_array().unwrap().clone());
        }
        Ok(SinkAnswer { status, content_type, body: String::new() })
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings { quotas: false, ..Settings::default() }).await
    }

    pub async fn with(settings: Settings) -> Self {
        let mut world = Self::unsigned(settings);
        world.sign_in().await;
        world
    }

    /// Nobody has signed in.
    pub fn unsigned(settings: Settings) -> Self {
        let webhook = Arc::new(Webhook::default());
        let sandbox = Sandbox::deliver_with(settings, webhook.clone());
        Self { sandbox, webhook, token: String::new() }
    }

    pub fn use_token(&mut self, token: &str) {
        token.clone_into(&mut self.token);
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn sign_in(&mut self) {
        self.sign_in_as("client_id", "client_secret").await;
    }

    /// As the app registration that owns the enterprise application.
    pub async fn sign_in_as_rotator(&mut self) {
        self.sign_in_as("rotator_client_id", "rotator_client_secret").await;
    }

    async fn sign_in_as(&mut self, id: &str, secret: &str) {
        let addresses = self.addresses();
        let text = |name: &str| addresses[name].as_str().unwrap().to_owned();
        let form = format!(
            "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_id={}&client_secret={}",
            text(id),
            text(secret)
        );
        let answer = self.login(&text("tenant_id"), form).await;
        self.token = answer.body["access_token"].as_str().unwrap().to_owned();
    }

    pub async fn login(&self, tenant: &str, form: String) -> Answer {
        let request = Request::post(format!("/login/{tenant}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .unwrap();
        self.send(request).await
    }

    pub fn addresses(&self) -> Value {
        self.sandbox.addresses("http://sandbox.test")
    }

    pub fn application(&self) -> String {
        self.addresses()["service_principal_id"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.graph("GET", path, Value::Null, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.graph("POST", path, body, &[]).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.graph("PATCH", path, body, &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.graph("DELETE", path, Value::Null, &[]).await
    }

    /// A Graph call; the path may be an absolute link.
    pub async fn graph(&self, method: &str, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        let path = path.strip_prefix("http://sandbox.test/graph/v1.0").unwrap_or(path);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/graph/v1.0{path}"))
            .header("host", "sandbox.test")
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn control(&self, path: &str, body: Value) -> Answer {
        let request = Request::post(format!("/control/{path}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    pub async fn calls(&self) -> Value {
        self.send(Request::get("/control/calls").body(Body::empty()).unwrap()).await.body
    }

    /// The text of a page, and its status.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let response =
            self.sandbox.router().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.sandbox.router().oneshot(request).await.unwrap();
        let status = response.status();
        let retry_after =
            response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let headers = response.headers().clone();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body =
            if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_default() };
        Answer { status, retry_after, headers, body }
    }

    pub async fn user(&self, alias: &str) -> String {
        let answer = self
            .post(
                "/users",
                json!({
                    "accountEnabled": true, "displayName": alias, "mailNickname": alias,
                    "userPrincipalName": format!("{alias}@contoso.example"),
                    "mail": format!("{alias}@contoso.example"),
                    "passwordProfile": {"password": "correct horse"},
                }),
            )
            .await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    pub async fn group(&self, name: &str, members: &[&str]) -> String {
        let group =
            json!({"displayName": name, "mailEnabled": false, "mailNickname": "g", "securityEnabled": true});
        let answer = self.post("/groups", group).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let id = answer.body["id"].as_str().unwrap().to_owned();
        for member in members {
            self.join(&id, member).await;
        }
        id
    }

    pub async fn join(&self, group: &str, member: &str) -> Answer {
        let reference =
            json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{member}")});
        self.post(&format!("/groups/{group}/members/$ref"), reference).await
    }

    pub async fn subscribe(&self, resource: &str) -> Answer {
        let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
        self.post(
            "/subscriptions",
            json!({
                "changeType": "updated,deleted", "resource": resource, "clientState": "secret",
                "notificationUrl": "http://127.0.0.1/notify", "lifecycleNotificationUrl": "http://127.0.0.1/lifecycle",
                "expirationDateTime": expires.to_string(),
            }),
        )
        .await
    }

    /// Delivers for as long as `work` takes, and then until nothing waits any more.
    pub async fn delivering<T>(&self, work: impl Future<Output = T>) -> T {
        let delivery = self.sandbox.deliver();
        let finish = async {
            let result = work.await;
            while self.calls().await["notifications"]["waiting"] != 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            result
        };
        tokio::select! {
            result = finish => result,
            () = delivery => panic!("the delivery ended"),
        }
    }

    pub fn received(&self) -> Vec<Value> {
        std::mem::take(&mut *self.webhook.received.lock().unwrap())
    }
}

pub fn values<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let items = answer.body["value"].as_array().unwrap_or_else(|| panic!("no list: {}", answer.body));
    items.iter().map(|item| item[name].as_str().unwrap()).collect()
}
