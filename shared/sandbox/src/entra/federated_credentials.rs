//! Federated identity credentials of app registrations (Graph: federatedIdentityCredential), and how late the login sees
//! them.

use super::Tenant;
use super::answer::{GraphAnswer, GraphError};
use super::membership_checks::refuse_others;
use super::query::{GraphRequest, Literal, equalities};
use crate::publication::{Delay, Publication};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The collection's name in addresses.
pub(super) const COLLECTION: &str = "federatedIdentityCredentials";
/// Of one application.
const MOST: usize = 20;
/// Characters of a name, and of everything else.
const NAME: (usize, usize) = (3, 120);
const LONGEST: usize = 600;
const PROPERTIES: [&str; 5] = ["name", "issuer", "subject", "audiences", "description"];

/// Whose tokens count as an app registration's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FederatedCredential {
    id: String,
    name: String,
    pub issuer: String,
    pub subject: String,
    pub audience: String,
    description: Option<String>,
}

type Held = BTreeMap<String, Vec<FederatedCredential>>;

/// The credentials by the app registration's client id.
#[derive(Debug)]
pub(super) struct FederatedCredentials {
    held: Held,
    seen_by_login: Publication<Held>,
}

impl Default for FederatedCredentials {
    fn default() -> Self {
        Self { held: Held::new(), seen_by_login: Publication::new() }
    }
}

impl FederatedCredentials {
    /// What the login sees of them at this read.
    pub fn seen(&mut self, client_id: &str, now: Timestamp) -> Vec<FederatedCredential> {
        let before = self.seen_by_login.read(now);
        let seen = before.as_ref().unwrap_or(&self.held);
        seen.get(&client_id.to_ascii_lowercase()).cloned().unwrap_or_default()
    }

    fn of(&self, client_id: &str) -> &[FederatedCredential] {
        self.held.get(client_id).map_or(&[], Vec::as_slice)
    }

    /// By id or name.
    fn find(&self, client_id: &str, named: &str) -> Result<&FederatedCredential, GraphError> {
        let found = self.of(client_id).iter().find(|held| held.id == named || held.name == named);
        found.ok_or_else(|| GraphError::not_found(named))
    }

    fn change(
        &mut self,
        client_id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Vec<FederatedCredential>),
    ) {
        self.seen_by_login.changed(self.held.clone(), now);
        change(self.held.entry(client_id.to_owned()).or_default());
    }

    fn check(&self, client_id: &str, proposed: &FederatedCredential) -> Result<(), GraphError> {
        let mut others = self.of(client_id).iter().filter(|held| held.id != proposed.id);
        let same =
            |held: &&FederatedCredential| held.issuer == proposed.issuer && held.subject == proposed.subject;
        if let Some(same) = others.find(same) {
            return Err(invalid(&format!(
                "The combination of issuer and subject must be unique for the application. Issuer {} and Subject: {} \
                 already exist.",
                same.issuer, same.subject
            )));
        }
        Ok(())
    }
}

impl FederatedCredential {
    fn made(id: String, body: &Value) -> Result<Self, GraphError> {
        let name = text(body, "name", LONGEST)?;
        let length = (NAME.0..=NAME.1).contains(&name.len());
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !length || !starts || !name.chars().all(legal) {
            return Err(invalid(
                "The name must have 3 to 120 characters, be URL friendly, and start with a letter or a digit.",
            ));
        }
        Ok(Self {
            id,
            name,
            issuer: issuer(body)?,
            subject: text(body, "subject", LONGEST)?,
            audience: audience(body)?,
            description: description(body)?,
        })
    }

    fn changed(&self, body: &Value) -> Result<Self, GraphError> {
        let mut changed = self.clone();
        if body.get("name").is_some_and(|name| *name != self.name) {
            return Err(invalid("Property 'name' is immutable once the credential is created."));
        }
        if body.get("issuer").is_some() {
            changed.issuer = issuer(body)?;
        }
        if body.get("subject").is_some() {
            changed.subject = text(body, "subject", LONGEST)?;
        }
        if body.get("audiences").is_some() {
            changed.audience = audience(body)?;
        }
        if body.get("description").is_some() {
            changed.description = description(body)?;
        }
        Ok(changed)
    }

    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "issuer": self.issuer,
            "subject": self.subject,
            "description": self.description,
            "audiences": [self.audience],
        })
    }
}

impl Tenant {
    /// How late the login sees changes from now on.
    pub fn set_federated_credential_delay(&mut self, delay: Delay) {
        self.federated.seen_by_login.set(delay);
    }

