//! Adding, preferring and removing the certificates of the enterprise application.

use super::Tenant;
use super::answer::{GraphAnswer, GraphError};
use super::membership_checks::refuse_others;
use super::query::GraphRequest;
use super::signing::{SigningBehaviour, SigningCredential, SigningCredentials};
use crate::x509::nth_key;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest validity, and the one that is given unasked, in years.
const MOST_YEARS: i64 = 3;
/// The longest common name (X.520, ub-common-name).
const LONGEST_COMMON_NAME: usize = 64;
/// What the portal calls a certificate.
const DEFAULT_NAME: &str = "CN=Microsoft Azure Federated SSO Certificate";

/// A certificate to begin with.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CertificateSeed {
    display_name: Option<String>,
    started_days_ago: i32,
    expires_in_days: Option<i32>,
    preferred: bool,
    foreign: bool,
    /// Read by whoever seeds Identity Center.
    #[serde(rename = "trusted")]
    _trusted: bool,
}

impl Tenant {
    /// Sets how signing behaves where it is not documented.
    pub fn set_signing(&mut self, behaviour: SigningBehaviour) {
        self.signing = behaviour;
        self.seen_by_graph.set(behaviour.graph_delay);
        self.seen_in_metadata.set(behaviour.metadata_delay);
    }

    /// `POST addTokenSigningCertificate`. Not idempotent: each call makes another certificate.
    pub(super) fn add_certificate(
        &mut self,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        refuse_others(&request.body, &["displayName", "endDateTime"])?;
        let name = request.body["displayName"].as_str().ok_or_else(|| invalid("displayName"))?;
        let latest = years_after(now, MOST_YEARS)?;
        let end = match &request.body["endDateTime"] {
            Value::Null => latest,
            Value::String(text) => text.parse().map_err(|_| invalid("endDateTime"))?,
            _ => return Err(invalid("endDateTime")),
        };
        if end <= now || end > latest {
            return Err(invalid("endDateTime"));
        }
        let added = self.new_credential(name, now, end)?;
        let answer = added.self_signed_certificate(&request.base);
        let first = self.application.signing.held.is_empty() && self.signing.first_is_preferred;
        self.change_signing(now, |signing| {
            signing.preferred = if first { Some(added.thumbprint()) } else { signing.preferred.take() };
            signing.held.push(Arc::new(added));
        });
        Ok(GraphAnswer::ok(answer))
    }

    /// `PATCH /servicePrincipals/{id}`, as far as certificates go.
    pub(super) fn update_application(
        &mut self,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        const PROPERTIES: [&str; 3] =
            ["preferredTokenSigningKeyThumbprint", "keyCredentials", "passwordCredentials"];
        refuse_others(&request.body, &PROPERTIES)?;
        let body =
            request.body.as_object().filter(|body| PROPERTIES.iter().any(|name| body.contains_key(*name)));
        let body = body.ok_or_else(|| GraphError::bad_request("The request changes nothing."))?;
        let mut changed = self.application.signing.clone();
        let removed = removed(&changed, body)?;
        changed.remove(&removed);
        if let Some(thumbprint) = body.get("preferredTokenSigningKeyThumbprint") {
            changed.prefer(thumbprint)?;
        }
        self.change_signing(now, |signing| *signing = changed);
        Ok(GraphAnswer::no_content())
    }

    /// Adds certificates as if they had been made some time ago. Each may have `display_name`,
    /// `started_days_ago` (0 if left out), `expires_in_days` (three years after its start if left out; less than 0
    /// if it has expired), `preferred`, and `foreign`: then it is made, but not Entra ID's. Answers each with its
    /// thumbprint and PEM.
    ///
    /// # Errors
    /// Says what is wrong with the seed.
    pub fn seed_certificates(&mut self, seeds: &[Value], now: Timestamp) -> Result<Vec<Value>, String> {
        if !seeds.is_empty() && !self.has_enterprise() {
            return Err("there is no enterprise application to give a certificate to yet".to_owned());
        }
        seeds.iter().map(|seed| self.seed_certificate(seed, now).map_err(|error| error.message)).collect()
    }

    fn seed_certificate(&mut self, seed: &Value, now: Timestamp) -> Result<Value, GraphError> {
        let seed: CertificateSeed = serde_json::from_value(seed.clone())
            .map_err(|error| GraphError::bad_request(format!("certificates: {error}")))?;
        let days = |days: i32| SignedDuration::from_hours(24 * i64::from(days));
        let start = now - days(seed.started_days_ago);
        let end = match seed.expires_in_days {
            Some(count) => now + days(count),
            None => years_after(start, MOST_YEARS)?,
        };
        let made = self.new_credential(seed.display_name.as_deref().unwrap_or(DEFAULT_NAME), start, end)?;
        let shown = json!({"thumbprint": made.thumbprint(), "pem": made.certificate.pem()});
        if !seed.foreign {
            if seed.preferred {
                self.application.signing.preferred = Some(made.thumbprint());
            }
            self.application.signing.held.push(Arc::new(made));
        }
        Ok(shown)
    }

