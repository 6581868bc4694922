//! The app registrations of the ready-made tenant: who signs in, and with what.

use super::Tenant;
use super::answer::{GraphAnswer, GraphError};
use super::client_assertion::{KeySets, Registration};
use super::federated_credentials::COLLECTION;
use super::login::{App, Claimant, Refusal, TokenRequest};
use super::query::GraphRequest;
use crate::x509::Certificate;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// A certificate that an app registration signs in with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateSeed {
    client_id: String,
    /// In PEM.
    certificate: String,
}

impl Tenant {
    /// Answers a token request: the status, and the body. `key_sets` reads the keys of issuers of tokens.
    pub fn token(
        &mut self,
        request: &TokenRequest<'_>,
        key_sets: &KeySets<'_>,
        now: Timestamp,
    ) -> (u16, Value) {
        match self.granted(request, key_sets, now) {
            Ok(body) => (200, body),
            Err(refusal) => refusal.answer(),
        }
    }

    fn granted(
        &mut self,
        request: &TokenRequest<'_>,
        key_sets: &KeySets<'_>,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let token = format!("{}.{}", self.ids.uuid().simple(), self.ids.uuid().simple());
        request.check(&self.settings.tenant_id)?;
        let client_id = request.field("client_id").to_ascii_lowercase();
        let settings = &self.settings;
        let (app, secret) = if client_id == settings.client_id {
            (App::Reader, &settings.client_secret)
        } else if client_id == settings.rotator_client_id {
            (App::Rotator, &settings.rotator_client_secret)
        } else {
            let text = "Application was not found in the directory.";
            return Err(Refusal::new(400, "unauthorized_client", 700_016, text));
        };
        let asserts = request.form.contains_key("client_assertion");
        let federated = if asserts { self.federated.seen(&client_id, now) } else { Vec::new() };
        let certificates = self.app_certificates.get(&client_id).map_or(&[][..], Vec::as_slice);
        let registration = Registration {
            client_id: &client_id,
            federated: &federated,
            certificates,
            token_url: request.url,
            key_sets,
        };
        self.login.grant(request, &Claimant { app, secret, registration }, token, now)
    }

    /// Registers certificates (`keyCredentials` of app registrations): each with `client_id` and `certificate` in PEM.
    ///
    /// # Errors
    /// Says what is wrong with the seed.
    pub fn seed_app_certificates(&mut self, seeds: &[Value]) -> Result<(), String> {
        for seed in seeds {
            let seed: CertificateSeed =
                serde_json::from_value(seed.clone()).map_err(|error| format!("app_certificates: {error}"))?;
            let certificate = Certificate::from_pem(&seed.certificate)?;
            self.app_certificates.entry(seed.client_id.to_ascii_lowercase()).or_default().push(certificate);
        }
        Ok(())
    }

    /// `GET /applications/..`.
    pub(super) fn read_registration(&self, request: &GraphRequest) -> Result<GraphAnswer, GraphError> {
        let (client_id, path) = self.registration_in(request)?;
        match path.as_slice() {
            [name, rest @ ..] if *name == COLLECTION => self.read_federated(&client_id, rest, request),
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }

    /// Any other method on `/applications/..`.
    pub(super) fn write_registration(
        &mut self,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        let (client_id, path) = self.registration_in(request)?;
        match path.as_slice() {
            [name, rest @ ..] if *name == COLLECTION => self.write_federated(&client_id, rest, request, now),
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }

    /// The client id of `/applications/{id}` or `/applications(appId='{client id}')`, and what follows.
    fn registration_in<'a>(&self, request: &'a GraphRequest) -> Result<(String, Vec<&'a str>), GraphError> {
        let settings = &self.settings;
        let all = [
            (&settings.client_object_id, &settings.client_id),
            (&settings.rotator_object_id, &settings.rotator_client_id),
        ];
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let (named, rest) = match segments.as_slice() {
            ["applications", id, rest @ ..] => (*id, rest),
            [first, rest @ ..] => (*first, rest),
            [] => ("", &[][..]),
        };
        let key = named.strip_prefix("applications(appId='").and_then(|rest| rest.strip_suffix("')"));
        let found = all.iter().find(|(object, client)| match key {
            Some(key) => client.eq_ignore_ascii_case(key),
            None => object.eq_ignore_ascii_case(named),
        });
        let found = found.ok_or_else(|| GraphError::not_found(key.unwrap_or(named)))?;
        Ok((found.1.clone(), rest.to_vec()))
    }
}

/// True for `applications` and `applications(appId='..')`.
pub(super) fn is_registrations(segment: &str) -> bool {
    segment == "applications" || segment.starts_with("applications(")
}
