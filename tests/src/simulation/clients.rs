//! AWS clients as `wiring` makes them, apart from the HTTP stack and the clock.

use super::clock::VirtualClock;
use super::network::{BASE, Network};
use aws_sdk_identitystore::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_identitystore::config::timeout::TimeoutConfig;
use aws_sdk_identitystore::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::SdkConfig;
use identity_center::ThrottlesAreOurs;
use std::time::Duration;

/// As `wiring` sets it.
const ATTEMPT: Duration = Duration::from_secs(10);
/// As above, with all attempts.
const CALL: Duration = Duration::from_secs(25);

/// What every client is made from.
pub fn configuration(network: Network, region: &str, clock: VirtualClock) -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build();
    let credentials = Credentials::new("simulated", "simulated", None, None, "simulated");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(format!("{BASE}/aws/"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(network)
        .time_source(clock)
        .sleep_impl(TokioSleep::new())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// The identity store's.
pub fn identity_store(configuration: &SdkConfig) -> aws_sdk_identitystore::Client {
    let client = aws_sdk_identitystore::config::Builder::from(configuration)
        .retry_classifier(ThrottlesAreOurs)
        .retry_partition(one_environment());
    aws_sdk_identitystore::Client::from_conf(client.build())
}

/// That of permission sets and account assignments.
pub fn sso_admin(configuration: &SdkConfig) -> aws_sdk_ssoadmin::Client {
    let client = aws_sdk_ssoadmin::config::Builder::from(configuration)
        .retry_classifier(ThrottlesAreOurs)
        .retry_partition(one_environment());
    aws_sdk_ssoadmin::Client::from_conf(client.build())
}

/// That of the organization.
pub fn organizations(configuration: &SdkConfig) -> aws_sdk_organizations::Client {
    let client = aws_sdk_organizations::config::Builder::from(configuration);
    aws_sdk_organizations::Client::from_conf(client.retry_partition(one_environment()).build())
}

fn one_environment() -> RetryPartition {
    RetryPartition::custom("one environment").build()
}
