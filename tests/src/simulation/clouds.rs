//! Both clouds as people use them: an administrator of the tenant, and somebody with the AWS console. What they
//! do is neither counted nor spoilt by faults.

use super::network::{BASE, oneshot};
use axum::Router;
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use std::sync::Mutex;

/// Somebody with every permission on both sides.
pub struct Administrator {
    router: Router,
    addresses: Value,
    token: Mutex<String>,
}

/// A refusal: the status, and the body.
pub type Refused = (u16, Value);

impl Administrator {
    /// Somebody at this sandbox.
    pub fn new(router: Router, addresses: Value) -> Self {
        Self { router, addresses, token: Mutex::default() }
    }

    /// One of the sandbox's ids.
    pub fn id(&self, name: &str) -> String {
        self.addresses[name].as_str().unwrap_or_default().to_owned()
    }

    /// A Graph call. A token that is not good any more is renewed.
    ///
    /// # Errors
    /// Graph's refusal.
    pub async fn graph(&self, method: Method, path: &str, body: Value) -> Result<Value, Refused> {
        match self.graph_once(&method, path, &body).await {
            Err((401, _)) => {
                self.sign_in().await?;
                self.graph_once(&method, path, &body).await
            }
            answer => answer,
        }
    }

    /// A call of the identity store's API.
    ///
    /// # Errors
    /// AWS's refusal.
    pub async fn identity_store(&self, operation: &str, mut body: Value) -> Result<Value, Refused> {
        body["IdentityStoreId"] = json!(self.id("identity_store_id"));
        let scope = format!("20260105/{}/identitystore/aws4_request", self.id("region"));
        let request = Request::post(format!("{BASE}/aws/"))
            .header("x-amz-target", format!("AWSIdentityStore.{operation}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-date", "20260105T000000Z")
            .header("authorization", format!("AWS4-HMAC-SHA256 Credential=console/{scope}, Signature=0"));
        self.send(request, Some(&body)).await
    }

    /// What stands in the identity store.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn identity_store_state(&self) -> Result<Value, Refused> {
        Ok(self.state().await?["identity_center"].take())
    }

    /// Everything on the side of AWS.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn state(&self) -> Result<Value, Refused> {
        self.send(Request::get(format!("{BASE}/control/state")), None).await
    }

    /// How often what was called.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn calls(&self) -> Result<Value, Refused> {
        self.send(Request::get(format!("{BASE}/control/calls")), None).await
    }

    /// Fills both clouds.
    ///
    /// # Errors
    /// When the sandbox does not take the seed.
    pub async fn seed(&self, seed: &Value) -> Result<Value, Refused> {
        let request =
            Request::post(format!("{BASE}/control/seed")).header("content-type", "application/json");
        self.send(request, Some(seed)).await
    }

    /// Asks the sandbox for faults.
    ///
    /// # Errors
    /// When the sandbox does not know them.
    pub async fn faults(&self, faults: &Value) -> Result<(), Refused> {
        let request =
            Request::post(format!("{BASE}/control/faults")).header("content-type", "application/json");
        self.send(request, Some(faults)).await.map(|_| ())
    }

    /// How many notifications the sandbox has not delivered yet.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn undelivered(&self) -> Result<u64, Refused> {
        Ok(self.calls().await?["notifications"]["waiting"].as_u64().unwrap_or_default())
    }

    async fn sign_in(&self) -> Result<(), Refused> {
        let form = format!(
            "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_id={}\
             &client_secret={}",
            self.id("client_id"),
            self.id("client_secret")
        );
        let url = format!("{BASE}/login/{}/oauth2/v2.0/token", self.id("tenant_id"));
        let request = Request::post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(sandbox::DRIVER_HEADER, "1")
            .body(Bytes::from(form));
        let request = request.map_err(|error| (0, json!(error.to_string())))?;
        let answer = answered(&self.router, request).await?;
        *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            answer["access_token"].as_str().unwrap_or_default().to_owned();
        Ok(())
    }

    async fn graph_once(&self, method: &Method, path: &str, body: &Value) -> Result<Value, Refused> {
        let token = self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}/graph/v1.0{path}"))
            .header("host", "sandbox.test")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        self.send(request, Some(body).filter(|body| !body.is_null())).await
    }

    async fn send(&self, request: http::request::Builder, body: Option<&Value>) -> Result<Value, Refused> {
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.header(sandbox::DRIVER_HEADER, "1").body(body);
        let request = request.map_err(|error| (0, json!(error.to_string())))?;
        answered(&self.router, request).await
    }
}

async fn answered(router: &Router, request: Request<Bytes>) -> Result<Value, Refused> {
    let answer = oneshot(router.clone(), request).await.map_err(|error| (0, json!(error)))?;
    let status = answer.status().as_u16();
    let body = serde_json::from_slice(answer.body()).unwrap_or_default();
    if answer.status().is_success() { Ok(body) } else { Err((status, body)) }
}
