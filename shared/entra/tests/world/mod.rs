//! A small world: the real client over the sandbox's router or a script, without sockets, in paused time.

pub mod script;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use engine::budget::Budget;
use engine::ports::{CallError, Cause, Clock};
use entra::{
    AppCredential, GraphClient, GraphDirectory, Occasion, Proof, ProofSource, Transport, TransportError,
};
use http::{Request, Response, header};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use planning::EntraObjectId;
use sandbox::{DRIVER_HEADER, Sandbox, Settings};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;
use tower::ServiceExt;

pub const GRAPH: &str = "http://sandbox.test/graph/v1.0";
const LOGIN: &str = "http://sandbox.test/login";

/// A tenant, and what is needed to sign in to it.
pub struct World {
    pub transport: Arc<SandboxTransport>,
    pub addresses: Value,
    /// The client secret that the product knows.
    pub secret: Arc<Mutex<String>>,
    clock: Arc<TestClock>,
}

impl World {
    pub fn new() -> Self {
        let clock = Arc::new(TestClock(Instant::now()));
        let settings = Settings { quotas: false, start: Some(clock.now()), ..Settings::default() };
        let sandbox = Sandbox::new(settings);
        let addresses = sandbox.addresses("http://sandbox.test");
        let secret = Arc::new(Mutex::new(addresses["client_secret"].as_str().unwrap().to_owned()));
        let transport = Arc::new(SandboxTransport { router: sandbox.router() });
        Self { transport, addresses, secret, clock }
    }

    /// The directory as the wiring makes it.
    pub fn directory(&self) -> GraphDirectory {
        self.directory_with(false)
    }

    /// With nested groups flattened.
    pub fn flat_directory(&self) -> GraphDirectory {
        self.directory_with(true)
    }

    fn directory_with(&self, flatten: bool) -> GraphDirectory {
        self.directory_of(&self.id_of("tenant_id"), flatten)
    }

    /// The directory of a tenant.
    pub fn directory_of(&self, tenant: &EntraObjectId, flatten: bool) -> GraphDirectory {
        self.directory_by(tenant, flatten, Arc::new(StoredSecret(self.secret.clone())))
    }

    /// The directory, for whoever proves who it is in this way.
    pub fn directory_with_proof(&self, proof: Arc<dyn ProofSource>) -> GraphDirectory {
        self.directory_by(&self.id_of("tenant_id"), false, proof)
    }

    fn directory_by(
        &self,
        tenant: &EntraObjectId,
        flatten: bool,
        proof: Arc<dyn ProofSource>,
    ) -> GraphDirectory {
        let credential =
            AppCredential::new(self.transport.clone(), LOGIN, tenant, &self.id_of("client_id"), proof);
        let client = GraphClient::new(
            self.transport.clone(),
            Arc::new(credential),
            GRAPH.to_owned(),
            self.clock.clone(),
            Budget::new("graph", 350.0),
        );
        GraphDirectory::new(client, self.id_of("service_principal_id"), flatten)
    }

    /// AWS's token for the sandbox's user, once outbound federation is on; its issuer and subject.
    pub async fn web_identity(&self) -> (Proof, String, String) {
        self.aws("iam", "Action=EnableOutboundWebIdentityFederation&Version=2010-05-08").await;
        let ask = "Action=GetWebIdentityToken&Version=2011-06-15&Audience.member.1=api%3A%2F%2FAzureADTokenExchange\
                   &SigningAlgorithm=RS256&DurationSeconds=3600";
        let answer = self.aws("sts", ask).await;
        let rest = answer.split_once("<WebIdentityToken>").unwrap().1;
        let token = rest.split_once("</").unwrap().0.to_owned();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let text = |name: &str| claims[name].as_str().unwrap().to_owned();
        (Proof::Federated(token.into()), text("iss"), text("sub"))
    }

