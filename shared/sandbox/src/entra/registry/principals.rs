//! `/servicePrincipals`, but for what the enterprise application signs and lets in.

use super::properties::{self, are_addresses, are_texts, is_address_or_null, is_flag, is_text_or_null};
use super::{Entry, Registry};
use crate::entra::Tenant;
use crate::entra::answer::{GraphAnswer, GraphError};
use crate::entra::assignments::{Application, MSIAM_ACCESS_ROLE, USER_ROLE};
use crate::entra::query::GraphRequest;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const WHAT: &str = "servicePrincipal";
/// What clients may write, beside certificates.
const WRITABLE: [properties::Writable; 9] = [
    ("preferredSingleSignOnMode", is_mode),
    ("loginUrl", is_address_or_null),
    ("notificationEmailAddresses", are_addresses),
    ("appRoleAssignmentRequired", is_flag),
    ("accountEnabled", is_flag),
    ("tags", are_texts),
    ("notes", is_text_or_null),
    ("displayName", properties::is_name),
    ("samlSingleSignOnSettings", is_saml_settings),
];
/// What is about certificates, and belongs to the enterprise application.
const OF_CERTIFICATES: [&str; 3] =
    ["preferredTokenSigningKeyThumbprint", "keyCredentials", "passwordCredentials"];

/// serviceprincipal resource: the modes that v1.0 knows.
fn is_mode(value: &Value) -> bool {
    value.is_null() || matches!(value.as_str(), Some("password" | "saml" | "notSupported" | "oidc"))
}

fn is_saml_settings(value: &Value) -> bool {
    let only_relay_state = |settings: &Map<String, Value>| settings.keys().all(|name| name == "relayState");
    value.is_null() || value.as_object().is_some_and(only_relay_state)
}

impl Registry {
    /// Adds a servicePrincipal; `properties` go over those that every one has.
    pub(super) fn add_principal(
        &mut self,
        (id, app_id): (String, String),
        properties: Map<String, Value>,
        made: Option<Timestamp>,
    ) -> Entry {
        let every = [
            ("displayName", Value::Null),
            ("accountEnabled", json!(true)),
            ("appRoleAssignmentRequired", json!(false)),
            ("appRoles", json!([])),
            ("applicationTemplateId", Value::Null),
            ("loginUrl", Value::Null),
            ("notes", Value::Null),
            ("notificationEmailAddresses", json!([])),
            ("preferredSingleSignOnMode", Value::Null),
            ("samlSingleSignOnSettings", Value::Null),
            ("servicePrincipalType", json!("Application")),
            ("tags", json!([])),
        ];
        let entry = Entry::with((id.clone(), app_id), every, properties, made);
        self.principals.insert(id, entry.clone());
        entry
    }
}

/// The properties of a servicePrincipal, with those of the certificates it signs with. The material of keys is shown
/// only if `keyCredentials` is selected by name, of one object.
pub(in crate::entra) fn shown(
    entry: &Entry,
    enterprise: Option<&Application>,
    with_key: bool,
) -> Map<String, Value> {
    let mut properties = entry.properties.clone();
    let (keys, passwords, preferred) = match enterprise {
        Some(application) => (
            application.signing.key_credentials(with_key),
            application.signing.password_credentials(),
            json!(application.signing.preferred),
        ),
        None => (json!([]), json!([]), Value::Null),
    };
    properties.insert("keyCredentials".to_owned(), keys);
    properties.insert("passwordCredentials".to_owned(), passwords);
    properties.insert("preferredTokenSigningKeyThumbprint".to_owned(), preferred);
    properties
}

/// The roles of the gallery application (AWS IAM Identity Center tutorial).
pub(super) fn gallery_roles() -> Value {
    let role = |id: &str, name: &str| {
        json!({"id": id, "displayName": name, "value": null, "isEnabled": true, "description": name,
               "allowedMemberTypes": ["User"], "origin": "Application"})
    };
    json!([role(USER_ROLE, "User"), role(MSIAM_ACCESS_ROLE, "msiam_access")])
}

