//! What is registered in a tenant that is ready made: the enterprise application as it is once set up, the reader and the
//! rotator. Every tenant has Microsoft Graph.

use super::gallery::{NAME, TEMPLATE};
use super::grants::{GRAPH_APP_ID, graph_roles};
use super::principals::gallery_roles;
use super::{Grant, Registry};
use crate::entra::TenantSettings;
use crate::entra::permissions::PERMISSIONS;
use crate::random::Random;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What the reader and the rotator are granted.
const READER: [&str; 4] = ["User.Read.All", "Group.Read.All", "Application.Read.All", "Directory.Read.All"];
const ROTATOR: [&str; 1] = ["Application.ReadWrite.OwnedBy"];

impl Registry {
    /// What a tenant holds at the start.
    pub fn new(settings: &TenantSettings) -> Self {
        let mut registry = Self::default();
        let mut ids = Random::new(settings.rng_seed, "registry ids");
        let graph = properties([("displayName", json!("Microsoft Graph")), ("appRoles", graph_roles())]);
        registry.add_principal((ids.uuid().to_string(), GRAPH_APP_ID.to_owned()), graph, None);
        if settings.empty {
            return registry;
        }
        registry.add_gallery_application(settings, &mut ids);
        let reader = (settings.client_object_id.clone(), settings.client_id.clone());
        registry.add_client("Reader", reader, &READER, &mut ids);
        let rotator = (settings.rotator_object_id.clone(), settings.rotator_client_id.clone());
        let rotator = registry.add_client("Rotator", rotator, &ROTATOR, &mut ids);
        for entry in registry.applications.values_mut().chain(registry.principals.values_mut()) {
            if entry.app_id == settings.app_id {
                entry.owners.insert(rotator.clone());
            }
        }
        registry
    }

    fn add_gallery_application(&mut self, settings: &TenantSettings, ids: &mut Random) {
        let of_both = [("displayName", json!(NAME)), ("applicationTemplateId", json!(TEMPLATE))];
        let application = properties(of_both.clone());
        self.add_application((ids.uuid().to_string(), settings.app_id.clone()), application, None);
        let more = [
            ("appRoleAssignmentRequired", json!(true)),
            ("appRoles", gallery_roles()),
            ("preferredSingleSignOnMode", json!("saml")),
        ];
        let principal = properties(of_both.into_iter().chain(more));
        self.add_principal((settings.service_principal_id.clone(), settings.app_id.clone()), principal, None);
    }

    /// An app registration with its servicePrincipal, whose id is answered.
    fn add_client(
        &mut self,
        name: &str,
        (object_id, app_id): (String, String),
        permissions: &[&str],
        ids: &mut Random,
    ) -> String {
        let named = properties([("displayName", json!(name))]);
        self.add_application((object_id, app_id.clone()), named.clone(), None);
        let principal = self.add_principal((ids.uuid().to_string(), app_id), named, None).id;
        for (_, role) in PERMISSIONS.iter().filter(|(name, _)| permissions.contains(name)) {
            let grant = Grant {
                principal: principal.clone(),
                role: (*role).to_owned(),
                created: Timestamp::UNIX_EPOCH,
            };
            self.grants.insert(ids.uuid().simple().to_string(), grant);
        }
        principal
    }
}

fn properties<'a>(set: impl IntoIterator<Item = (&'a str, Value)>) -> Map<String, Value> {
    set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
