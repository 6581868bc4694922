//! App registrations at the login: who signs in, and with what.

use super::Tenant;
use super::client_assertion::{KeySets, Registration};
use super::login::{App, Claimant, Refusal, TokenRequest};
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
        let operator = self.token_of_operator(request, now);
        match operator.unwrap_or_else(|| self.granted(request, key_sets, now)) {
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
        let registered = self.registered_client(&client_id, request.field("client_secret"), now)?;
        let settings = &self.settings;
        let (app, secret) = match registered {
            Some(registered) => registered,
            None if !settings.empty && client_id == settings.client_id => {
                (App::Reader, settings.client_secret.clone())
            }
            None if !settings.empty && client_id == settings.rotator_client_id => {
                (App::Rotator, settings.rotator_client_secret.clone())
            }
            None => {
                let text = "Application was not found in the directory.";
                return Err(Refusal::new(400, "unauthorized_client", 700_016, text));
            }
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
        self.login.grant(request, &Claimant { app, secret: &secret, registration }, token, now)
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
}
