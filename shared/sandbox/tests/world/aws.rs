//! Calls of the AWS APIs.

use super::{Answer, World};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tower::ServiceExt;
use url::form_urlencoded::Serializer;

/// Whose credentials sign.
#[derive(Clone)]
pub struct Keys {
    pub access_key: String,
    pub secret: String,
    pub token: Option<String>,
}

/// An answer in XML.
pub struct Page {
    pub status: u16,
    pub text: String,
}

impl Keys {
    /// The home account's own.
    pub fn home() -> Self {
        Self { access_key: "AKIDTEST".to_owned(), secret: "secret".to_owned(), token: None }
    }
}

impl Page {
    /// The text of the first element of this name, which may be empty.
    pub fn element(&self, name: &str) -> String {
        let document = roxmltree::Document::parse(&self.text).unwrap();
        let found = document.descendants().find(|node| node.tag_name().name() == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.text)).text().unwrap_or_default().to_owned()
    }

    /// The texts of all elements of this name.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(&self.text).unwrap();
        let found = document.descendants().filter(|node| node.tag_name().name() == name);
        found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    /// The status and the error's code.
    pub fn error(&self) -> (u16, String) {
        (self.status, self.element("Code"))
    }
}

impl World {
    /// A call of the console's own API.
    pub async fn console(&self, keys: &Keys, operation: &str, body: Value) -> Answer {
        let target = format!("AppsAuthControlPlaneService.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
        self.send(signed(keys, "us-east-1", "appsauth", &headers, body.to_string())).await
    }

    /// A call of sso-admin.
    pub async fn admin(&self, operation: &str, body: Value) -> Answer {
        self.json_1_1("sso", &format!("SWBExternalService.{operation}"), body).await
    }

    /// A call of AWS Organizations.
    pub async fn organizations(&self, operation: &str, body: Value) -> Answer {
        self.json_1_1("organizations", &format!("AWSOrganizationsV20161128.{operation}"), body).await
    }

    async fn json_1_1(&self, service: &str, target: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        self.send(signed(&Keys::home(), "us-east-1", service, &headers, body.to_string())).await
    }

    /// A call of IAM.
    pub async fn iam(&self, keys: &Keys, action: &str, parameters: &[(&str, &str)]) -> Page {
        self.query(keys, "iam", "2010-05-08", action, parameters).await
    }

    /// A call of STS.
    pub async fn sts(&self, keys: &Keys, action: &str, parameters: &[(&str, &str)]) -> Page {
        self.query(keys, "sts", "2011-06-15", action, parameters).await
    }

    pub async fn query(
        &self,
        keys: &Keys,
        service: &str,
        version: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Page {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", version).extend_pairs(parameters);
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let request = signed(keys, "us-east-1", service, &headers, form.finish());
        let response = self.sandbox.router().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Page { status, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }
}

/// The request, signed as the SDK signs.
pub fn signed(
    keys: &Keys,
    region: &str,
    service: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Request<Body> {
    let credentials = Credentials::new(&keys.access_key, &keys.secret, keys.token.clone(), None, "test");
    let identity = credentials.into();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_564_800);
    let parameters = SigningParams::builder().identity(&identity).region(region).name(service);
    let parameters = parameters.time(time).settings(SigningSettings::default()).build().unwrap().into();
    let url = "http://sandbox.test/aws/";
    let signable =
        SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()));
    let (instructions, _) = sign(signable.unwrap(), &parameters).unwrap().into_parts();
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body)).unwrap();
    instructions.apply_to_request_http1x(&mut request);
    request
}