    async fn aws(&self, service: &str, form: &'static str) -> String {
        let scope = format!("Credential=AKIDTEST/20261124/us-east-1/{service}/aws4_request");
        let request = Request::post("http://sandbox.test/aws/")
            .header(DRIVER_HEADER, "1")
            .header("x-amz-date", "20261124T080000Z")
            .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from_static(form.as_bytes()));
        let answer = self.transport.send(request.unwrap()).await.unwrap();
        String::from_utf8(answer.body().to_vec()).unwrap()
    }

    /// Lets whoever is named in AWS's tokens sign in as the reader.
    pub async fn trust(&self, issuer: &str, subject: &str) {
        let path = format!(
            "/applications/{}/federatedIdentityCredentials",
            self.addresses["client_object_id"].as_str().unwrap()
        );
        let body = json!({"name": "reader", "issuer": issuer, "subject": subject,
                          "audiences": ["api://AzureADTokenExchange"]});
        self.change("POST", &path, body).await;
    }

    /// Takes that back.
    pub async fn trust_no_more(&self) {
        let id = self.addresses["client_object_id"].as_str().unwrap();
        let path = format!("/applications/{id}/federatedIdentityCredentials/reader");
        self.change("DELETE", &path, Value::Null).await;
    }

    /// Lets whoever has the key of this certificate sign in as the reader.
    pub async fn register_certificate(&self, pem: &str) {
        let client = self.id_of("client_id").to_string();
        self.control("seed", json!({"app_certificates": [{"client_id": client, "certificate": pem}]})).await;
    }

    fn id_of(&self, name: &str) -> EntraObjectId {
        self.addresses[name].as_str().unwrap().parse().unwrap()
    }

    /// Fills the tenant; answers the ids by name.
    pub async fn seed(&self, seed: Value) -> Ids {
        Ids(self.control("seed", seed).await["entra"].clone())
    }

    /// Fails calls of the product.
    pub async fn faults(&self, faults: Value) {
        self.control("faults", faults).await;
    }

    /// As [`World::faults`], one rule for Graph.
    pub async fn fail(&self, operation: &str, rule: Value) {
        let mut rule = rule;
        rule["service"] = json!("graph");
        rule["operation"] = json!(operation);
        self.faults(json!({"rules": [rule]})).await;
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        self.transport.driven(Request::post(format!("http://sandbox.test/control/{path}")), body).await
    }

    /// Somebody changes something in Entra ID.
    pub async fn change(&self, method: &str, path: &str, body: Value) {
        let request = Request::builder().method(method).uri(format!("{GRAPH}{path}"));
        let form = format!(
            "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_id={}&client_secret={}",
            self.id_of("client_id"),
            self.addresses["client_secret"].as_str().unwrap()
        );
        let login = Request::post(format!("{LOGIN}/{}/oauth2/v2.0/token", self.id_of("tenant_id")))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(DRIVER_HEADER, "1")
            .body(Bytes::from(form));
        let token = self.transport.send(login.unwrap()).await.unwrap();
        let token: Value = serde_json::from_slice(token.body()).unwrap();
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        self.transport.driven(request.header(header::AUTHORIZATION, bearer), body).await;
    }

    /// Calls of the product to Graph so far, one for a batch.
    pub async fn round_trips(&self) -> u64 {
        self.calls().await["graph"]["round_trips"].as_u64().unwrap()
    }

    /// Token requests so far.
    pub async fn token_requests(&self) -> u64 {
        self.calls().await["login"]["round_trips"].as_u64().unwrap()
    }

    /// Calls of one operation so far, those inside a batch included.
    pub async fn operations(&self, operation: &str) -> u64 {
        self.calls().await["graph"]["operations"][operation].as_u64().unwrap_or(0)
    }

    async fn calls(&self) -> Value {
        let request = Request::get("http://sandbox.test/control/calls").body(Bytes::new()).unwrap();
        serde_json::from_slice(self.transport.send(request).await.unwrap().body()).unwrap()
    }
}

/// Object ids by userPrincipalName or displayName.
pub struct Ids(Value);

impl Ids {
    pub fn of(&self, name: &str) -> EntraObjectId {
        let id = self.0[name].as_str().unwrap_or_else(|| panic!("{name} was not seeded: {}", self.0));
        id.parse().unwrap()
    }

    pub fn len(&self) -> usize {
        self.0.as_object().unwrap().len()
    }
}

pub fn id(number: u32) -> EntraObjectId {
    EntraObjectId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
}

/// The cause of an error that must be one.
pub fn cause<T: std::fmt::Debug>(answer: Result<T, CallError>) -> Cause {
    match answer {
        Ok(answer) => panic!("an error was expected, and the answer is {answer:?}"),
        Err(error) => error.cause,
    }
}

/// Ends at the sandbox's router.
pub struct SandboxTransport {
    router: Router,
}

impl SandboxTransport {
    /// A call that is not the product's, and must succeed.
    async fn driven(&self, request: http::request::Builder, body: Value) -> Value {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = request.header(header::CONTENT_TYPE, "application/json").header(DRIVER_HEADER, "1");
        let answer = self.send(request.body(body).unwrap()).await.unwrap();
        let text = String::from_utf8_lossy(answer.body());
        assert!(answer.status().is_success(), "{}: {text}", answer.status());
        serde_json::from_str(&text).unwrap_or_default()
    }
}

#[async_trait]
impl Transport for SandboxTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().authority().unwrap().as_str().parse().unwrap();
        request.headers_mut().insert(header::HOST, host);
        let (parts, body) = self.router.clone().oneshot(request.map(Body::from)).await.unwrap().into_parts();
        Ok(Response::from_parts(parts, body.collect().await.unwrap().to_bytes()))
    }
}

/// Virtual time, from a fixed start.
pub struct TestClock(pub Instant);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).unwrap();
        Timestamp::from_second(1_800_000_000).unwrap() + passed
    }
}

struct StoredSecret(Arc<Mutex<String>>);

#[async_trait]
impl ProofSource for StoredSecret {
    async fn proof(&self, _: Occasion<'_>) -> Result<Proof, CallError> {
        Ok(Proof::ClientSecret(self.0.lock().unwrap().clone().into()))
    }
}
