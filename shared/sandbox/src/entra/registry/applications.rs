//! `/applications`: app registrations, and the application side of what the gallery makes.

use super::properties::{
    self, are_identifiers, are_texts, is_name, is_required_access, is_text_or_null, is_web,
};
use super::{Entry, Registry};
use crate::entra::Tenant;
use crate::entra::answer::{GraphAnswer, GraphError};
use crate::entra::federated_credentials::COLLECTION;
use crate::entra::query::GraphRequest;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const WHAT: &str = "application";
/// What clients may write.
const WRITABLE: [properties::Writable; 7] = [
    ("displayName", is_name),
    ("identifierUris", are_identifiers),
    ("web", is_web),
    ("requiredResourceAccess", is_required_access),
    ("tags", are_texts),
    ("notes", is_text_or_null),
    ("signInAudience", is_audience),
];

fn is_audience(value: &Value) -> bool {
    matches!(value.as_str(), Some("AzureADMyOrg" | "AzureADMultipleOrgs"))
}

impl Registry {
    /// The application with this uniqueName.
    pub(super) fn named(&self, unique_name: &str) -> Option<&Entry> {
        self.applications
            .values()
            .find(|entry| entry.properties.get("uniqueName") == Some(&json!(unique_name)))
    }

    /// Adds an application; `properties` are those that were set.
    pub(super) fn add_application(
        &mut self,
        (id, app_id): (String, String),
        properties: Map<String, Value>,
        made: Option<Timestamp>,
    ) -> Entry {
        let every = [
            ("displayName", Value::Null),
            ("identifierUris", json!([])),
            ("web", json!({"redirectUris": []})),
            ("requiredResourceAccess", json!([])),
            ("tags", json!([])),
            ("notes", Value::Null),
            ("signInAudience", json!("AzureADMyOrg")),
            ("applicationTemplateId", Value::Null),
            ("uniqueName", Value::Null),
            ("keyCredentials", json!([])),
            ("createdDateTime", json!(made.unwrap_or(Timestamp::UNIX_EPOCH).to_string())),
        ];
        let entry = Entry::with((id.clone(), app_id), every, properties, made);
        self.applications.insert(id, entry.clone());
        entry
    }

    fn shown_application(&self, entry: &Entry) -> Map<String, Value> {
        let mut properties = entry.properties.clone();
        properties.insert("passwordCredentials".to_owned(), self.password_credentials(&entry.id));
        properties
    }

    /// An identifier belongs to one application of the tenant.
    fn refuse_taken(&self, id: &str, changes: &Map<String, Value>) -> Result<(), GraphError> {
        let wanted: BTreeSet<&str> = properties::texts(changes, "identifierUris").collect();
        let holds = |entry: &Entry| {
            entry.id != id
                && properties::texts(&entry.properties, "identifierUris").any(|uri| wanted.contains(uri))
        };
        if self.applications.values().any(holds) {
            return Err(GraphError::bad_request(
                "Another object with the same value for property identifierUris already exists.",
            ));
        }
        Ok(())
    }

    /// An address of somebody else's domain may identify an application only once that signs SAML responses
    /// (application resource, identifierUris: "verified domain"; application-saml-sso-configure-api sets the mode first).
    fn refuse_foreign_identifiers(
        &self,
        app_id: &str,
        changes: &Map<String, Value>,
    ) -> Result<(), GraphError> {
        let signs = self.principal_of(app_id).is_some_and(|principal| {
            principal.properties.get("preferredSingleSignOnMode") == Some(&json!("saml"))
        });
        let foreign = properties::texts(changes, "identifierUris").any(|uri| !uri.starts_with("api://"));
        if foreign && !signs {
            let message = "Values of identifierUris property must use a verified domain of the organization or its \
                           subdomain.";
            return Err(GraphError::new(400, "HostNameNotOnVerifiedDomain", message));
        }
        Ok(())
    }
}

