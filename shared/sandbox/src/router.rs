//! All faces under one router.

use crate::{Sandbox, aws, control, federation_metadata, graph, issuer, operators, sign_in};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};

/// The router.
pub fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/graph/v1.0/{*path}", any(graph::answer))
        .route("/login/{tenant}/oauth2/v2.0/token", post(graph::token))
        .route("/login/{tenant}/oauth2/v2.0/devicecode", post(operators::device_code))
        .route(
            "/login/{tenant}/federationmetadata/2007-06/federationmetadata.xml",
            get(federation_metadata::answer),
        )
        .route("/issuers/{id}/.well-known/openid-configuration", get(issuer::discovery))
        .route("/issuers/{id}/.well-known/jwks.json", get(issuer::key_set))
        .route("/.well-known/openid-configuration", get(issuer::discovery_at_host))
        .route("/.well-known/jwks.json", get(issuer::key_set_at_host))
        .route("/aws", post(aws::answer))
        .route("/aws/", post(aws::answer))
        .route("/control/seed", post(control::seed).layer(DefaultBodyLimit::disable()))
        .route("/control/faults", post(control::faults))
        .route("/control/calls", get(control::calls).delete(control::forget_calls))
        .route("/control/session", post(control::session))
        .route("/control/sign-in", post(sign_in::sign_in))
        .route("/control/sign-in-events", get(sign_in::events))
        .route("/control/operator", post(operators::operator))
        .route("/control/device-code", get(operators::open_codes).post(operators::type_code))
        .route("/control/consent", post(operators::consent))
        .route("/control/aws-metadata", get(control::aws_metadata))
        .route("/control/state", get(control::state))
        .route("/control/reset", post(control::reset))
        .route("/control/clock", post(control::clock))
        .with_state(sandbox)
}
