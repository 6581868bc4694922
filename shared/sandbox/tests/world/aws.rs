//! Calls of the AWS APIs.

use super::{Answer, World};
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use url::form_urlencoded::Serializer;

/// Whose credentials sign.
#[derive(Clone)]
pub struct Keys {
    pub access_key: String,
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
        Self { access_key: "AKIDTEST".to_owned(), token: None }
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
        let request = signed(keys, "us-east-1", "appsauth")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AppsAuthControlPlaneService.{operation}"));
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
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
        let request = signed(keys, "us-east-1", service)
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let request = request.body(Body::from(form.finish())).unwrap();
        let response = self.sandbox.router().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Page { status, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }
}

/// A request that looks signed.
pub fn signed(keys: &Keys, region: &str, service: &str) -> axum::http::request::Builder {
    let scope = format!("{}/20261125/{region}/{service}/aws4_request", keys.access_key);
    let request = Request::post("/aws/").header("x-amz-date", "20261125T000000Z").header(
        "authorization",
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"),
    );
    match &keys.token {
        Some(token) => request.header("x-amz-security-token", token),
        None => request,
    }
}
