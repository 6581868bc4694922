//! Applications and servicePrincipals beside what the enterprise application signs and lets in: app registrations, what
//! the gallery makes, who owns them, their secrets, and what of Microsoft Graph they were granted.

mod appearance;
mod applications;
mod callers;
mod gallery;
mod grants;
mod passwords;
mod principals;
mod properties;
mod ready_made;
mod tenant_reads;

pub use appearance::Appearance;
pub(super) use callers::Asker;
pub(super) use principals::shown as shown_principal;
pub(super) use properties::selected;

use super::Tenant;
use super::answer::{GraphAnswer, GraphError};
use super::query::GraphRequest;
use jiff::Timestamp;
use passwords::Password;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An application, or a servicePrincipal.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its object id.
    pub id: String,
    /// The application's (client) id, which both share.
    pub app_id: String,
    /// What was set, and what Graph adds.
    pub properties: Map<String, Value>,
    /// Object ids of servicePrincipals.
    pub owners: BTreeSet<String>,
    /// `None` for what was there from the beginning.
    pub made: Option<Timestamp>,
}

impl Entry {
    /// With what every one of its kind has, and over that what was set.
    fn with(
        (id, app_id): (String, String),
        every: impl IntoIterator<Item = (&'static str, Value)>,
        set: Map<String, Value>,
        made: Option<Timestamp>,
    ) -> Self {
        let mut properties: Map<String, Value> =
            every.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        properties.extend(set);
        properties.insert("id".to_owned(), json!(id));
        properties.insert("appId".to_owned(), json!(app_id));
        Self { id, app_id, properties, owners: BTreeSet::new(), made }
    }
}

/// A granted application permission.
#[derive(Debug, Clone)]
struct Grant {
    principal: String,
    role: String,
    created: Timestamp,
}

/// What is registered in a tenant.
#[derive(Debug, Default)]
pub(super) struct Registry {
    applications: BTreeMap<String, Entry>,
    principals: BTreeMap<String, Entry>,
    passwords: Vec<Password>,
    grants: BTreeMap<String, Grant>,
    appearance: Appearance,
    /// Whether the next read of something new sees it.
    coin: bool,
    /// ServicePrincipals that signed in, by the number that their tokens bear.
    callers: Vec<String>,
}

impl Registry {
    /// When what is made from now on can be read.
    pub fn set_appearance(&mut self, appearance: Appearance) {
        self.appearance = appearance;
    }

    /// A servicePrincipal by its object id.
    pub fn principal(&self, id: &str) -> Option<&Entry> {
        self.principals.get(&id.to_ascii_lowercase())
    }

    /// An application by its object id.
    pub fn application(&self, id: &str) -> Option<&Entry> {
        self.applications.get(&id.to_ascii_lowercase())
    }

    /// An application by its (client) id.
    pub fn application_of(&self, app_id: &str) -> Option<&Entry> {
        self.applications.values().find(|entry| entry.app_id.eq_ignore_ascii_case(app_id))
    }

    /// A servicePrincipal by its application's (client) id.
    pub fn principal_of(&self, app_id: &str) -> Option<&Entry> {
        self.principals.values().find(|entry| entry.app_id.eq_ignore_ascii_case(app_id))
    }

    /// True if this read sees what was made then: at first none does, then some do, then all.
    fn sees(&mut self, made: Option<Timestamp>, counted: bool, now: Timestamp) -> bool {
        let Some(made) = made.filter(|_| counted) else { return true };
        let wavers = self.appearance.wavers(made, now);
        if wavers == Some(true) {
            self.coin = !self.coin;
            return self.coin;
        }
        wavers.is_some()
    }

    /// True if this read sees the application with this (client) id.
    pub fn is_seen(&mut self, app_id: &str, counted: bool, now: Timestamp) -> bool {
        let made = self.application_of(app_id).and_then(|entry| entry.made);
        self.sees(made, counted, now)
    }

    /// The application with this object id, if this read sees it.
    fn seen_application(&mut self, id: &str, counted: bool, now: Timestamp) -> Result<Entry, GraphError> {
        let found = self.application(id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        if self.sees(found.made, counted, now) { Ok(found) } else { Err(GraphError::not_found(id)) }
    }

    /// The servicePrincipal with this object id, if this read sees it.
    fn seen_principal(&mut self, id: &str, counted: bool, now: Timestamp) -> Result<Entry, GraphError> {
        let found = self.principal(id).cloned().ok_or_else(|| GraphError::not_found(id))?;
        if self.sees(found.made, counted, now) { Ok(found) } else { Err(GraphError::not_found(id)) }
    }
}

impl Tenant {
    /// When what is made from now on can be read.
    pub fn set_appearance(&mut self, appearance: Appearance) {
        self.registry.set_appearance(appearance);
    }

    /// The request with object ids in place of alternate keys, such as `servicePrincipals(appId='..')`; `None` if it has
    /// none.
    pub(super) fn with_object_ids(&self, request: &GraphRequest) -> Option<GraphRequest> {
        let (collection, rest) = request.segments.first()?.split_once('(')?;
        let (key, value) = rest.strip_suffix("')")?.split_once("='")?;
        let found = match (collection, key) {
            ("applications", "appId") => self.registry.application_of(value),
            ("servicePrincipals", "appId") => self.registry.principal_of(value),
            ("applications", "uniqueName") => self.registry.named(value),
            _ => return None,
        };
        // What is not there is named by its key: nothing has it as its id.
        let id = found.map_or(value, |entry| entry.id.as_str()).to_owned();
        let mut renamed = request.clone();
        renamed.segments.splice(0..1, [collection.to_owned(), id]);
        if key == "uniqueName" {
            renamed.unique_name = Some(value.to_owned());
        }
        Some(renamed)
    }

    /// Answers what is about applications, servicePrincipals and the tenant itself; `None` for what the enterprise
    /// application signs, lets in, or shows.
    pub(super) fn registered(
        &mut self,
        request: &GraphRequest,
        counted: bool,
        now: Timestamp,
    ) -> Option<Result<GraphAnswer, GraphError>> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["organization"] => Some(self.organization(request)),
            ["subscribedSkus"] => Some(self.subscribed_skus(request)),
            ["applicationTemplates", rest @ ..] => Some(self.gallery(request, rest, now)),
            ["applications", rest @ ..] => Some(self.applications(request, rest, counted, now)),
            ["servicePrincipals", rest @ ..] => self.principals(request, rest, counted, now),
            _ => None,
        }
    }
}
