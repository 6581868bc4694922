//! One call of the console's API: AWS JSON 1.0, signed for the service `appsauth`.

use super::console::ConsoleApi;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use engine::ports::{CallError, Cause};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::{Duration, SystemTime};

const TARGET_PREFIX: &str = "AppsAuthControlPlaneService";
const SIGNING_NAME: &str = "appsauth";
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
/// A call may take this long.
const TIME: Duration = Duration::from_secs(10);
/// Bytes of an answer; two certificates have 6,000.
const LARGEST: usize = 1 << 20;

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
}

struct Answer {
    status: u16,
    error_type: String,
    request_id: String,
    body: Vec<u8>,
}

impl ConsoleApi {
    /// Calls an operation. Everything but the answer that the model describes is an error.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        input: &Value,
    ) -> Result<T, CallError> {
        let failed = |cause| CallError::new(operation, &self.directory_id, cause);
        let sent = tokio::time::timeout(TIME, self.send(operation, input)).await;
        let answer = sent.unwrap_or_else(|_| Err(unanswered("timed out"))).map_err(failed)?;
        if answer.status != 200 {
            return Err(failed(refusal(operation, &answer)));
        }
        serde_json::from_slice(&answer.body).map_err(|_| {
            let missing =
                "the answer of the console's API is not as it is known: people import for now".to_owned();
            failed(Cause::Incomplete { missing })
        })
    }

    async fn send(&self, operation: &str, input: &Value) -> Result<Answer, Cause> {
        let request = self.signed(operation, input.to_string()).await?;
        let sent = self.connector.call(request).await;
        let mut answer = sent.map_err(|error| unanswered(&format!("no connection: {error}")))?;
        let header = |name| answer.headers().get(name).unwrap_or_default().to_owned();
        let (error_type, request_id) = (header("x-amzn-errortype"), header("x-amzn-requestid"));
        let status = answer.status().as_u16();
        let body = answer.take_body();
        let body = body.bytes().ok_or_else(|| unanswered("the answer did not come in one piece"))?;
        if body.len() > LARGEST {
            return Err(unanswered("the answer has more than 1 MiB"));
        }
        Ok(Answer { status, error_type, request_id, body: body.to_vec() })
    }

    async fn signed(&self, operation: &str, body: String) -> Result<HttpRequest, Cause> {
        let credentials = self.credentials.provide_credentials().await;
        let identity =
            credentials.map_err(|_| denied("the function has no AWS credentials: check its role"))?.into();
        let target = format!("{TARGET_PREFIX}.{operation}");
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", target.as_str())];
        let parameters = SigningParams::builder().identity(&identity).region(&self.region).name(SIGNING_NAME);
        let time = SystemTime::try_from(self.clock.now()).map_err(|_| unanswered("there is no such time"))?;
        let parameters = parameters.time(time).settings(SigningSettings::default()).build();
        let parameters = parameters.map_err(|error| unanswered(&format!("not signed: {error}")))?.into();
        let signable = SignableRequest::new(
            "POST",
            &self.endpoint,
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let signed = signable.and_then(|signable| sign(signable, &parameters));
        let (instructions, _) =
            signed.map_err(|error| unanswered(&format!("not signed: {error}")))?.into_parts();
        let mut request = http::Request::post(&self.endpoint);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(SdkBody::from(body));
        let mut request = request.map_err(|_| unanswered("the console API's address is none"))?;
        instructions.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| unanswered(&format!("not built: {error}")))
    }
}

/// The model names no errors; these are the usual names. AWS's message is dropped.
fn refusal(operation: &str, answer: &Answer) -> Cause {
    let in_body =
        serde_json::from_slice::<Refusal>(&answer.body).map(|refusal| refusal.kind).unwrap_or_default();
    let named = if answer.error_type.is_empty() { in_body } else { answer.error_type.clone() };
    // `namespace#Name:address`, by the protocol.
    let name = named.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    match name {
        "ResourceNotFoundException" => Cause::NotFound,
        "ConflictException" => Cause::Conflict,
        "ThrottlingException" | "TooManyRequestsException" => Cause::Throttled { retry_after: None },
        "AccessDeniedException" => denied(&format!(
            "grant sso-directory:{operation} to the function's role, or set IDENTITY_CENTER_CERTIFICATES to manual"
        )),
        _ if answer.status >= 500 => unanswered(&format!("HTTP {}", answer.status)),
        name => Cause::Refused {
            code: plain(name, &format!("HTTP {}", answer.status)),
            request_id: plain(&answer.request_id, "unknown"),
        },
    }
}

/// A code or id without anything that could be content.
fn plain(text: &str, otherwise: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_plain = !text.is_empty() && text.len() <= 80 && text.chars().all(legal);
    if is_plain { text.to_owned() } else { otherwise.to_owned() }
}

fn denied(remedy: &str) -> Cause {
    Cause::Denied { remedy: remedy.to_owned() }
}

fn unanswered(detail: &str) -> Cause {
    Cause::Unanswered { detail: detail.to_owned() }
}
