//! Keeps the SDK from retrying what AWS throttles: it would not wait as long as AWS asks for.

use aws_sdk_identitystore::config::retry::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use std::borrow::Cow;

/// The error's name in the API model.
const THROTTLING: &str = "ThrottlingException";

/// A retry classifier for the identity store's client; all other retries stay the SDK's.
#[derive(Debug, Clone, Copy)]
pub struct ThrottlesAreOurs;

impl ClassifyRetry for ThrottlesAreOurs {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else { return RetryAction::NoActionIndicated };
        // AWS JSON names the error in a header or in `__type`, and its status is 400 as that of any refusal.
        let header = response.headers().get("x-amzn-errortype").unwrap_or_default();
        let body = || String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
        let throttled = match response.status().as_u16() {
            429 => true,
            400..=499 => header.contains(THROTTLING) || is_named_in(body()),
            _ => false,
        };
        if throttled { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "throttles are ours"
    }
}

fn is_named_in(body: Cow<'_, str>) -> bool {
    body.contains(THROTTLING)
}