    /// Reads the credentials of an application; `path` is what follows it.
    pub(super) fn read_federated(
        &self,
        client_id: &str,
        path: &[&str],
        request: &GraphRequest,
    ) -> Result<GraphAnswer, GraphError> {
        request.refuse(&["$expand", "$orderby", "$search", "$count", "$select", "$top"])?;
        let context = format!("{}/$metadata#applications('{client_id}')/{COLLECTION}", request.base);
        match path {
            [] => {
                let filter = request.query.filter.as_deref().map(equalities).transpose()?.unwrap_or_default();
                let found: Result<Vec<Value>, GraphError> = self
                    .federated
                    .of(client_id)
                    .iter()
                    .filter_map(|held| matches(held, &filter).map(|ok| ok.then(|| held.shown())).transpose())
                    .collect();
                Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": found?})))
            }
            [named] => {
                request.refuse(&["$filter"])?;
                let mut body = self.federated.find(client_id, named)?.shown();
                body["@odata.context"] = json!(format!("{context}/$entity"));
                Ok(GraphAnswer::ok(body))
            }
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }

    /// Changes the credentials of an application; `path` is what follows it.
    pub(super) fn write_federated(
        &mut self,
        client_id: &str,
        path: &[&str],
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        match (request.method.as_str(), path) {
            ("POST", []) => self.add_federated(client_id, request, now),
            ("PATCH", [named]) => {
                refuse_others(&request.body, &PROPERTIES)?;
                let changed = self.federated.find(client_id, named)?.changed(&request.body)?;
                self.federated.check(client_id, &changed)?;
                self.federated.change(client_id, now, |held| {
                    held.iter_mut()
                        .filter(|held| held.id == changed.id)
                        .for_each(|held| *held = changed.clone());
                });
                Ok(GraphAnswer::no_content())
            }
            ("DELETE", [named]) => {
                let id = self.federated.find(client_id, named)?.id.clone();
                self.federated.change(client_id, now, |held| held.retain(|held| held.id != id));
                Ok(GraphAnswer::no_content())
            }
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }

    fn add_federated(
        &mut self,
        client_id: &str,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        refuse_others(&request.body, &PROPERTIES)?;
        let made = FederatedCredential::made(self.ids.uuid().to_string(), &request.body)?;
        let held = self.federated.of(client_id);
        if held.iter().any(|held| held.name == made.name) {
            let message = format!("FederatedIdentityCredential with name {} already exists.", made.name);
            return Err(GraphError::new(409, "Request_MultipleObjectsWithSameKeyValue", message));
        }
        if held.len() >= MOST {
            return Err(invalid(
                "The application has reached the limit of 20 federated identity credentials.",
            ));
        }
        self.federated.check(client_id, &made)?;
        let mut body = made.shown();
        body["@odata.context"] =
            json!(format!("{}/$metadata#applications('{client_id}')/{COLLECTION}/$entity", request.base));
        self.federated.change(client_id, now, |held| held.push(made));
        Ok(GraphAnswer::created(body))
    }
}

fn matches(held: &FederatedCredential, filter: &[(String, Literal)]) -> Result<bool, GraphError> {
    let Some((name, value)) = filter.first() else { return Ok(true) };
    let property = match name.as_str() {
        "name" => &held.name,
        "subject" => &held.subject,
        _ => return Err(GraphError::unsupported("Only name and subject can be filtered here.")),
    };
    Ok(filter.len() == 1 && *value == Literal::Text(property.clone()))
}

fn text(body: &Value, name: &str, longest: usize) -> Result<String, GraphError> {
    let text = body[name].as_str().filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| invalid(&format!("A value is required for property '{name}'.")))?;
    if text.chars().count() > longest {
        return Err(invalid(&format!("The value of '{name}' is longer than {longest} characters.")));
    }
    Ok(text.to_owned())
}

fn issuer(body: &Value) -> Result<String, GraphError> {
    let issuer = text(body, "issuer", LONGEST)?;
    let is_address = url::Url::parse(&issuer).is_ok_and(|url| url.scheme() == "https");
    if is_address { Ok(issuer) } else { Err(invalid("The issuer must be a valid https address.")) }
}

/// Exactly one.
fn audience(body: &Value) -> Result<String, GraphError> {
    match body["audiences"].as_array().map(Vec::as_slice) {
        Some([one]) => text(&json!({"audiences": one}), "audiences", LONGEST),
        _ => Err(invalid("Property 'audiences' must hold exactly one value.")),
    }
}

fn description(body: &Value) -> Result<Option<String>, GraphError> {
    match &body["description"] {
        Value::Null => Ok(None),
        _ => text(body, "description", LONGEST).map(Some),
    }
}

fn invalid(message: &str) -> GraphError {
    GraphError::new(400, "InvalidFederatedIdentityCredentialValue", message)
}
