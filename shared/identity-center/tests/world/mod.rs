//! A small world for the tests: the real SDK client over a router, without sockets.

use aws_credential_types::Credentials;
use aws_sdk_identitystore::Client;
use aws_sdk_identitystore::config::http::{HttpRequest, HttpResponse};
use aws_sdk_identitystore::config::retry::RetryConfig;
use aws_sdk_identitystore::config::{
    BehaviorVersion, Builder, Config, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse as Answer;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt;
use planning::attributes::{UserAttribute, UserAttributes};
use tower::ServiceExt;

/// How the wiring builds its client, apart from the HTTP stack.
pub fn config(region: &str) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::from_keys("AKIDTEST", "secret", None))
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
}

/// A client of the AWS face at `endpoint` of this router; one attempt per call.
pub fn client(router: Router, endpoint: &str, region: &str) -> Client {
    let config = config(region).endpoint_url(endpoint).http_client(http_client(router));
    Client::from_conf(config.build())
}

/// An HTTP stack that ends at this router.
pub fn http_client(router: Router) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(RouterConnector(router));
    http_client_fn(move |_, _| connector.clone())
}

/// Calls a router as if it stood at the other end of a connection.
#[derive(Debug)]
struct RouterConnector(Router);

impl HttpConnector for RouterConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let router = self.0.clone();
        HttpConnectorFuture::new(async move {
            answer(router, request).await.map_err(|why| ConnectorError::other(why, None))
        })
    }
}

async fn answer(
    router: Router,
    request: HttpRequest,
) -> Result<HttpResponse, Box<dyn std::error::Error + Send + Sync>> {
    let request = request.try_into_http1x()?.map(Body::new);
    let (parts, body) = router.oneshot(request).await?.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let response = axum::http::Response::from_parts(parts, SdkBody::from(bytes));
    Ok(Answer::try_from(response)?)
}

/// A user with a value for every attribute; `manager` is a user of the store.
pub fn everything(name: &str, manager: &str) -> UserAttributes {
    use UserAttribute::*;
    let email = format!("{name}@example.com");
    let values = [
        (UserName, email.as_str()),
        (DisplayName, "Ada Lovelace"),
        (GivenName, "Ada"),
        (FamilyName, "Lovelace"),
        (Email, &email),
        (Title, "Analyst"),
        (PreferredLanguage, "en"),
        (Locale, "en-GB"),
        (TimeZone, "Europe/London"),
        (WorkPhone, "+44 20 7946 0000"),
        (StreetAddress, "12 St James's Square"),
        (City, "London"),
        (State, "Greater London"),
        (PostalCode, "SW1Y 4JH"),
        (Country, "United Kingdom"),
        (EmployeeNumber, "1815"),
        (Department, "Engines"),
        (Division, "Analysis"),
        (CostCenter, "4711"),
        (Organization, "Example Ltd"),
        (Manager, manager),
    ];
    assert_eq!(values.len(), UserAttribute::ALL.len(), "give every attribute a value here");
    values.into_iter().map(|(attribute, value)| (attribute, value.to_owned())).collect()
}

/// A user with what AWS demands, and nothing else.
pub fn bare(name: &str) -> UserAttributes {
    use UserAttribute::*;
    [UserName, DisplayName, GivenName, FamilyName]
        .into_iter()
        .map(|attribute| (attribute, name.to_owned()))
        .collect()
}