impl Tenant {
    /// Everything under `/applications`.
    pub(super) fn applications(
        &mut self,
        request: &GraphRequest,
        path: &[&str],
        counted: bool,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        match (request.method.as_str(), path) {
            ("GET", []) => {
                let all: Vec<Entry> = self.registry.applications.values().cloned().collect();
                let seen: Vec<Entry> =
                    all.into_iter().filter(|entry| self.registry.sees(entry.made, counted, now)).collect();
                let registry = &self.registry;
                properties::list(seen.iter().map(|entry| registry.shown_application(entry)), request, WHAT)
            }
            ("POST", []) => self.create_application(request, None, now),
            ("PATCH", [_]) if self.creates(request) => {
                self.create_application(request, request.unique_name.clone(), now)
            }
            // An alternate key is looked up where it is kept unique, not on a replica.
            ("PATCH", [id]) => {
                let sees_truth = !counted || request.unique_name.is_some();
                let entry = self.registry.seen_application(id, !sees_truth, now)?;
                self.change_application(&entry, request)
            }
            ("GET", [id]) => {
                let entry = self.registry.seen_application(id, counted, now)?;
                properties::object(self.registry.shown_application(&entry), request, WHAT)
            }
            ("DELETE", [id]) => {
                let entry = self.registry.seen_application(id, counted, now)?;
                self.delete_application(&entry);
                Ok(GraphAnswer::no_content())
            }
            ("POST", [id, "addPassword"]) => {
                let entry = self.registry.seen_application(id, counted, now)?;
                self.add_password(&entry, request, now)
            }
            (method, [id, COLLECTION, rest @ ..]) => {
                let app_id = self.registry.seen_application(id, counted, now)?.app_id;
                match method {
                    "GET" => self.read_federated(&app_id, rest, request),
                    _ => self.write_federated(&app_id, rest, request, now),
                }
            }
            (_, [id, "owners", rest @ ..]) => {
                let entry = self.registry.seen_application(id, counted, now)?;
                let owners = self.owners(&entry.owners, request, rest, counted, now)?;
                if let (Some(entry), Some(owner)) = (self.registry.applications.get_mut(&entry.id), owners.1)
                {
                    entry.owners.insert(owner);
                }
                Ok(owners.0)
            }
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }

    /// `Prefer: create-if-missing` (application-upsert).
    fn creates(&self, request: &GraphRequest) -> bool {
        let unique_name = request.unique_name.as_deref().filter(|_| request.creates_if_missing);
        unique_name.is_some_and(|name| self.registry.named(name).is_none())
    }

    fn create_application(
        &mut self,
        request: &GraphRequest,
        unique_name: Option<String>,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        let mut written = properties::checked(&request.body, &WRITABLE, WHAT)?;
        if !written.contains_key("displayName") {
            return Err(properties::invalid("displayName", WHAT));
        }
        let ids = (self.ids.uuid().to_string(), self.ids.uuid().to_string());
        self.registry.refuse_taken(&ids.0, &written)?;
        self.registry.refuse_foreign_identifiers(&ids.1, &written)?;
        if let Some(name) = unique_name {
            written.insert("uniqueName".to_owned(), json!(name));
        }
        let entry = self.registry.add_application(ids, written, Some(now));
        Ok(GraphAnswer::created(Value::Object(self.registry.shown_application(&entry))))
    }

    fn change_application(
        &mut self,
        entry: &Entry,
        request: &GraphRequest,
    ) -> Result<GraphAnswer, GraphError> {
        let written = properties::checked(&request.body, &WRITABLE, WHAT)?;
        self.registry.refuse_taken(&entry.id, &written)?;
        self.registry.refuse_foreign_identifiers(&entry.app_id, &written)?;
        if let Some(entry) = self.registry.applications.get_mut(&entry.id) {
            entry.properties.extend(written);
        }
        Ok(GraphAnswer::no_content())
    }

    /// The servicePrincipal goes with its application.
    fn delete_application(&mut self, entry: &Entry) {
        self.registry.applications.remove(&entry.id);
        self.registry.passwords.retain(|password| password.application != entry.id);
        if let Some(principal) =
            self.registry.principal_of(&entry.app_id).map(|principal| principal.id.clone())
        {
            self.registry.principals.remove(&principal);
            self.registry.grants.retain(|_, grant| grant.principal != principal);
            self.forget_enterprise(&principal);
        }
    }

    /// `owners` and `owners/$ref`: the answer, and an owner to add.
    pub(super) fn owners(
        &mut self,
        held: &BTreeSet<String>,
        request: &GraphRequest,
        path: &[&str],
        counted: bool,
        now: Timestamp,
    ) -> Result<(GraphAnswer, Option<String>), GraphError> {
        match (request.method.as_str(), path) {
            ("GET", []) => {
                let shown = |id: &String| {
                    json!({"@odata.type": "#microsoft.graph.servicePrincipal", "id": id,
                           "displayName": self.registry.principal(id).map(|found| found.properties["displayName"].clone())})
                };
                let value: Vec<Value> = held.iter().map(shown).collect();
                let context = format!("{}/$metadata#directoryObjects", request.base);
                Ok((GraphAnswer::ok(json!({"@odata.context": context, "value": value})), None))
            }
            ("POST", ["$ref"]) => {
                let id = crate::entra::writes::reference(&request.body)?;
                let owner = self.registry.seen_principal(&id, counted, now)?.id;
                if held.contains(&owner) {
                    return Err(GraphError::bad_request(
                        "One or more added object references already exist for the following modified properties: \
                         'owners'.",
                    ));
                }
                Ok((GraphAnswer::no_content(), Some(owner)))
            }
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }
}
