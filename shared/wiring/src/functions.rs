//! Invokes the deployed functions by name (Lambda's Invoke API, REST JSON), as an operator. The SDK's crate for Lambda has
//! hundreds of operations, and two are needed.

use crate::aws;
use crate::configuration::{ConfigurationError, environment};
use crate::http::SharedHttp;
use crate::operator::OperatorError;
use crate::variables::Variables;
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use entra::Transport;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Longer than any function may run (template.yaml, Timeout).
const TIME: Duration = Duration::from_secs(930);
/// The API's version, which its addresses begin with.
const VERSION: &str = "2015-03-31";
const SIGNING_NAME: &str = "lambda";

/// Lambda, in the account and Region of the SDK's default chain.
pub struct Functions {
    http: SharedHttp,
    config: SdkConfig,
    endpoint: String,
    region: String,
}

/// Why an invocation brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// Lambda refused it, or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The function failed: in its own words.
    #[error("{function} failed: {words}")]
    Failed {
        /// Which.
        function: String,
        /// `errorMessage`.
        words: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    environment: Option<Environment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

impl Functions {
    /// Connects, with the credentials and Region of the SDK's default chain; `AWS_ENDPOINT_URL_LAMBDA` and
    /// `AWS_ENDPOINT_URL` go before Lambda's own address.
    ///
    /// # Errors
    /// When no Region is set, or TLS cannot be set up.
    pub async fn connect() -> Result<Self, OperatorError> {
        let http = SharedHttp::new()?;
        let config = aws::configuration(http.clone()).await;
        let expected = "the Region that the system is deployed in";
        let region = config.region().map(ToString::to_string);
        let region = region.ok_or(ConfigurationError::Missing { name: "AWS_REGION", expected })?;
        let variables = Variables(&environment);
        let named = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"]
            .into_iter()
            .find_map(|name| variables.optional(name));
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let endpoint = named.unwrap_or_else(|| format!("https://lambda.{region}.{domain}"));
        Ok(Self { http, config, endpoint: endpoint.trim_end_matches('/').to_owned(), region })
    }

    /// The variables that a function runs with.
    ///
    /// # Errors
    /// When Lambda refuses, or knows no such function.
    pub async fn variables(&self, function: &str) -> Result<BTreeMap<String, String>, CallError> {
        let operation = "lambda:GetFunctionConfiguration";
        let answer = self.call(operation, "GET", function, "configuration", String::new()).await?;
        let read: Configuration = serde_json::from_slice(answer.body()).map_err(|_| {
            let missing = "the answer is no configuration of a function".to_owned();
            CallError::new(operation, function, Cause::Incomplete { missing })
        })?;
        Ok(read.environment.map(|environment| environment.variables).unwrap_or_default())
    }

    /// Has a function handle an event, and waits for its answer.
    ///
    /// # Errors
    /// When Lambda refuses, knows no such function, or the function fails.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value, InvocationError> {
        let answer =
            self.call("lambda:InvokeFunction", "POST", function, "invocations", event.to_string()).await?;
        let payload: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if answer.headers().contains_key("x-amz-function-error") {
            let words = payload["errorMessage"].as_str().unwrap_or("look at its log").to_owned();
            return Err(InvocationError::Failed { function: function.to_owned(), words });
        }
        Ok(payload)
    }

    async fn call(
        &self,
        operation: &str,
        method: &str,
        function: &str,
        what: &str,
        body: String,
    ) -> Result<http::Response<Bytes>, CallError> {
        let failed = |cause| CallError::new(operation, function, cause);
        let url = format!("{}/{VERSION}/functions/{function}/{what}", self.endpoint);
        let request = self.signed(method, &url, body).await.map_err(failed)?;
        let sent = tokio::time::timeout(TIME, Transport::send(&self.http, request)).await;
        let sent = sent.map_err(|_| failed(unanswered("timed out")))?;
        let answer = sent.map_err(|error| failed(unanswered(&error.detail)))?;
        match answer.status().as_u16() {
            200..=299 => Ok(answer),
            404 => Err(failed(Cause::Denied {
                remedy: format!(
                    "there is no such function in {}: deploy with `sam build && sam deploy`, or correct --stack or AWS_REGION",
                    self.region
                ),
            })),
            403 => Err(failed(Cause::Denied { remedy: format!("your AWS credentials need {operation}") })),
            429 => Err(failed(Cause::Throttled { retry_after: None })),
            status => Err(failed(unanswered(&format!("HTTP {status}")))),
        }
    }

    async fn signed(&self, method: &str, url: &str, body: String) -> Result<http::Request<Bytes>, Cause> {
        let denied =
            || Cause::Denied { remedy: "there are no AWS credentials: sign in to AWS first".to_owned() };
        let provider = self.config.credentials_provider().ok_or_else(denied)?;
        let identity = provider.provide_credentials().await.map_err(|_| denied())?.into();
        let headers = [("content-type", "application/json")];
        let parameters = SigningParams::builder().identity(&identity).region(&self.region).name(SIGNING_NAME);
        let parameters = parameters.time(SystemTime::now()).settings(SigningSettings::default()).build();
        let parameters = parameters.map_err(|error| unanswered(&format!("not signed: {error}")))?.into();
        let signable =
            SignableRequest::new(method, url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()));
        let signed = signable.and_then(|signable| sign(signable, &parameters));
        let signed = signed.map_err(|error| unanswered(&format!("not signed: {error}")))?;
        let (instructions, _) = signed.into_parts();
        let request = http::Request::builder().method(method).uri(url).header(headers[0].0, headers[0].1);
        let mut request =
            request.body(Bytes::from(body)).map_err(|_| unanswered("Lambda's address is none"))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

fn unanswered(detail: &str) -> Cause {
    Cause::Unanswered { detail: detail.to_owned() }
}