    /// A certificate without a place in the directory yet.
    fn new_credential(
        &mut self,
        name: &str,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<SigningCredential, GraphError> {
        let common_name = name.strip_prefix("CN=").filter(|name| is_common_name(name));
        let common_name = common_name.ok_or_else(|| invalid("displayName"))?;
        let internal =
            |error: crate::x509::KeyError| GraphError::new(500, "InternalServerError", error.to_string());
        let key = nth_key("signing", self.certificates_made).map_err(internal)?;
        self.certificates_made += 1;
        let serial = self.ids.uuid().as_u128();
        let certificate = key.certify(common_name, serial, (start, end)).map_err(internal)?;
        let (sign_id, verify_id) = (self.ids.uuid().to_string(), self.ids.uuid().to_string());
        // Certificates know whole seconds only, and the credential ends with its certificate.
        let end = certificate.not_after;
        Ok(SigningCredential {
            key,
            certificate,
            display_name: name.to_owned(),
            start,
            end,
            sign_id,
            verify_id,
        })
    }

    fn change_signing(&mut self, now: Timestamp, change: impl FnOnce(&mut SigningCredentials)) {
        let before = self.application.signing.clone();
        self.seen_by_graph.changed(before.clone(), now);
        self.seen_in_metadata.changed(before, now);
        change(&mut self.application.signing);
    }
}

/// The thumbprints of the certificates that both arrays leave out. An array replaces all that was there; an entry
/// stands for the credential of its keyId and may repeat what that one has, but change nothing of it.
fn removed(signing: &SigningCredentials, body: &Map<String, Value>) -> Result<Vec<String>, GraphError> {
    let shown = |part: fn(&SigningCredential) -> Vec<Value>| {
        signing.held.iter().flat_map(|held| part(held)).collect()
    };
    let keys: Vec<Value> = shown(|held| vec![held.sign(), held.verify(true)]);
    let passwords: Vec<Value> = shown(|held| vec![held.password()]);
    let keys = kept(body.get("keyCredentials"), &keys, "keyCredentials")?;
    let passwords = kept(body.get("passwordCredentials"), &passwords, "passwordCredentials")?;
    let mut removed = Vec::new();
    for held in &signing.held {
        let parts =
            [keys.contains(&held.sign_id), keys.contains(&held.verify_id), passwords.contains(&held.sign_id)];
        match parts {
            [true, true, true] => {}
            [false, false, false] => removed.push(held.thumbprint()),
            // Reported for removing the password alone (graph-explorer#3145).
            [true, true, false] => return Err(GraphError::new(500, "UnknownError", "")),
            _ => {
                return Err(GraphError::bad_request(
                    "Credentials with one customKeyIdentifier must be removed together.",
                ));
            }
        }
    }
    Ok(removed)
}

/// The keyIds that an array keeps: all of them if it is not there.
fn kept(array: Option<&Value>, held: &[Value], property: &str) -> Result<BTreeSet<String>, GraphError> {
    let id = |entry: &Value| entry["keyId"].as_str().map(str::to_ascii_lowercase);
    let Some(array) = array else {
        return Ok(held.iter().filter_map(id).collect());
    };
    let mut kept = BTreeSet::new();
    for entry in array.as_array().ok_or_else(|| invalid(property))? {
        let id = id(entry).ok_or_else(|| invalid(property))?;
        let known =
            held.iter().find(|known| known["keyId"] == json!(id)).ok_or_else(|| not_held(property))?;
        let entry = entry.as_object().ok_or_else(|| invalid(property))?;
        let differs =
            |(name, value): (&String, &Value)| !name.starts_with("@odata.") && !same(known.get(name), value);
        // Neither type nor usage is ever guessed.
        let named =
            property != "keyCredentials" || (entry.contains_key("type") && entry.contains_key("usage"));
        if !named || entry.iter().any(differs) || !kept.insert(id) {
            return Err(invalid(property));
        }
    }
    Ok(kept)
}

/// Material that is not sent is kept; dates may be written otherwise, but not changed.
fn same(known: Option<&Value>, given: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    match known {
        None => false,
        Some(known) => {
            given.is_null() || known == given || (time(given).is_some() && time(known) == time(given))
        }
    }
}

/// Credentials of the caller's own making are not offered here.
fn not_held(property: &str) -> GraphError {
    match property {
        "passwordCredentials" => {
            GraphError::bad_request("New password credentials must be generated using service actions.")
        }
        _ => GraphError::bad_request(
            "The sandbox takes no keys of the caller's own: use addTokenSigningCertificate.",
        ),
    }
}

fn is_common_name(name: &str) -> bool {
    let special = |c: char| c.is_control() || ",+\"\\<>;=#".contains(c);
    !name.trim().is_empty() && name.chars().count() <= LONGEST_COMMON_NAME && !name.contains(special)
}

fn years_after(start: Timestamp, years: i64) -> Result<Timestamp, GraphError> {
    let later = start.to_zoned_datetime(TimeZone::UTC).checked_add(years.years());
    later.map(|later| later.timestamp()).map_err(|_| invalid("endDateTime"))
}

fn invalid(property: &str) -> GraphError {
    GraphError::bad_request(format!(
        "Invalid value specified for property '{property}' of resource 'ServicePrincipal'."
    ))
}
