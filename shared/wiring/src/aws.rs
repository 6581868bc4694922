//! AWS clients over the shared HTTP client.

use crate::http::SharedHttp;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use engine::budget::{Budget, Budgets};
use identity_center::{IdentityStore, Instance, ThrottlesAreOurs};
use std::sync::Arc;
use std::time::Duration;

/// One attempt of a call: far above what any of the services needs, far below a function's time-out.
const ATTEMPT: Duration = Duration::from_secs(10);

/// A call with all its attempts.
const CALL: Duration = Duration::from_secs(25);

/// The configuration that every client is made from: credentials, region and endpoints as the AWS SDKs read
/// them from the environment (`AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`), standard
/// retries (three attempts, for throttling, server errors and broken connections), and time-outs. The identity
/// store's client leaves throttles to the rate budgets.
pub async fn configuration(http: SharedHttp) -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        .load()
        .await
}

/// The identity store within these budgets. What AWS throttles is repeated within them, not by the SDK.
pub(crate) fn identity_store(config: &SdkConfig, id: String, budgets: Budgets) -> IdentityStore {
    let client = aws_sdk_identitystore::config::Builder::from(config).retry_classifier(ThrottlesAreOurs);
    IdentityStore::new(aws_sdk_identitystore::Client::from_conf(client.build()), id, budgets)
}

/// The instance of this identity store within one budget for all of sso-admin.
pub(crate) fn instance(config: &SdkConfig, identity_store_id: String, calls: Budget) -> Instance {
    let client = aws_sdk_ssoadmin::config::Builder::from(config).retry_classifier(ThrottlesAreOurs);
    let client = aws_sdk_ssoadmin::Client::from_conf(client.build());
    Instance::new(client, identity_store_id, Arc::new(calls))
}