impl Tenant {
    /// Everything under `/servicePrincipals`; `None` for what the enterprise application itself answers.
    pub(super) fn principals(
        &mut self,
        request: &GraphRequest,
        path: &[&str],
        counted: bool,
        now: Timestamp,
    ) -> Option<Result<GraphAnswer, GraphError>> {
        match (request.method.as_str(), path) {
            ("GET", []) => Some(self.list_principals(request, counted, now)),
            ("POST", []) => Some(self.create_principal(request, counted, now)),
            (_, [id, ..]) => match self.registry.seen_principal(id, counted, now) {
                Ok(entry) => self.of_principal(&entry, request, &path[1..], counted, now),
                Err(error) => Some(Err(error)),
            },
            _ => Some(Err(GraphError::no_segment(&request.segments.join("/")))),
        }
    }

    fn of_principal(
        &mut self,
        entry: &Entry,
        request: &GraphRequest,
        path: &[&str],
        counted: bool,
        now: Timestamp,
    ) -> Option<Result<GraphAnswer, GraphError>> {
        let enterprise = entry.id == self.application.id;
        match (request.method.as_str(), path) {
            ("GET", []) if !enterprise => Some(properties::object(shown(entry, None, false), request, WHAT)),
            ("PATCH", []) => self.change_principal(entry, request),
            (_, ["owners", rest @ ..]) => {
                Some(self.owners(&entry.owners, request, rest, counted, now).map(|(answer, owner)| {
                    let held = self.registry.principals.get_mut(&entry.id);
                    if let (Some(held), Some(owner)) = (held, owner) {
                        held.owners.insert(owner);
                    }
                    answer
                }))
            }
            (_, ["appRoleAssignments", rest @ ..]) => Some(self.grants(entry, request, rest, now)),
            _ if enterprise => None,
            _ => Some(Err(GraphError::no_segment(&request.segments.join("/")))),
        }
    }

    fn list_principals(
        &mut self,
        request: &GraphRequest,
        counted: bool,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        let all: Vec<Entry> = self.registry.principals.values().cloned().collect();
        let seen: Vec<Entry> =
            all.into_iter().filter(|entry| self.registry.sees(entry.made, counted, now)).collect();
        properties::list(
            seen.iter().map(|entry| shown(entry, self.enterprise(&entry.id), false)),
            request,
            WHAT,
        )
    }

    fn create_principal(
        &mut self,
        request: &GraphRequest,
        counted: bool,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        let mut body = request.body.clone();
        let app_id = body.as_object_mut().and_then(|body| body.remove("appId"));
        let app_id =
            app_id.as_ref().and_then(Value::as_str).ok_or_else(|| properties::invalid("appId", WHAT))?;
        let application = self.registry.application_of(app_id).cloned();
        let application = application.filter(|entry| self.registry.sees(entry.made, counted, now));
        let application = application.ok_or_else(|| {
            let message = format!(
                "The appId '{app_id}' of the service principal does not reference a valid application object."
            );
            GraphError::new(400, "NoBackingApplicationObject", message)
        })?;
        if self.registry.principal_of(&application.app_id).is_some() {
            let message = "The service principal cannot be created, updated, or restored because the service principal \
                           name is already in use.";
            return Err(GraphError::new(409, "Request_MultipleObjectsWithSameKeyValue", message));
        }
        let mut written = properties::checked(&body, &WRITABLE, WHAT)?;
        written.insert("displayName".to_owned(), application.properties["displayName"].clone());
        let ids = (self.ids.uuid().to_string(), application.app_id);
        let entry = self.registry.add_principal(ids, written, Some(now));
        Ok(GraphAnswer::created(Value::Object(shown(&entry, None, false))))
    }

    /// `None` if only certificates change: then the enterprise application answers.
    fn change_principal(
        &mut self,
        entry: &Entry,
        request: &GraphRequest,
    ) -> Option<Result<GraphAnswer, GraphError>> {
        let body = request.body.as_object()?;
        if body.is_empty() {
            return Some(Err(GraphError::bad_request("The request changes nothing.")));
        }
        if entry.id == self.application.id && body.keys().any(|name| OF_CERTIFICATES.contains(&name.as_str()))
        {
            return None;
        }
        let written = properties::checked(&request.body, &WRITABLE, WHAT);
        Some(written.map(|written| {
            if let Some(entry) = self.registry.principals.get_mut(&entry.id) {
                entry.properties.extend(written);
            }
            GraphAnswer::no_content()
        }))
    }
}
